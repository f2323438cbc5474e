/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Putting numbers in order, in parts: a merge sort that can be left and gone on with.
 *
 * For what is worked out beside the event loop's other work, of which nothing may wait for thousands of
 * comparisons. Stable: numbers that compare equal stay as they were. Used by ring.c.
 */
#ifndef SHUNT_SORTING_H
#define SHUNT_SORTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sorting {
	uint32_t *numbers; /* borrowed: `count` of them; where they are between two parts is undefined */
	uint32_t *spare;   /* borrowed: room for as many */
	size_t count;
	/* Less than, equal to or more than 0, as qsort's. */
	int (*compare)(uint32_t a, uint32_t b, const void *arg);
	const void *arg;

	/* How far it is; all zero at first. */
	uint32_t *from, *to;	  /* one is `numbers`, the other `spare` */
	size_t width;		  /* runs of so many are in order */
	size_t pair, left, right; /* two runs, and the next of each */
};

/* Goes on by at most *budget moves, and takes those it made off it. True once `numbers` are in order. */
bool sorting_go_on(struct sorting *sorting, size_t *budget);

#endif
