/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The rows of `show aliases`, and who is told when one differs. Part of aliases.c.
 */
#ifndef SHUNT_ALIAS_ROWS_H
#define SHUNT_ALIAS_ROWS_H

#include <stddef.h>

#include "aliases.h"

struct alias_rows {
	struct alias_row *rows; /* owned; ascending by address */
	size_t count;
	void (*changed)(const struct alias_row *row, void *arg); /* may be NULL */
	void *arg;
};

/* The row of a VIP, or NULL. */
const struct alias_row *alias_rows_find(const struct alias_rows *rows, const struct addr *vip);
/* Takes over `now` (ascending by address): logs and tells each row that is new, differs or is gone. */
void alias_rows_replace(struct alias_rows *rows, struct alias_row *now, size_t count);

#endif
