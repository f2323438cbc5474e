/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Merging from the bottom up: pairs of runs into runs twice as long, from one half of the room into the other
 * and back. See sorting.h.
 */
#include "sorting.h"

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

static void begin_pair(struct sorting *sorting, size_t pair)
{
	sorting->pair = sorting->left = pair;
	sorting->right = smaller(pair + sorting->width, sorting->count);
}

static void begin_round(struct sorting *sorting)
{
	uint32_t *from = sorting->from;

	if (from) {
		sorting->width *= 2;
		sorting->from = sorting->to;
		sorting->to = from;
	} else {
		sorting->width = 1;
		sorting->from = sorting->numbers;
		sorting->to = sorting->spare;
	}
	begin_pair(sorting, 0);
}

/* Moves one number. False where the pair has no more. */
static bool move(struct sorting *sorting)
{
	size_t middle = smaller(sorting->pair + sorting->width, sorting->count);
	size_t end = smaller(middle + sorting->width, sorting->count);
	bool left = sorting->left < middle, right = sorting->right < end;
	size_t place = sorting->left + (sorting->right - middle);

	if (!left && !right)
		return false;
	if (left && right)
		left = sorting->compare(sorting->from[sorting->left], sorting->from[sorting->right],
					sorting->arg) <= 0;
	sorting->to[place] = sorting->from[left ? sorting->left++ : sorting->right++];
	return true;
}

/* A round that was left as the last one may have ended in the spare room: then one more moves all back. */
static bool is_done(const struct sorting *sorting)
{
	return sorting->width >= sorting->count && sorting->from == sorting->numbers;
}

bool sorting_go_on(struct sorting *sorting, size_t *budget)
{
	if (!sorting->from)
		begin_round(sorting);
	for (; *budget && !is_done(sorting); --*budget) {
		if (move(sorting))
			continue;
		if (sorting->right < sorting->count)
			begin_pair(sorting, sorting->pair + 2 * sorting->width);
		else
			begin_round(sorting);
	}
	return is_done(sorting);
}
