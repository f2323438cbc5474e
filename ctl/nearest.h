/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * "Did you mean ...?": the known word nearest to a mistyped one.
 *
 *	struct nearest nearest = {.word = typed};
 *	for each known name: nearest_offer(&nearest, name);
 *	if (nearest.best) ... "did you mean '%s'?"
 */
#ifndef SHUNT_NEAREST_H
#define SHUNT_NEAREST_H

struct nearest {
	const char *word; /* what was typed; the caller's */
	const char *best; /* the nearest offered so far, borrowed; NULL where none is near */
	unsigned distance;
};

/* Near is: at most one edit for each three letters typed (and two for words of three or four), an
 * edit being a letter inserted, left out, replaced or swapped with its neighbour. The first wins a tie. */
void nearest_offer(struct nearest *nearest, const char *candidate);

#endif
