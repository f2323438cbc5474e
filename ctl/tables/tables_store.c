/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Storing words: what packets read while it is written. See tables.h and <shunt/abi.h>.
 */
#include <errno.h>
#include <stdlib.h>

#include "tables_private.h"

/* Stores a word of a next hop where it differs, and counts its version on. Returns the stores made. */
static unsigned switch_counted(struct tables *tables, struct sh_nexthop *there, __u64 *word, uint64_t value)
{
	struct sh_nexthop where = {.where = word_load(&there->where)};

	if (!word_switch(tables, word, value))
		return 0;
	where.version++;
	word_store(&there->where, where.where);
	return 1;
}

static unsigned switch_ifindex(struct tables *tables, struct sh_nexthop *there, uint32_t ifindex)
{
	struct sh_nexthop where = {.where = word_load(&there->where)};

	if (where.ifindex == ifindex)
		return 0;
	where.ifindex = ifindex;
	where.version++;
	return word_switch(tables, &there->where, where.where);
}

unsigned tables_store_nexthop(struct tables *tables, const struct table_nexthop *nexthop,
			      const struct sh_nexthop *record)
{
	struct sh_nexthop *there = &tables->port->nexthops[nexthop->index];
	int differ = (there->ifindex != record->ifindex) + (there->src != record->src) +
		     (there->dst != record->dst);
	unsigned stores = 0;

	if (differ > 1)
		stores += switch_counted(tables, there, &there->dst, 0);
	stores += switch_ifindex(tables, there, record->ifindex);
	stores += switch_counted(tables, there, &there->src, record->src);
	/* The word with the valid bit comes last: until then the rest is not looked at. */
	return stores + switch_counted(tables, there, &there->dst, record->dst);
}

enum sh_mode tables_backend_mode(const struct tables *tables, const struct table_backend *backend)
{
	const struct sh_backend how = {.how = word_load(&tables->port->backends[backend->index].how)};

	return how.mode;
}

uint32_t tables_backend_path(const struct tables *tables, const struct table_backend *backend)
{
	const struct sh_backend how = {.how = word_load(&tables->port->backends[backend->index].how)};

	return how.path;
}

bool tables_route_backend(struct tables *tables, const struct table_backend *backend, enum sh_mode mode,
			  const struct table_path *path, struct sh_path *before)
{
	struct sh_backend *record = &tables->port->backends[backend->index];
	const struct sh_backend was = {.how = word_load(&record->how)};
	const struct sh_backend how = {.mode = mode, .path = path ? path->word : 0};

	word_switch(tables, &record->how, how.how);
	if (was.path == how.path)
		return false;
	tables_path_read(tables->port, was.path, before);
	return true;
}

unsigned *tables_backend_told(struct table_backend *backend)
{
	return &backend->told;
}

uint32_t tables_backend_seen(const struct tables *tables, const struct table_backend *backend)
{
	return __atomic_load_n(&tables->port->backends[backend->index].seen, __ATOMIC_ACQUIRE);
}

void tables_see_backend(struct tables *tables, const struct table_backend *backend, uint32_t seen)
{
	__atomic_store_n(&tables->port->backends[backend->index].seen, seen, __ATOMIC_RELEASE);
}

void tables_mark_backend(struct tables *tables, const struct table_backend *backend, uint8_t dscp)
{
	struct sh_backend *record = &tables->port->backends[backend->index];

	if (record->dscp == dscp)
		return;
	__atomic_store_n(&record->dscp, dscp, __ATOMIC_RELEASE);
	tables->writes++;
}

void tables_name_backend(struct tables *tables, const struct table_backend *backend, uint64_t id)
{
	struct sh_backend *record = &tables->port->backends[backend->index];

	word_switch(tables, &record->quic_id, id);
	if (record->has_quic_id)
		return;
	record->has_quic_id = 1;
	tables->writes++;
}

bool tables_backend_name(const struct tables *tables, const struct table_backend *backend, uint64_t *id)
{
	const struct sh_backend *record = &tables->port->backends[backend->index];

	*id = word_load(&record->quic_id);
	return record->has_quic_id;
}

uint32_t tables_backend_named(const struct tables *tables, const struct table_backend *backend)
{
	return __atomic_load_n(&tables->port->backends[backend->index].named, __ATOMIC_ACQUIRE);
}

