/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Who was first to take a key: finds duplicates without comparing everything with everything.
 * For file*.c only.
 */
#ifndef SHUNT_FILE_LEDGER_H
#define SHUNT_FILE_LEDGER_H

#include <stddef.h>
#include <stdint.h>

#include "file_report.h"

struct holder {
	uint32_t service; /* index in the file */
	struct place at;
};

/* Zeroed: empty. */
struct ledger {
	uint32_t *slots; /* offsets in `entries`, plus 1 */
	size_t slots_count, count;
	char *entries;
	size_t used, room;
};

void ledger_clear(struct ledger *ledger);

/* Takes the key for `who`. 0; 1 where it is taken already, with its holder in *first; -ENOMEM. */
int ledger_take(struct ledger *ledger, const void *key, size_t size, const struct holder *who,
		struct holder *first);
/* 1 with *first filled, or 0. */
int ledger_find(const struct ledger *ledger, const void *key, size_t size, struct holder *first);

#endif
