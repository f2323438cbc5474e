/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Places in an array, found by bisection. See spans.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "spans.h"

/* One that holds a larger share of all is wide. */
#define NARROW 16

static int by_address(const void *a, const void *b)
{
	return addr_compare(&((const struct spans_place *)a)->address,
			    &((const struct spans_place *)b)->address);
}

int spans_init(struct spans *spans, struct spans_place *places, size_t count)
{
	uint32_t *by_number = calloc(count + 1, sizeof(*by_number));

	if (!by_number)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++)
		places[i].number = i;
	if (count)
		qsort(places, count, sizeof(*places), by_address);
	for (uint32_t i = 0; i < count; i++)
		by_number[places[i].number] = i;
	*spans = (struct spans){.places = places, .by_number = by_number, .places_count = count};
	return 0;
}

void spans_free(struct spans *spans)
{
	free(spans->places);
	free(spans->by_number);
	*spans = (struct spans){0};
}

/* The first place that is not below the address. */
static size_t find(const struct spans *spans, const struct addr *address)
{
	size_t low = 0, high = spans->places_count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (addr_compare(&spans->places[middle].address, address) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The first place behind `from`, which the prefix covers or which is its end, that it does not cover. */
static size_t find_end(const struct spans *spans, const struct prefix *prefix, size_t from)
{
	size_t low = from, high = spans->places_count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (prefix_covers(prefix, &spans->places[middle].address))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void spans_leave(struct spans *spans, const struct addr *address)
{
	size_t at = find(spans, address);

	if (at < spans->places_count && addr_equal(&spans->places[at].address, address))
		spans->places[at].target = NULL;
}

/* Notes which places of a span lie in one before it. */
static void share(struct span *span, const struct span *before)
{
	size_t from = span->first > before->first ? span->first : before->first;
	size_t to = span->end < before->end ? span->end : before->end;

	if (from >= to)
		return;
	if (span->shared_from == span->shared_to) {
		span->shared_from = from;
		span->shared_to = to;
		return;
	}
	span->shared_from = from < span->shared_from ? from : span->shared_from;
	span->shared_to = to > span->shared_to ? to : span->shared_to;
}

static bool is_same(const struct prefix *a, const struct prefix *b)
{
	return a->length == b->length && addr_equal(&a->addr, &b->addr);
}

bool spans_add(struct spans *spans, const struct prefix *prefix)
{
	struct span span = {.prefix = *prefix, .first = find(spans, &prefix->addr)};

	span.end = find_end(spans, prefix, span.first);
	span.wide = span.end - span.first > spans->places_count / NARROW;
	span.next = span.wide ? 0 : span.first;
	if (span.first == span.end)
		return true;
	for (size_t i = spans->now; i < spans->count; i++) {
		if (is_same(&spans->all[i].prefix, prefix))
			return true;
	}
	if (spans->count == SPANS_MAX)
		return false;
	for (size_t i = 0; i < spans->count; i++) {
		if (!is_same(&spans->all[i].prefix, prefix))
			share(&span, &spans->all[i]);
	}
	spans->all[spans->count++] = span;
	return true;
}

void spans_forget(struct spans *spans)
{
	spans->count = spans->now = 0;
}

bool spans_any(const struct spans *spans)
{
	return spans->count > 0;
}

void spans_begin(struct spans *spans)
{
	spans->now = spans->count;
}

static void drop_first(struct spans *spans)
{
	spans->count--;
	spans->now--;
	memmove(spans->all, spans->all + 1, spans->count * sizeof(spans->all[0]));
}

static bool holds(const struct span *span, size_t place)
{
	return place >= span->first && place < span->end;
}

/* Does a later span of the round meet this place, too? */
static bool comes_again(const struct spans *spans, size_t place)
{
	for (size_t i = 1; i < spans->now; i++) {
		if (holds(&spans->all[i], place))
			return true;
	}
	return false;
}

/* Where the walk over it ends. */
static size_t walk_end(const struct spans *spans, const struct span *span)
{
	return span->wide ? spans->places_count : span->end;
}

static size_t place_at(const struct spans *spans, const struct span *span, size_t at)
{
	return span->wide ? spans->by_number[at] : at;
}

bool spans_take(struct spans *spans, struct spans_turn *out)
{
	struct span *span = spans->all;
	size_t place;

	while (spans->now && span->next == walk_end(spans, span))
		drop_first(spans);
	if (!spans->now)
		return false;
	place = place_at(spans, span, span->next++);
	*out = (struct spans_turn){
		.target = holds(span, place) && !comes_again(spans, place) ? spans->places[place].target
									   : NULL,
		.length = span->prefix.length,
		.several = place >= span->shared_from && place < span->shared_to,
	};
	return true;
}
