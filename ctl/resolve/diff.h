/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The difference between what is wanted and what is there: one ordered walk over both.
 *
 * Pure. Used for everything that shunt owns in the kernel: VIPs in the maps, aliases on lo,
 * programs on interfaces, managed neighbours.
 */
#ifndef SHUNT_DIFF_H
#define SHUNT_DIFF_H

#include <stdbool.h>
#include <stddef.h>

struct diff_ops {
	/* <0, 0, >0: by key alone. */
	int (*compare)(const void *a, const void *b);
	/* Are two records with the same key the same? NULL: always. */
	bool (*same)(const void *want, const void *have);
	/* Any may be NULL. 0, or -errno, which ends the walk and is returned by diff. */
	int (*add)(const void *want, void *arg);
	int (*change)(const void *want, const void *have, void *arg);
	int (*remove)(const void *have, void *arg);
};

/*
 * Sorts both arrays in place (records of `size` bytes), then walks them once: add what only
 * `want` has, remove what only `have` has, change what differs. Records with the same key
 * twice in one array count once. Whole records are compared: a value removed from the file is a change.
 */
int diff(void *want, size_t want_count, void *have, size_t have_count, size_t size,
	 const struct diff_ops *ops, void *arg);

#endif