void tables_mark_named(struct tables *tables, const struct table_backend *backend, uint32_t when)
{
	__atomic_store_n(&tables->port->backends[backend->index].named, when, __ATOMIC_RELEASE);
}

void tables_weigh_backend(struct tables *tables, const struct table_backend *backend, uint32_t weight)
{
	struct sh_backend *record = &tables->port->backends[backend->index];

	if (record->weight == weight)
		return;
	record->weight = weight;
	tables->writes++;
}

void tables_point_service(struct tables *tables, const struct table_service *service, uint64_t owner,
			  const struct table_ring *ring, uint32_t flags)
{
	struct sh_service *record = &tables->port->services[service->index];
	const struct sh_service where = {.ring = ring->first, .slots = ring->key.size};

	if (record->owner != owner || record->flags != flags) {
		record->owner = owner;
		record->flags = flags;
		tables->writes++;
	}
	word_switch(tables, &record->where, where.where);
}

void tables_lay_out_ids(struct tables *tables, const struct table_service *service, uint8_t offset,
			uint8_t bytes)
{
	struct sh_service *record = &tables->port->services[service->index];

	if (record->quic_offset == offset && record->quic_bytes == bytes)
		return;
	record->quic_offset = offset;
	record->quic_bytes = bytes;
	tables->writes++;
}

void tables_answer(struct tables *tables, const struct table_service *service, bool answers)
{
	struct sh_service *record = &tables->port->services[service->index];

	if (record->answers == answers)
		return;
	__atomic_store_n(&record->answers, answers, __ATOMIC_RELEASE);
	tables->writes++;
}

void tables_each_unasked(struct tables *tables,
			 void (*each)(uint64_t owner, const struct addr *address, void *arg), void *arg)
{
	struct table_backend *backend, *next;

	HASH_ITER (hh, tables->backends, backend, next) {
		const struct sh_backend how = {.how = word_load(&tables->port->backends[backend->index].how)};

		if (backend->turn != tables->turn && how.mode != SH_MODE_NONE)
			each(backend->key.owner, &backend->key.address, arg);
	}
}

void tables_each_nexthop(struct tables *tables, void (*each)(struct table_nexthop *nexthop, void *arg),
			 void *arg)
{
	struct table_nexthop *nexthop, *next;

	HASH_ITER (hh, tables->nexthops, nexthop, next) {
		each(nexthop, arg);
	}
}

void tables_nexthop_hold(struct table_nexthop *nexthop)
{
	nexthop->refs++;
}

void tables_path_hold(struct table_path *path)
{
	path->refs++;
}

size_t tables_nexthop_count(const struct tables *tables)
{
	return HASH_COUNT(tables->nexthops);
}

uint32_t tables_nexthop_index(const struct table_nexthop *nexthop)
{
	return nexthop->index;
}

const struct rt_neigh_key *tables_nexthop_key(const struct table_nexthop *nexthop)
{
	return &nexthop->key;
}

const struct sh_nexthop *tables_nexthop_record(const struct tables *tables,
					       const struct table_nexthop *nexthop)
{
	return &tables->port->nexthops[nexthop->index];
}

unsigned tables_nexthop_refs(const struct table_nexthop *nexthop)
{
	return nexthop->refs;
}

struct table_note *tables_nexthop_note(struct table_nexthop *nexthop)
{
	return &nexthop->note;
}

uint32_t tables_path_word(const struct table_path *path)
{
	return path->word;
}

void tables_path_read(const struct port *port, uint32_t word, struct sh_path *out)
{
	if (word & SH_PATH_ONE)
		*out = (struct sh_path){.buckets = 1, .nexthop = {word & ~SH_PATH_ONE}};
	else if (word < port->paths_size)
		*out = port->paths[word];
	else
		*out = (struct sh_path){0};
}

const struct sh_path *tables_path_record(const struct table_path *path)
{
	return &path->key;
}

uint32_t tables_backends_size(const struct tables *tables)
{
	return tables->port->backends_size;
}

uint32_t tables_backend_index(const struct table_backend *backend)
{
	return backend->index;
}

uint32_t tables_service_index(const struct table_service *service)
{
	return service->index;
}

struct port *tables_port(const struct tables *tables)
{
	return tables->port;
}

uint64_t tables_writes(const struct tables *tables)
{
	return tables->writes;
}

void tables_add_writes(struct tables *tables, uint64_t writes)
{
	tables->writes += writes;
}
