/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * All things of all kinds: adopted at the start, given up and freed together. Each kind has a file of its
 * own; a record that is given up rests before it is used again (index.h). See tables.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tables_private.h"

static bool path_in_use(const struct sh_path *path)
{
	return path->buckets > 0 && path->buckets <= SH_PATH_BUCKETS;
}

/* The former run ended before it was free. */
static int rest(struct index *index, uint32_t record)
{
	index_claim(index, record);
	index_give_up(index, record);
	return 0;
}

/* Some may be half written, or follow records that an older run has changed since. */
static void adopt_lanes(struct tables *tables)
{
	const struct sh_backend *backends = tables->port->backends;

	for (uint32_t i = 1; i < tables->port->backends_size; i++)
		lane_follow_backend(tables, i, backends[i].given_up ? 0 : word_load(&backends[i].how));
}

static int adopt(struct tables *tables)
{
	const struct port *port = tables->port;
	int err = 0;

	for (uint32_t i = 1; !err && i < port->nexthops_size; i++)
		err = port->nexthops[i].family ? nexthop_adopt(tables, i) : 0;
	for (uint32_t i = 1; !err && i < port->paths_size; i++)
		err = path_in_use(&port->paths[i]) ? path_adopt(tables, i) : 0;
	for (uint32_t i = 1; !err && i < port->backends_size; i++)
		err = port->backends[i].given_up ? rest(&tables->free_backends, i)
		      : port->backends[i].owner	 ? backend_adopt(tables, i)
						 : 0;
	for (uint32_t i = 1; !err && i < port->services_size; i++)
		err = port->services[i].given_up ? rest(&tables->free_services, i)
		      : port->services[i].owner	 ? service_adopt(tables, i)
						 : 0;
	return err;
}

int tables_new(struct port *port, struct tables **out)
{
	struct tables *tables = calloc(1, sizeof(*tables));
	int err;

	if (!tables)
		return -ENOMEM;
	tables->port = port;
	agenda_init(&tables->looks);
	err = index_init(&tables->free_nexthops, port->nexthops_size);
	if (!err)
		err = index_init(&tables->free_paths, port->paths_size);
	if (!err)
		err = index_init(&tables->free_backends, port->backends_size);
	if (!err)
		err = index_init(&tables->free_services, port->services_size);
	if (!err)
		err = extents_init(&tables->free_slots, port->slots_size);
	if (!err)
		err = lanes_init(&tables->lanes, port);
	if (!err)
		err = adopt(tables);
	if (!err)
		adopt_lanes(tables);
	if (err) {
		tables_free(tables);
		return err;
	}
	*out = tables;
	return 0;
}

/* Empties one of the hashes and frees its things. */
#define FREE_ALL(type, table)                        \
	do {                                         \
		struct type *thing, *next;           \
		HASH_ITER (hh, table, thing, next) { \
			HASH_DEL(table, thing);      \
			free(thing);                 \
		}                                    \
	} while (0)

void tables_free(struct tables *tables)
{
	if (!tables)
		return;
	links_free(tables);
	FREE_ALL(table_nexthop, tables->nexthops);
	FREE_ALL(table_path, tables->paths);
	FREE_ALL(table_backend, tables->backends);
	FREE_ALL(table_ring, tables->rings);
	FREE_ALL(table_service, tables->services);
	index_free(&tables->free_nexthops);
	index_free(&tables->free_paths);
	index_free(&tables->free_backends);
	index_free(&tables->free_services);
	extents_free(&tables->free_slots);
	lanes_free(&tables->lanes);
	free(tables);
}

void *record_take(size_t size, struct index *free_records, uint32_t *record)
{
	void *thing = calloc(1, size);
	int err = thing ? index_take(free_records, record) : -ENOMEM;

	if (!err)
		return thing;
	free(thing);
	errno = -err;
	return NULL;
}

void tables_turn(struct tables *tables)
{
	tables->turn++;
}

/* Puts each thing of a hash that was adopted and that nobody holds. */
#define SWEEP(type, table, put)                      \
	do {                                         \
		struct type *thing, *next;           \
		HASH_ITER (hh, table, thing, next) { \
			if (thing->refs)             \
				continue;            \
			thing->refs = 1;             \
			put(tables, thing);          \
		}                                    \
	} while (0)

void tables_sweep(struct tables *tables)
{
	SWEEP(table_service, tables->services, tables_service_put);
	SWEEP(table_ring, tables->rings, tables_ring_put);
	SWEEP(table_backend, tables->backends, tables_backend_put);
	SWEEP(table_path, tables->paths, tables_path_put);
	SWEEP(table_nexthop, tables->nexthops, tables_nexthop_put);
}

void tables_on_release(struct tables *tables, void (*released)(struct table_nexthop *nexthop, void *arg),
		       void *arg)
{
	tables->released = released;
	tables->released_arg = arg;
}

void tables_leave(struct tables *tables)
{
	tables->left = true;
	tables_on_release(tables, NULL, NULL);
}

bool tables_reap(struct tables *tables)
{
	bool more = index_reap(&tables->free_nexthops, nexthop_clear, tables->port);

	more |= index_reap(&tables->free_paths, path_clear, tables->port);
	more |= index_reap(&tables->free_backends, backend_clear, tables->port);
	more |= index_reap(&tables->free_services, service_clear, tables->port);
	more |= extents_reap(&tables->free_slots);
	return more;
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

/* ---- names and addresses ----------------------------------------------------------------------- */

#define FNV_PRIME 0x100000001b3U

uint64_t tables_owner(const char *name)
{
	uint64_t hash = 0xcbf29ce484222325U;

	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * FNV_PRIME;
	return hash ? hash : 1;
}

/* As if the name went on with a byte of zero. An odd factor makes no 0. */
uint64_t tables_next_owner(uint64_t owner)
{
	return owner * FNV_PRIME;
}

void tables_ip(const struct addr *address, struct sh_ip *out)
{
	memcpy(out, address->bytes, sizeof(*out));
}

void tables_addr(const struct sh_ip *ip, uint32_t family, struct addr *out)
{
	memset(out, 0, sizeof(*out));
	out->family = (uint8_t)family;
	memcpy(out->bytes, ip, sizeof(*ip));
}
