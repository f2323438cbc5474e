/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Restore entries of a former file, which go on for a while.
 *
 * Not all nodes read a new file at once. Where a service leaves l3, or its mark changes, directors that have
 * yet to read that go on sending as before: a backend that has read it goes on restoring what it restored,
 * for the service's `idle`. They are found in the maps when a file is loaded (at a start, too: the maps
 * outlive the process), by who loads it, and die by time, or with the next start that finds them gone.
 *
 * Nothing comes in by that which could not before: an entry stays only where its VIP is one that this node
 * still serves at that own address, where the file says nothing else of its key, and where it restores no
 * other VIP at that address, which the entry might take packets from. Unmarked ones do not stay where the
 * file has a `dscp` now: direct traffic to the own address is to work there.
 */
#include "formers.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <shunt/abi.h>

#include "restore.h"
#include "role.h"

_Static_assert(sizeof(struct sh_endpoint6) + sizeof(struct sh_ip) <= FORMER_ENTRY, "an entry has its room");

/* A service of this node's, at one of its own addresses. */
struct stand {
	struct addr own, vip;
	uint32_t idle;
	bool restores, marked;
};

/* What a restore entry says. */
struct way {
	struct addr own, vip;
	bool marked;
};

static size_t room_for_stands(const struct config *config)
{
	size_t count = 1;

	for (size_t i = 0; i < config->services_count; i++)
		count += config->services[i].backends_count;
	return count;
}

/* Free the result. NULL where there is no memory. */
static struct stand *list_stands(const struct config *config, const struct rt_state *state, enum role role,
				 size_t *count)
{
	struct stand *all = calloc(room_for_stands(config), sizeof(*all));

	*count = 0;
	for (size_t i = 0; all && role_serves(role) && i < config->services_count; i++) {
		const struct config_service *service = &config->services[i];

		for (size_t j = 0; j < service->backends_count; j++) {
			const struct addr *own = &service->backends[j].address;

			if (role_own_address(state, own))
				all[(*count)++] = (struct stand){*own, service->vip, service->idle,
								 config_restores(service), service->dscp > 0};
		}
	}
	return all;
}

static size_t key_size(enum dataplane_hash hash)
{
	return hash == HASH_RESTORE4 ? sizeof(struct sh_endpoint4) : sizeof(struct sh_endpoint6);
}

static void read_way(enum dataplane_hash hash, const char *entry, struct way *out)
{
	size_t size = hash == HASH_RESTORE4 ? 4 : 16;

	*out = (struct way){0};
	out->own.family = out->vip.family = hash == HASH_RESTORE4 ? ADDR_IPV4 : ADDR_IPV6;
	memcpy(out->own.bytes, entry, size);
	memcpy(out->vip.bytes, entry + key_size(hash), size);
	out->marked =
		!entry[size + offsetof(struct sh_endpoint4, protocol) - offsetof(struct sh_endpoint4, port)];
}

/* Whose way it is, where it may go on; else NULL. */
static const struct stand *stand_of(const struct stand *stands, size_t count, const struct way *way)
{
	const struct stand *found = NULL;

	for (size_t i = 0; i < count; i++) {
		const struct stand *stand = &stands[i];

		if (!addr_equal(&stand->own, &way->own))
			continue;
		if (addr_equal(&stand->vip, &way->vip)) {
			if (stand->restores && stand->marked && !way->marked)
				return NULL;
			found = stand;
		} else if (stand->restores) {
			return NULL;
		}
	}
	return found;
}

static int compare4(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct sh_endpoint4));
}

static int compare6(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct sh_endpoint6));
}

static int (*compare_of(enum dataplane_hash hash))(const void *, const void *)
{
	return hash == HASH_RESTORE4 ? compare4 : compare6;
}

static void sort(enum dataplane_hash hash, struct dataplane_entries *entries)
{
	qsort(entries->all, entries->count, dataplane_entry_size(hash), compare_of(hash));
}

static bool has(enum dataplane_hash hash, const struct dataplane_entries *sorted, const char *entry)
{
	return sorted->count &&
	       bsearch(entry, sorted->all, sorted->count, dataplane_entry_size(hash), compare_of(hash));
}

/* ---- noting -------------------------------------------------------------------------------- */

static bool is_noted(const struct formers *formers, enum dataplane_hash hash, const char *entry)
{
	for (size_t i = 0; i < formers->count; i++)
		if (formers->all[i].hash == hash &&
		    !memcmp(formers->all[i].entry, entry, dataplane_entry_size(hash)))
			return true;
	return false;
}

