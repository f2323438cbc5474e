/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Identities and their records: asking, adopting, giving up. The words are stored in
 * tables_store.c. See tables.h.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tables_private.h"

/* As much of a path as is used: what follows is zero. */
static size_t path_size(const struct sh_path *path)
{
	return offsetof(struct sh_path, nexthop) + path->buckets * sizeof(path->nexthop[0]);
}

uint64_t tables_owner(const char *name)
{
	uint64_t hash = 0xcbf29ce484222325U;

	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * 0x100000001b3U;
	return hash ? hash : 1;
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

static void copy_neigh_key(struct rt_neigh_key *to, const struct rt_neigh_key *from)
{
	memset(to, 0, sizeof(*to));
	to->ifindex = from->ifindex;
	to->addr = from->addr;
}

static void make_backend_key(struct backend_key *key, uint64_t owner, const struct addr *address)
{
	memset(key, 0, sizeof(*key));
	key->owner = owner;
	key->address = *address;
}

static void make_service_key(struct service_key *key, const struct addr *vip, const struct config_port *port)
{
	memset(key, 0, sizeof(*key));
	key->vip = *vip;
	key->protocol = port->protocol;
	key->port = port->port;
}

/* ---- adopting ------------------------------------------------------------------------------ */

static int adopt_nexthop(struct tables *tables, uint32_t index)
{
	const struct sh_nexthop *record = &tables->port->nexthops[index];
	struct table_nexthop *nexthop = calloc(1, sizeof(*nexthop));

	if (!nexthop)
		return -ENOMEM;
	nexthop->index = index;
	nexthop->key.ifindex = (int)record->link;
	tables_addr(&record->neighbour, record->family, &nexthop->key.addr);
	if (link_enter(tables, nexthop)) {
		free(nexthop);
		return -ENOMEM;
	}
	ENTER(tables->nexthops, nexthop);
	index_claim(&tables->free_nexthops, index);
	return 0;
}

static struct table_path *new_path(const struct sh_path *key)
{
	struct table_path *path = calloc(1, offsetof(struct table_path, key) + path_size(key));

	if (path)
		memcpy(&path->key, key, path_size(key));
	return path;
}

static void enter_path(struct tables *tables, struct table_path *path)
{
	HASH_ADD_KEYPTR(hh, tables->paths, &path->key, path_size(&path->key), path);
}

static bool path_in_use(const struct sh_path *path)
{
	return path->buckets > 0 && path->buckets <= SH_PATH_BUCKETS;
}

static int adopt_path(struct tables *tables, uint32_t index)
{
	struct table_path *path = new_path(&tables->port->paths[index]);

	if (!path)
		return -ENOMEM;
	path->word = index;
	enter_path(tables, path);
	index_claim(&tables->free_paths, index);
	return 0;
}

static int adopt_backend(struct tables *tables, uint32_t index)
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

static int adopt_ring(struct tables *tables, const struct sh_service *record)
{
	const struct ring_key key = {.owner = record->owner, .size = record->slots};
	struct table_ring *ring;

	if (!record->slots)
		return 0;
	FIND(tables->rings, &key, ring);
	/* Another port of the same service points at the same ring. */
	if (ring)
		return 0;
	/* A run that is not free belongs to a ring already: this record is stale, let it be written anew. */
	if (extents_claim(&tables->free_slots, record->ring, record->slots))
		return 0;
	ring = calloc(1, sizeof(*ring));
	if (!ring)
		return -ENOMEM;
	ring->key = key;
	ring->first = record->ring;
	ENTER(tables->rings, ring);
	return 0;
}

static int adopt_service(struct tables *tables, uint32_t index)
{
	const struct sh_service *record = &tables->port->services[index];
	struct table_service *service = calloc(1, sizeof(*service));
	struct addr vip;
	const struct config_port port = {.port = ntohs(record->vip_port), .protocol = record->protocol};

	if (!service)
		return -ENOMEM;
	tables_addr(&record->vip, record->family, &vip);
	make_service_key(&service->key, &vip, &port);
	service->index = index;
	ENTER(tables->services, service);
	index_claim(&tables->free_services, index);
	return adopt_ring(tables, record);
}

/* The former run ended before it was free. */
static int rest(struct index *index, uint32_t record)
{
	index_claim(index, record);
	index_give_up(index, record);
	return 0;
}

static int adopt(struct tables *tables)
{
	const struct port *port = tables->port;
	int err = 0;

	for (uint32_t i = 1; !err && i < port->nexthops_size; i++)
		err = port->nexthops[i].family ? adopt_nexthop(tables, i) : 0;
	for (uint32_t i = 1; !err && i < port->paths_size; i++)
		err = path_in_use(&port->paths[i]) ? adopt_path(tables, i) : 0;
	for (uint32_t i = 1; !err && i < port->backends_size; i++)
		err = port->backends[i].given_up ? rest(&tables->free_backends, i)
		      : port->backends[i].owner	 ? adopt_backend(tables, i)
						 : 0;
	for (uint32_t i = 1; !err && i < port->services_size; i++)
		err = port->services[i].given_up ? rest(&tables->free_services, i)
		      : port->services[i].owner	 ? adopt_service(tables, i)
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
		err = adopt(tables);
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
	free(tables);
}

/* ---- asking -------------------------------------------------------------------------------- */

/* Counters begin at zero, also where a run that ended in between has left a record half cleared. */
static void reset_backend(uint32_t record, struct port *port)
{
	if (port->reset_backend)
		port->reset_backend(port, record);
}

static void reset_service(uint32_t record, struct port *port)
{
	if (port->reset_service)
		port->reset_service(port, record);
}

/* A new thing with a record of its own, or NULL with errno. */
static void *take(size_t size, struct index *free_records, uint32_t *record)
{
	void *thing = calloc(1, size);
	int err = thing ? index_take(free_records, record) : -ENOMEM;

	if (!err)
		return thing;
	free(thing);
	errno = -err;
	return NULL;
}

struct table_nexthop *tables_find_nexthop(struct tables *tables, const struct rt_neigh_key *key)
{
	struct table_nexthop *nexthop;
	struct rt_neigh_key clean;

	copy_neigh_key(&clean, key);
	FIND(tables->nexthops, &clean, nexthop);
	return nexthop;
}

struct table_nexthop *tables_nexthop(struct tables *tables, const struct rt_neigh_key *key)
{
	struct table_nexthop *nexthop = tables_find_nexthop(tables, key);
	struct sh_nexthop *record;
	uint32_t index;

	if (nexthop) {
		nexthop->refs++;
		return nexthop;
	}
	nexthop = take(sizeof(*nexthop), &tables->free_nexthops, &index);
	if (!nexthop)
		return NULL;
	nexthop->index = index;
	nexthop->refs = 1;
	copy_neigh_key(&nexthop->key, key);
	if (link_enter(tables, nexthop)) {
		index_give_up(&tables->free_nexthops, index);
		free(nexthop);
		errno = ENOMEM;
		return NULL;
	}
	record = &tables->port->nexthops[index];
	*record = (struct sh_nexthop){.ifindex = (uint32_t)key->ifindex,
				      .link = (uint32_t)key->ifindex,
				      .family = key->addr.family};
	tables_ip(&key->addr, &record->neighbour);
	tables->writes++;
	ENTER(tables->nexthops, nexthop);
	return nexthop;
}

/* A path to one next hop needs no record: its word says it all. 0 or -errno. */
static int path_record(struct tables *tables, struct table_path *path)
{
	int err;

	if (path->key.buckets == 1 && !path->key.mtu) {
		path->word = SH_PATH_ONE | path->key.nexthop[0];
		return 0;
	}
	err = index_take(&tables->free_paths, &path->word);
	if (err)
		return err;
	memcpy(&tables->port->paths[path->word], &path->key, path_size(&path->key));
	tables->writes++;
	return 0;
}

struct table_path *tables_path(struct tables *tables, const struct sh_path *key)
{
	struct table_path *path;
	int err;

	HASH_FIND(hh, tables->paths, key, path_size(key), path);
	if (path) {
		path->refs++;
		return path;
	}
	path = new_path(key);
	err = path ? path_record(tables, path) : -ENOMEM;
	if (err) {
		free(path);
		errno = -err;
		return NULL;
	}
	path->refs = 1;
	enter_path(tables, path);
	return path;
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
	backend = take(sizeof(*backend), &tables->free_backends, &index);
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

struct table_service *tables_service(struct tables *tables, const struct addr *vip,
				     const struct config_port *port)
{
	struct table_service *service;
	struct sh_service *record;
	struct service_key key;
	uint32_t index;

	make_service_key(&key, vip, port);
	FIND(tables->services, &key, service);
	if (service) {
		service->refs++;
		return service;
	}
	service = take(sizeof(*service), &tables->free_services, &index);
	if (!service)
		return NULL;
	service->index = index;
	service->refs = 1;
	service->key = key;
	record = &tables->port->services[index];
	reset_service(index, tables->port);
	*record = (struct sh_service){
		.family = vip->family, .protocol = port->protocol, .vip_port = htons(port->port)};
	tables_ip(vip, &record->vip);
	tables->writes++;
	ENTER(tables->services, service);
	return service;
}

/* ---- giving up ------------------------------------------------------------------------------ */

void tables_nexthop_put(struct tables *tables, struct table_nexthop *nexthop)
{
	if (!nexthop || --nexthop->refs)
		return;
	if (tables->released)
		tables->released(nexthop, tables->released_arg);
	link_leave(tables, nexthop);
	HASH_DEL(tables->nexthops, nexthop);
	index_give_up(&tables->free_nexthops, nexthop->index);
	free(nexthop);
}

void tables_path_put(struct tables *tables, struct table_path *path)
{
	if (!path || --path->refs)
		return;
	HASH_DEL(tables->paths, path);
	if (!(path->word & SH_PATH_ONE))
		index_give_up(&tables->free_paths, path->word);
	free(path);
}

void tables_backend_put(struct tables *tables, struct table_backend *backend)
{
	if (!backend || --backend->refs)
		return;
	HASH_DEL(tables->backends, backend);
	if (!tables->left)
		tables->port->backends[backend->index].given_up = 1;
	index_give_up(&tables->free_backends, backend->index);
	free(backend);
}

void tables_service_put(struct tables *tables, struct table_service *service)
{
	if (!service || --service->refs)
		return;
	HASH_DEL(tables->services, service);
	if (!tables->left)
		tables->port->services[service->index].given_up = 1;
	index_give_up(&tables->free_services, service->index);
	free(service);
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

void tables_turn(struct tables *tables)
{
	tables->turn++;
}

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

static void clear_nexthop(uint32_t record, void *port)
{
	memset(&((struct port *)port)->nexthops[record], 0, sizeof(struct sh_nexthop));
}

static void clear_path(uint32_t record, void *port)
{
	memset(&((struct port *)port)->paths[record], 0, sizeof(struct sh_path));
}

static void clear_backend(uint32_t record, void *arg)
{
	struct port *port = arg;

	reset_backend(record, port);
	memset(&port->backends[record], 0, sizeof(struct sh_backend));
}

static void clear_service(uint32_t record, void *arg)
{
	struct port *port = arg;

	reset_service(record, port);
	memset(&port->services[record], 0, sizeof(struct sh_service));
}

bool tables_reap(struct tables *tables)
{
	bool more = index_reap(&tables->free_nexthops, clear_nexthop, tables->port);

	more |= index_reap(&tables->free_paths, clear_path, tables->port);
	more |= index_reap(&tables->free_backends, clear_backend, tables->port);
	more |= index_reap(&tables->free_services, clear_service, tables->port);
	more |= extents_reap(&tables->free_slots);
	return more;
}
