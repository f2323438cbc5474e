/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A hash of short keys, each with its first holder; nothing is ever removed.
 *
 * Entries lie packed one behind the other and are found by offset: 300,000 of them, the pairs of
 * port and backend in a large file, take about 12 MiB. It lives while a file is read.
 */
#include "file_ledger.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct entry {
	uint32_t hash;
	uint32_t size;
	struct holder holder;
	/* `size` bytes of key follow, then padding to 4 */
};

/* FNV-1a, 32 bits. */
static uint32_t hash_bytes(const void *key, size_t size)
{
	const unsigned char *bytes = key;
	uint32_t hash = 2166136261U;

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ bytes[i]) * 16777619U;
	return hash ^ hash >> 15;
}

void ledger_clear(struct ledger *ledger)
{
	free(ledger->slots);
	free(ledger->entries);
	*ledger = (struct ledger){0};
}

static const struct entry *entry_at(const struct ledger *ledger, uint32_t slot)
{
	return (const void *)(ledger->entries + slot - 1);
}

/* The slot that holds the key, or the empty one where it belongs. */
static uint32_t *slot_of(const struct ledger *ledger, uint32_t hash, const void *key, size_t size)
{
	size_t mask = ledger->slots_count - 1;

	for (size_t i = hash & mask;; i = (i + 1) & mask) {
		const struct entry *entry;

		if (!ledger->slots[i])
			return &ledger->slots[i];
		entry = entry_at(ledger, ledger->slots[i]);
		if (entry->hash == hash && entry->size == size && !memcmp(entry + 1, key, size))
			return &ledger->slots[i];
	}
}

static int grow_slots(struct ledger *ledger)
{
	size_t old_count = ledger->slots_count, count = old_count ? old_count * 2 : 16;
	uint32_t *old = ledger->slots, *slots;

	if (ledger->count * 4 < old_count * 3)
		return 0;
	slots = calloc(count, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	for (size_t i = 0; i < old_count; i++) {
		size_t to;

		if (!old[i])
			continue;
		to = entry_at(ledger, old[i])->hash & (count - 1);
		while (slots[to])
			to = (to + 1) & (count - 1);
		slots[to] = old[i];
	}
	free(old);
	ledger->slots = slots;
	ledger->slots_count = count;
	return 0;
}

static int grow_entries(struct ledger *ledger, size_t needed)
{
	size_t room = ledger->room + ledger->room / 2 + needed + 256;
	char *entries;

	if (ledger->used + needed <= ledger->room)
		return 0;
	if (room >= UINT32_MAX)
		return -ENOMEM;
	entries = realloc(ledger->entries, room);
	if (!entries)
		return -ENOMEM;
	ledger->entries = entries;
	ledger->room = room;
	return 0;
}

int ledger_take(struct ledger *ledger, const void *key, size_t size, const struct holder *who,
		struct holder *first)
{
	size_t needed = (sizeof(struct entry) + size + 3) & ~(size_t)3;
	struct entry entry = {.hash = hash_bytes(key, size), .size = (uint32_t)size, .holder = *who};
	uint32_t *slot;

	if (grow_slots(ledger) || grow_entries(ledger, needed))
		return -ENOMEM;
	slot = slot_of(ledger, entry.hash, key, size);
	if (*slot) {
		*first = entry_at(ledger, *slot)->holder;
		return 1;
	}
	memcpy(ledger->entries + ledger->used, &entry, sizeof(entry));
	memcpy(ledger->entries + ledger->used + sizeof(entry), key, size);
	*slot = (uint32_t)ledger->used + 1;
	ledger->used += needed;
	ledger->count++;
	return 0;
}

int ledger_find(const struct ledger *ledger, const void *key, size_t size, struct holder *first)
{
	uint32_t slot;

	if (!ledger->slots_count)
		return 0;
	slot = *slot_of(ledger, hash_bytes(key, size), key, size);
	if (!slot)
		return 0;
	*first = entry_at(ledger, slot)->holder;
	return 1;
}
