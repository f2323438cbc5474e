/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * All that an owner has, which another is to go on with: for inherit.c. See tables.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tables_private.h"

/* ---- copies ------------------------------------------------------------------------------------ */

/* Reached as the original, and left as it is by the same slots. */
static int copy_backend(struct tables *tables, const struct table_backend *from, uint64_t owner,
			uint32_t *index)
{
	struct table_backend *copy = tables_backend(tables, owner, &from->key.address);
	struct sh_backend *backends = tables->port->backends;

	if (!copy)
		return -errno;
	backends[copy->index] = backends[from->index];
	backends[copy->index].owner = owner;
	lane_follow_backend(tables, copy->index, backends[copy->index].how);
	copy->told = from->told;
	copy->refs--;
	*index = copy->index;
	return 0;
}

int tables_copy_owner(struct tables *tables, uint64_t origin, uint64_t owner)
{
	uint32_t *copies = calloc(tables->port->backends_size, sizeof(*copies));
	const struct ring_copies all = {copies, tables->port->backends_size};
	struct table_backend *backend, *next;
	int err = copies ? 0 : -ENOMEM;

	HASH_ITER (hh, tables->backends, backend, next) {
		if (!err && backend->key.owner == origin &&
		    tables_backend_mode(tables, backend) != SH_MODE_NONE)
			err = copy_backend(tables, backend, owner, &copies[backend->index]);
	}
	if (!err)
		err = ring_copy(tables, origin, owner, &all);
	free(copies);
	return err;
}

uint32_t tables_counterpart(const struct tables *tables, uint32_t backend, uint64_t owner)
{
	const struct sh_backend *record = &tables->port->backends[backend];
	struct table_backend *found;
	struct backend_key key;
	struct addr address;

	tables_addr(&record->address, record->family, &address);
	make_backend_key(&key, owner, &address);
	FIND(tables->backends, &key, found);
	return found ? found->index : 0;
}

/* ---- what rings say ---------------------------------------------------------------------------- */

static bool deals_at_random(const struct tables *tables, uint64_t owner)
{
	for (const struct table_service *service = tables->services; service; service = service->hh.next) {
		const struct sh_service *record = &tables->port->services[service->index];

		if (record->owner == owner && record->flags & SH_SERVICE_RANDOM)
			return true;
	}
	return false;
}

/* Of a slot in transition it is remembered which flows are new. */
static bool is_steady(const struct sh_slot *slots, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		if (slots[i].before)
			return false;
	}
	return true;
}

/* To the same addresses, by `count` slots of each. */
static bool lead_alike(const struct tables *tables, const struct sh_slot *slots, const struct sh_slot *others,
		       uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		const struct sh_backend *one = &tables->port->backends[slots[i].now];
		const struct sh_backend *other = &tables->port->backends[others[i].now];

		if (one->family != other->family ||
		    memcmp(&one->address, &other->address, sizeof(one->address)) != 0)
			return false;
	}
	return true;
}

int tables_rings_agree(struct tables *tables, uint64_t owner, uint64_t other)
{
	const struct table_ring *ring = ring_largest(tables, owner), *second = ring_largest(tables, other);
	struct sh_slot *slots, *others;
	uint32_t count;
	int answer;

	if (!ring || !second || deals_at_random(tables, owner) || deals_at_random(tables, other))
		return 0;
	count = ring->key.size > second->key.size ? ring->key.size : second->key.size;
	slots = ring_read(tables->port, ring, NULL, count);
	others = ring_read(tables->port, second, NULL, count);
	answer = slots && others ? is_steady(slots, count) && is_steady(others, count) &&
					   lead_alike(tables, slots, others, count)
				 : -ENOMEM;
	free(slots);
	free(others);
	return answer;
}
