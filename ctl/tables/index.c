/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Records in use, resting and free. See index.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "index.h"

/* The queue is filled when the first record is taken, after the claims. */
#define NOT_FILLED UINT32_MAX

int index_init(struct index *index, uint32_t size)
{
	*index = (struct index){.size = size, .free_count = NOT_FILLED};
	index->free = calloc(size, sizeof(*index->free));
	index->resting = calloc(size, sizeof(*index->resting));
	index->used = calloc(size, sizeof(*index->used));
	if (index->free && index->resting && index->used)
		return 0;
	index_free(index);
	return -ENOMEM;
}

void index_free(struct index *index)
{
	free(index->free);
	free(index->resting);
	free(index->used);
	memset(index, 0, sizeof(*index));
}

void index_claim(struct index *index, uint32_t record)
{
	index->used[record] = true;
}

static void fill(struct index *index)
{
	index->free_count = 0;
	for (uint32_t record = 1; record < index->size; record++) {
		if (!index->used[record])
			index->free[index->free_count++] = record;
	}
}

int index_take(struct index *index, uint32_t *record)
{
	if (index->free_count == NOT_FILLED)
		fill(index);
	if (!index->free_count)
		return -ENOSPC;
	*record = index->free[index->head];
	index->head = (index->head + 1) % index->size;
	index->free_count--;
	index->used[*record] = true;
	return 0;
}

void index_give_up(struct index *index, uint32_t record)
{
	index->resting[index->resting_count++] = record;
}

bool index_reap(struct index *index, void (*clear)(uint32_t record, void *arg), void *arg)
{
	if (index->free_count == NOT_FILLED)
		fill(index);
	for (uint32_t i = 0; i < index->resting_old; i++) {
		uint32_t record = index->resting[i];

		clear(record, arg);
		index->used[record] = false;
		index->free[(index->head + index->free_count++) % index->size] = record;
	}
	index->resting_count -= index->resting_old;
	memmove(index->resting, index->resting + index->resting_old,
		index->resting_count * sizeof(*index->resting));
	index->resting_old = index->resting_count;
	return index->resting_count > 0;
}
