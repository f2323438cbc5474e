/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * See macs.h.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "macs.h"

static bool holds(const struct sh_macs *place, uint64_t word)
{
	for (int i = 0; i < SH_MACS_WAYS; i++)
		if (place->mac[i] == word)
			return true;
	return false;
}

static void add_link(const struct rt_link *link, void *arg)
{
	struct sh_macs *want = arg;
	uint64_t word = sh_mac_of(link->mac);
	struct sh_macs *place = &want[sh_mac_place(word)];

	if (!link->up || word == SH_MAC_NONE || holds(place, word))
		return;
	for (int i = 0; i < SH_MACS_WAYS; i++) {
		if (place->mac[i] != SH_MAC_NONE)
			continue;
		place->mac[i] = word;
		return;
	}
	place->mac[SH_MACS_WAYS - 1] = SH_MAC_ANY;
}

static struct sh_macs *wanted(const struct rt_state *state)
{
	struct sh_macs *want = calloc(SH_MACS_PLACES, sizeof(*want));

	if (want)
		rt_state_each_link(state, add_link, want);
	return want;
}

static void store(uint64_t *word, uint64_t value, uint64_t *writes)
{
	__atomic_store_n(word, value, __ATOMIC_RELEASE);
	(*writes)++;
}

/* Into a word that is not wanted. */
static void put(struct sh_macs *place, const struct sh_macs *want, uint64_t word, uint64_t *writes)
{
	for (int i = 0; i < SH_MACS_WAYS; i++) {
		if (place->mac[i] != SH_MAC_NONE && holds(want, place->mac[i]))
			continue;
		store((uint64_t *)&place->mac[i], word, writes);
		return;
	}
}

static void sync_place(struct sh_macs *place, const struct sh_macs *want, uint64_t *writes)
{
	const int last = SH_MACS_WAYS - 1;

	/* "Any" counts only as the last. It is there before one of the others goes. */
	if (want->mac[last] == SH_MAC_ANY && place->mac[last] != SH_MAC_ANY)
		store((uint64_t *)&place->mac[last], SH_MAC_ANY, writes);
	for (int i = 0; i < SH_MACS_WAYS; i++)
		if (want->mac[i] != SH_MAC_NONE && !holds(place, want->mac[i]))
			put(place, want, want->mac[i], writes);
	for (int i = 0; i < SH_MACS_WAYS; i++)
		if (place->mac[i] != SH_MAC_NONE && !holds(want, place->mac[i]))
			store((uint64_t *)&place->mac[i], SH_MAC_NONE, writes);
}

int macs_sync(struct sh_macs *places, const struct rt_state *state, uint64_t *writes)
{
	struct sh_macs *want = wanted(state);

	if (!want)
		return -ENOMEM;
	for (int i = 0; i < SH_MACS_PLACES; i++)
		sync_place(&places[i], &want[i], writes);
	free(want);
	return 0;
}

int macs_compare(const struct sh_macs *places, const struct rt_state *state, uint32_t *differences)
{
	struct sh_macs *want = wanted(state);

	if (!want)
		return -ENOMEM;
	*differences = 0;
	for (int i = 0; i < SH_MACS_PLACES; i++)
		for (int j = 0; j < SH_MACS_WAYS; j++)
			*differences += (uint32_t)!holds(&places[i], want[i].mac[j]) +
					(uint32_t)!holds(&want[i], places[i].mac[j]);
	free(want);
	return 0;
}
