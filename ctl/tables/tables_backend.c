/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Backends: who they are, and the words that packets read while they are written. See tables.h and
 * <shunt/abi.h>.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tables_private.h"

/* Counters begin at zero, also where a run that ended in between has left a record half cleared. */
static void reset_backend(uint32_t record, struct port *port)
{
	if (port->reset_backend)
		port->reset_backend(port, record);
}

int backend_adopt(struct tables *tables, uint32_t index)
{
	const struct sh_backend *record = &tables->port->backends[index];
	struct table_backend *backend = calloc(1, sizeof(*backend));
	struct addr address;

	if (!backend)
		return -ENOMEM;
	tables_addr(&record->address, record->family, &address);
	make_backend_key(&backend->key, record->owner, &address);
	backend->index = index;
	ENTER(tables->backends, backend);
	index_claim(&tables->free_backends, index);
	return 0;
}

struct table_backend *tables_backend(struct tables *tables, uint64_t owner, const struct addr *address)
{
	struct table_backend *backend;
	struct sh_backend *record;
	struct backend_key key;
	uint32_t index;

	make_backend_key(&key, owner, address);
	FIND(tables->backends, &key, backend);
	if (backend) {
		backend->refs++;
		backend->turn = tables->turn;
		return backend;
	}
	backend = record_take(sizeof(*backend), &tables->free_backends, &index);
	if (!backend)
		return NULL;
	backend->index = index;
	backend->refs = 1;
	backend->turn = tables->turn;
	backend->key = key;
	record = &tables->port->backends[index];
	reset_backend(index, tables->port);
	*record = (struct sh_backend){.owner = owner, .family = address->family};
	tables_ip(address, &record->address);
	tables->writes++;
	ENTER(tables->backends, backend);
	return backend;
}

void tables_backend_put(struct tables *tables, struct table_backend *backend)
{
	if (!backend || --backend->refs)
		return;
	HASH_DEL(tables->backends, backend);
	if (!tables->left) {
		tables->port->backends[backend->index].given_up = 1;
		lane_follow_backend(tables, backend->index, 0);
	}
	index_give_up(&tables->free_backends, backend->index);
	free(backend);
}

void backend_clear(uint32_t record, void *arg)
{
	struct port *port = arg;

	reset_backend(record, port);
	memset(&port->backends[record], 0, sizeof(struct sh_backend));
}

uint32_t tables_backend_index(const struct table_backend *backend)
{
	return backend->index;
}

uint32_t tables_backends_size(const struct tables *tables)
{
	return tables->port->backends_size;
}

unsigned *tables_backend_told(struct table_backend *backend)
{
	return &backend->told;
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

/* ---- words ------------------------------------------------------------------------------------- */

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
	lane_follow_backend(tables, backend->index, how.how);
	if (was.path == how.path)
		return false;
	tables_path_read(tables->port, was.path, before);
	return true;
}

void tables_weigh_backend(struct tables *tables, const struct table_backend *backend, uint32_t weight)
{
	struct sh_backend *record = &tables->port->backends[backend->index];

	if (record->weight == weight)
		return;
	record->weight = weight;
	tables->writes++;
}

void tables_mark_backend(struct tables *tables, const struct table_backend *backend, uint8_t dscp)
{
	struct sh_backend *record = &tables->port->backends[backend->index];

	if (record->dscp == dscp)
		return;
	__atomic_store_n(&record->dscp, dscp, __ATOMIC_RELEASE);
	tables->writes++;
}

uint32_t tables_backend_seen(const struct tables *tables, const struct table_backend *backend)
{
	return __atomic_load_n(&tables->port->backends[backend->index].seen, __ATOMIC_ACQUIRE);
}

void tables_see_backend(struct tables *tables, const struct table_backend *backend, uint32_t seen)
{
	__atomic_store_n(&tables->port->backends[backend->index].seen, seen, __ATOMIC_RELEASE);
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
