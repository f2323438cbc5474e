/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which records of an array are in use.
 *
 * A record that is given up is not used again at once: a packet may have loaded its index just
 * before what pointed to it was switched. It rests through two calls of index_reap, which the
 * controller makes a second apart, far longer than any packet takes.
 */
#ifndef SHUNT_INDEX_H
#define SHUNT_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct index {
	uint32_t size;	/* records, the reserved record 0 included */
	uint32_t *free; /* owned: a queue, the longest free one first */
	uint32_t head, free_count;
	uint32_t *resting;		     /* owned: given up, in order */
	uint32_t resting_count, resting_old; /* the first resting_old of them rested one reap already */
	bool *used;			     /* owned */
};

/* 0 or -ENOMEM. Everything but record 0 is free. */
int index_init(struct index *index, uint32_t size);
void index_free(struct index *index);
/* Marks a record as in use, while adopting; all claims come before the first take. */
void index_claim(struct index *index, uint32_t record);
/* 0 and *record, or -ENOSPC. */
int index_take(struct index *index, uint32_t *record);
void index_give_up(struct index *index, uint32_t record);
/* Frees what has rested; `clear` is called for each, to empty the record. True while some rest. */
bool index_reap(struct index *index, void (*clear)(uint32_t record, void *arg), void *arg);

#endif
