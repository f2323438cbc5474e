/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A sorted vector of pointers, by an order of the user's. It owns the vector, not what the
 * pointers point to. Zero it to begin; free(items) ends it.
 */
#ifndef NETLINK_VECTOR_H
#define NETLINK_VECTOR_H

#include <stdbool.h>
#include <stddef.h>

/* <0, 0, >0 as in qsort, on the items themselves. */
typedef int vector_order(const void *a, const void *b);

struct vector {
	void **items;
	size_t count, size;
};

/* The first position whose item is not before `key`: where it is, or where it belongs. */
size_t vector_position(const struct vector *vector, const void *key, vector_order *order);
/* The item equal to `key`, or NULL. */
void *vector_find(const struct vector *vector, const void *key, vector_order *order);
/* Room for one more, so that the next vector_insert can't fail. 0 or -ENOMEM. */
int vector_reserve(struct vector *vector);
/* Inserts in order. Needs a vector_reserve before. */
void vector_insert(struct vector *vector, void *item, vector_order *order);
/* Takes the item equal to `key` out and returns it, or NULL. */
void *vector_remove(struct vector *vector, const void *key, vector_order *order);
/* Takes out the items for which `drop` is true, handing each to `release` unless that is NULL. */
void vector_filter(struct vector *vector, bool (*drop)(const void *item, const void *arg), const void *arg,
		   void (*release)(void *item));

#endif
