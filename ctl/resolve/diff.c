/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One ordered walk over what is wanted and what is there.
 *
 * Called by whatever reconciles: it brings two arrays of records and three verbs. Nothing
 * outlives a call.
 */
#include <stdlib.h>

#include "diff.h"

/* Where the walk is in one array. */
struct cursor {
	const char *at, *end;
	size_t size;
	int (*compare)(const void *a, const void *b);
};

static struct cursor cursor_sorted(void *records, size_t count, size_t size,
				   int (*compare)(const void *a, const void *b))
{
	if (count > 1)
		qsort(records, count, size, compare);
	return (struct cursor){
		.at = records,
		.end = count ? (const char *)records + count * size : records,
		.size = size,
		.compare = compare,
	};
}

/* The record here, and on to the next key: further records with this key are passed over. */
static const void *cursor_take(struct cursor *cursor)
{
	const void *record = cursor->at;

	do
		cursor->at += cursor->size;
	while (cursor->at < cursor->end && cursor->compare(record, cursor->at) == 0);
	return record;
}

/* Which of the two has the lower key here: <0 `want`, >0 `have`, 0 both the same. */
static int cursor_order(const struct cursor *want, const struct cursor *have)
{
	if (want->at == want->end)
		return 1;
	if (have->at == have->end)
		return -1;
	return want->compare(want->at, have->at);
}

static int both(const void *want, const void *have, const struct diff_ops *ops, void *arg)
{
	if (!ops->same || ops->same(want, have) || !ops->change)
		return 0;
	return ops->change(want, have, arg);
}

int diff(void *want, size_t want_count, void *have, size_t have_count, size_t size,
	 const struct diff_ops *ops, void *arg)
{
	struct cursor wanted = cursor_sorted(want, want_count, size, ops->compare);
	struct cursor there = cursor_sorted(have, have_count, size, ops->compare);
	int err = 0;

	while (!err && (wanted.at < wanted.end || there.at < there.end)) {
		int order = cursor_order(&wanted, &there);
		const void *w = order <= 0 ? cursor_take(&wanted) : NULL;
		const void *h = order >= 0 ? cursor_take(&there) : NULL;

		if (w && h)
			err = both(w, h, ops, arg);
		else if (w)
			err = ops->add ? ops->add(w, arg) : 0;
		else
			err = ops->remove ? ops->remove(h, arg) : 0;
	}
	return err;
}