static int note(struct formers *formers, enum dataplane_hash hash, const char *entry, uint64_t end)
{
	struct former_restore *grown = reallocarray(formers->all, formers->count + 1, sizeof(*formers->all));
	struct former_restore *noted;

	if (!grown)
		return -ENOMEM;
	formers->all = grown;
	noted = &grown[formers->count++];
	*noted = (struct former_restore){.hash = hash, .end = end};
	memcpy(noted->entry, entry, dataplane_entry_size(hash));
	return 0;
}

/* What the file asks for again: its time begins anew when it no longer does. */
static void forget_wanted(struct formers *formers, enum dataplane_hash hash,
			  const struct dataplane_entries *want)
{
	size_t kept = 0;

	for (size_t i = 0; i < formers->count; i++)
		if (formers->all[i].hash != hash || !has(hash, want, formers->all[i].entry))
			formers->all[kept++] = formers->all[i];
	formers->count = kept;
}

struct noting {
	struct formers *formers;
	const struct stand *stands;
	size_t stands_count;
	uint64_t now;
};

static int note_unwanted(const struct noting *noting, enum dataplane_hash hash,
			 const struct dataplane_entries *have, const struct dataplane_entries *want)
{
	int err = 0;

	for (size_t i = 0; !err && i < have->count; i++) {
		const char *entry = (const char *)have->all + i * dataplane_entry_size(hash);
		const struct stand *stand;
		struct way way;

		if (has(hash, want, entry) || is_noted(noting->formers, hash, entry))
			continue;
		read_way(hash, entry, &way);
		stand = stand_of(noting->stands, noting->stands_count, &way);
		if (stand)
			err = note(noting->formers, hash, entry, noting->now + stand->idle);
	}
	return err;
}

int formers_note(struct formers *formers, const struct dataplane *dataplane, const struct config *config,
		 const struct rt_state *state, enum role role, uint64_t now)
{
	static const enum dataplane_hash hashes[] = {HASH_RESTORE4, HASH_RESTORE6};
	struct noting noting = {.formers = formers, .now = now};
	struct stand *stands = list_stands(config, state, role, &noting.stands_count);
	int err = stands ? 0 : -ENOMEM;

	noting.stands = stands;
	for (size_t i = 0; !err && i < 2; i++) {
		struct dataplane_entries have = {0}, want = {0};

		err = dataplane_read(dataplane, hashes[i], &have.all, &have.count);
		if (!err)
			err = restore_want(config, state, role, hashes[i], NULL, &want);
		if (!err) {
			sort(hashes[i], &want);
			forget_wanted(formers, hashes[i], &want);
			err = note_unwanted(&noting, hashes[i], &have, &want);
		}
		free(have.all);
		free(want.all);
	}
	free(stands);
	return err;
}

/* ---- the rest ------------------------------------------------------------------------------ */

void formers_clear(struct formers *formers)
{
	free(formers->all);
	*formers = (struct formers){0};
}

uint64_t formers_expire(struct formers *formers, uint64_t now)
{
	uint64_t next = 0;
	size_t kept = 0;

	for (size_t i = 0; i < formers->count; i++) {
		uint64_t end = formers->all[i].end;

		if (end <= now)
			continue;
		formers->all[kept++] = formers->all[i];
		if (!next || end < next)
			next = end;
	}
	formers->count = kept;
	return next;
}

int formers_append(const struct formers *formers, const struct config *config, const struct rt_state *state,
		   enum role role, enum dataplane_hash hash, struct dataplane_entries *want)
{
	size_t size = dataplane_entry_size(hash), stands_count, asked = want->count;
	struct stand *stands;
	char *grown;

	if (!formers || !formers->count)
		return 0;
	stands = list_stands(config, state, role, &stands_count);
	grown = stands ? reallocarray(want->all, want->count + formers->count, size) : NULL;
	if (!grown) {
		free(stands);
		return -ENOMEM;
	}
	want->all = grown;
	sort(hash, want);
	for (size_t i = 0; i < formers->count; i++) {
		const struct former_restore *former = &formers->all[i];
		const struct dataplane_entries sorted = {grown, asked};
		struct way way;

		if (former->hash != hash || has(hash, &sorted, former->entry))
			continue;
		read_way(hash, former->entry, &way);
		if (stand_of(stands, stands_count, &way))
			memcpy(grown + size * want->count++, former->entry, size);
	}
	free(stands);
	return 0;
}
