/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Runs of slots. See extent.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "extent.h"

static int reserve(struct extent **list, size_t *room, size_t count)
{
	size_t wanted = *room ? 2 * *room : 16;
	struct extent *grown;

	if (*list && count < *room)
		return 0;
	grown = realloc(*list, wanted * sizeof(**list));
	if (!grown)
		return -ENOMEM;
	*list = grown;
	*room = wanted;
	return 0;
}

static int insert(struct extents *extents, size_t at, struct extent extent)
{
	int err = reserve(&extents->free, &extents->free_room, extents->free_count);

	if (err)
		return err;
	memmove(&extents->free[at + 1], &extents->free[at],
		(extents->free_count - at) * sizeof(*extents->free));
	extents->free[at] = extent;
	extents->free_count++;
	return 0;
}

static void drop(struct extents *extents, size_t at)
{
	extents->free_count--;
	memmove(&extents->free[at], &extents->free[at + 1],
		(extents->free_count - at) * sizeof(*extents->free));
}

int extents_init(struct extents *extents, uint32_t size)
{
	*extents = (struct extents){0};
	return insert(extents, 0, (struct extent){1, size - 1});
}

void extents_free(struct extents *extents)
{
	free(extents->free);
	free(extents->resting);
	memset(extents, 0, sizeof(*extents));
}

/* The first free run that ends behind `record`. */
static size_t find(const struct extents *extents, uint32_t record)
{
	size_t low = 0, high = extents->free_count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (extents->free[middle].first + extents->free[middle].count <= record)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

int extents_claim(struct extents *extents, uint32_t first, uint32_t count)
{
	size_t at = find(extents, first);
	struct extent around, behind;
	int err = 0;

	if (at == extents->free_count)
		return -ENOENT;
	around = extents->free[at];
	/* It ends behind `first`, and the sum of a damaged record's numbers may wrap. */
	if (around.first > first || count > around.first + around.count - first)
		return -ENOENT;
	behind = (struct extent){first + count, around.first + around.count - first - count};
	if (behind.count)
		err = insert(extents, at + 1, behind);
	if (err)
		return err;
	extents->free[at].count = first - around.first;
	if (!extents->free[at].count)
		drop(extents, at);
	return 0;
}

int extents_take(struct extents *extents, uint32_t count, uint32_t *first)
{
	for (size_t i = 0; i < extents->free_count; i++) {
		struct extent *extent = &extents->free[i];

		if (extent->count < count)
			continue;
		*first = extent->first;
		extent->first += count;
		extent->count -= count;
		if (!extent->count)
			drop(extents, i);
		return 0;
	}
	return -ENOSPC;
}

int extents_give_up(struct extents *extents, uint32_t first, uint32_t count)
{
	int err = reserve(&extents->resting, &extents->resting_room, extents->resting_count);

	if (err)
		return err;
	extents->resting[extents->resting_count++] = (struct extent){first, count};
	return 0;
}

/* Gives a run back to the free ones, merged with what it touches. */
static void release(struct extents *extents, struct extent run)
{
	size_t at = find(extents, run.first);
	struct extent *before = at ? &extents->free[at - 1] : NULL;
	struct extent *behind = at < extents->free_count ? &extents->free[at] : NULL;

	if (before && before->first + before->count == run.first) {
		before->count += run.count;
		if (behind && before->first + before->count == behind->first) {
			before->count += behind->count;
			drop(extents, at);
		}
	} else if (behind && run.first + run.count == behind->first) {
		behind->first = run.first;
		behind->count += run.count;
	} else {
		/* Where there is no memory for it the run is lost until the next start, no more. */
		(void)insert(extents, at, run);
	}
}

bool extents_reap(struct extents *extents)
{
	for (size_t i = 0; i < extents->resting_old; i++)
		release(extents, extents->resting[i]);
	extents->resting_count -= extents->resting_old;
	if (extents->resting_count) /* else the array may not be there yet */
		memmove(extents->resting, extents->resting + extents->resting_old,
			extents->resting_count * sizeof(*extents->resting));
	extents->resting_old = extents->resting_count;
	return extents->resting_count > 0;
}
