/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A sorted vector of pointers: look-up by bisection, walks in order, and appending at the end
 * (how dumps come) for nothing.
 *
 * link_table.c and addr_table.c keep their entries in it, and free what they take out.
 */
#include "vector.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

size_t vector_position(const struct vector *vector, const void *key, vector_order *order)
{
	size_t low = 0, high = vector->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (order(vector->items[middle], key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void *vector_find(const struct vector *vector, const void *key, vector_order *order)
{
	size_t at = vector_position(vector, key, order);

	if (at == vector->count || order(vector->items[at], key) != 0)
		return NULL;
	return vector->items[at];
}

int vector_reserve(struct vector *vector)
{
	size_t size = vector->size ? vector->size * 2 : 16;
	void **items;

	if (vector->count < vector->size)
		return 0;
	items = reallocarray(vector->items, size, sizeof(*items));
	if (!items)
		return -ENOMEM;
	vector->items = items;
	vector->size = size;
	return 0;
}

void vector_insert(struct vector *vector, void *item, vector_order *order)
{
	size_t at = vector->count;

	if (at && order(vector->items[at - 1], item) > 0)
		at = vector_position(vector, item, order);
	memmove(vector->items + at + 1, vector->items + at, (vector->count - at) * sizeof(*vector->items));
	vector->items[at] = item;
	vector->count++;
}

void *vector_remove(struct vector *vector, const void *key, vector_order *order)
{
	size_t at = vector_position(vector, key, order);
	void *item;

	if (at == vector->count || order(vector->items[at], key) != 0)
		return NULL;
	item = vector->items[at];
	vector->count--;
	memmove(vector->items + at, vector->items + at + 1, (vector->count - at) * sizeof(*vector->items));
	return item;
}

void vector_filter(struct vector *vector, bool (*drop)(const void *item, const void *arg), const void *arg,
		   void (*release)(void *item))
{
	size_t kept = 0;

	for (size_t i = 0; i < vector->count; i++) {
		void *item = vector->items[i];

		if (!drop(item, arg))
			vector->items[kept++] = item;
		else if (release)
			release(item);
	}
	vector->count = kept;
}
