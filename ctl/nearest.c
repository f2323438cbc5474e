/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The edit distance of two short words, with swaps of neighbours counted as one edit (optimal
 * string alignment), and the rule of what is near enough to be worth suggesting.
 *
 * Words longer than WORD_MAX are near nothing: no name of ours is that long.
 */
#include "nearest.h"

#include <string.h>

#define WORD_MAX 32

static unsigned least(unsigned a, unsigned b, unsigned c)
{
	unsigned ab = a < b ? a : b;

	return ab < c ? ab : c;
}

static unsigned distance_of(const char *a, size_t a_length, const char *b, size_t b_length)
{
	unsigned rows[WORD_MAX + 1][WORD_MAX + 1];

	for (size_t i = 0; i <= a_length; i++)
		rows[i][0] = (unsigned)i;
	for (size_t j = 0; j <= b_length; j++)
		rows[0][j] = (unsigned)j;
	for (size_t i = 1; i <= a_length; i++) {
		for (size_t j = 1; j <= b_length; j++) {
			unsigned replaced = rows[i - 1][j - 1] + (a[i - 1] != b[j - 1]);

			rows[i][j] = least(rows[i - 1][j] + 1, rows[i][j - 1] + 1, replaced);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				rows[i][j] = least(rows[i][j], rows[i - 2][j - 2] + 1, rows[i][j]);
		}
	}
	return rows[a_length][b_length];
}

void nearest_offer(struct nearest *nearest, const char *candidate)
{
	size_t typed = strlen(nearest->word), known = strlen(candidate);
	unsigned limit = (unsigned)typed / 3, distance;

	if (typed > WORD_MAX || known > WORD_MAX)
		return;
	if (typed == 3 || typed == 4)
		limit = 2;
	distance = distance_of(nearest->word, typed, candidate, known);
	/* As many edits as letters would turn any word into any other. */
	if (distance > limit || distance >= known || (nearest->best && distance >= nearest->distance))
		return;
	nearest->best = candidate;
	nearest->distance = distance;
}
