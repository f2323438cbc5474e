/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The rows of `show aliases`. See alias_rows.h.
 */
#include "alias_rows.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "diff.h"
#include "log.h"

const char *alias_state_name(enum alias_state state)
{
	static const char *const names[] = {
		[ALIAS_INSTALLED] = "installed",
		[ALIAS_MISSING] = "missing",
		[ALIAS_FAILED] = "failed",
		[ALIAS_REMOVED] = "removed",
	};
	return names[state];
}

static void log_row(const struct alias_row *row)
{
	char text[ADDR_TEXT_SIZE];
	const char *colon = row->reason[0] ? ": " : "";
	bool fine = row->state == ALIAS_INSTALLED || row->state == ALIAS_REMOVED;

	log_line(fine ? LOG_NOTE : LOG_ERROR, "alias %s on %s %s%s%s", addr_format(&row->vip, text),
		 row->dev[0] ? row->dev : "the loopback", alias_state_name(row->state), colon, row->reason);
}

static int tell(const void *want, void *arg)
{
	struct alias_rows *rows = arg;

	log_row(want);
	if (rows->changed)
		rows->changed(want, rows->arg);
	return 0;
}

static int tell_changed(const void *want, const void *have, void *arg)
{
	(void)have;
	return tell(want, arg);
}

static int tell_gone(const void *have, void *arg)
{
	struct alias_row gone = *(const struct alias_row *)have;

	gone.state = ALIAS_REMOVED;
	gone.reason[0] = '\0';
	return tell(&gone, arg);
}

static int compare_rows(const void *a, const void *b)
{
	return addr_compare(&((const struct alias_row *)a)->vip, &((const struct alias_row *)b)->vip);
}

static bool same_rows(const void *want, const void *have)
{
	const struct alias_row *a = want;
	const struct alias_row *b = have;

	return a->state == b->state && strcmp(a->dev, b->dev) == 0 && strcmp(a->reason, b->reason) == 0;
}

const struct alias_row *alias_rows_find(const struct alias_rows *rows, const struct addr *vip)
{
	const struct alias_row key = {.vip = *vip};

	return rows->count ? bsearch(&key, rows->rows, rows->count, sizeof(key), compare_rows) : NULL;
}

void alias_rows_replace(struct alias_rows *rows, struct alias_row *now, size_t count)
{
	static const struct diff_ops ops = {
		.compare = compare_rows,
		.same = same_rows,
		.add = tell,
		.change = tell_changed,
		.remove = tell_gone,
	};

	diff(now, count, rows->rows, rows->count, sizeof(*now), &ops, rows);
	free(rows->rows);
	rows->rows = now;
	rows->count = count;
}
