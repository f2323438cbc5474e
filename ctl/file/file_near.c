/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Edit distance over short words, and what it is good for.
 *
 * The distance counts insertions, deletions, replacements and swaps of neighbours (optimal
 * string alignment), letters regardless of case. A name is near within 2, but not where that
 * would change more than a third of it: 'l4' is no misspelt 'l2'.
 */
#include "file_near.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define WORD_MAX     24
#define DISTANCE_MAX 2

static bool same_letter(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

static unsigned smallest(unsigned a, unsigned b, unsigned c)
{
	unsigned least = a < b ? a : b;

	return least < c ? least : c;
}

/* Both at most WORD_MAX long. */
static unsigned distance(const char *a, const char *b)
{
	unsigned rows[3][WORD_MAX + 1];
	unsigned *before = rows[0], *above = rows[1], *row = rows[2];
	size_t width = strlen(b);

	for (size_t j = 0; j <= width; j++)
		row[j] = (unsigned)j;
	for (size_t i = 1; a[i - 1]; i++) {
		unsigned *recycled = before;

		before = above;
		above = row;
		row = recycled;
		row[0] = (unsigned)i;
		for (size_t j = 1; j <= width; j++) {
			row[j] = smallest(above[j] + 1, row[j - 1] + 1,
					  above[j - 1] + !same_letter(a[i - 1], b[j - 1]));
			if (i > 1 && j > 1 && same_letter(a[i - 1], b[j - 2]) &&
			    same_letter(a[i - 2], b[j - 1]))
				row[j] = smallest(row[j], before[j - 2] + 1, row[j]);
		}
	}
	return row[width];
}

static const char *nearest(const char *word, const char *const *names, size_t count)
{
	const char *best = NULL;
	size_t least = DISTANCE_MAX + 1;

	if (!*word || strlen(word) > WORD_MAX)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		size_t edits = distance(word, names[i]);

		if (edits < least && edits * 3 <= strlen(names[i])) {
			least = edits;
			best = names[i];
		}
	}
	return best;
}

const char *near_advice(const char *word, const char *const *names, size_t count,
			char out[static NEAR_TEXT_SIZE])
{
	const char *near = nearest(word, names, count);
	size_t length;

	if (near) {
		snprintf(out, NEAR_TEXT_SIZE, "did you mean '%s'?", near);
		return out;
	}
	length = (size_t)snprintf(out, NEAR_TEXT_SIZE, "valid:");
	for (size_t i = 0; i < count && length < NEAR_TEXT_SIZE; i++)
		length += (size_t)snprintf(out + length, NEAR_TEXT_SIZE - length, "%s %s", i ? "," : "",
					   names[i]);
	return out;
}
