/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Room for rings in the slots array: runs of records, first fit, neighbours merged.
 *
 * As in index.h, a run that is given up rests through two reaps before it is used again.
 */
#ifndef SHUNT_EXTENT_H
#define SHUNT_EXTENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct extent {
	uint32_t first, count;
};

struct extents {
	struct extent *free; /* owned, sorted by first, no two touch */
	size_t free_count, free_room;
	struct extent *resting; /* owned */
	size_t resting_count, resting_room, resting_old;
};

/* All of 1..size-1 is free. 0 or -ENOMEM. */
int extents_init(struct extents *extents, uint32_t size);
void extents_free(struct extents *extents);
/* Takes this very run out of the free ones, while adopting. -ENOENT where it is not free. */
int extents_claim(struct extents *extents, uint32_t first, uint32_t count);
/* 0 and *first, or -ENOSPC. */
int extents_take(struct extents *extents, uint32_t count, uint32_t *first);
/* 0 or -ENOMEM: then the run stays in use for good. */
int extents_give_up(struct extents *extents, uint32_t first, uint32_t count);
bool extents_reap(struct extents *extents); /* true while some rest */

#endif
