/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the files of the tables share: tables.c for all kinds together, tables_nexthop.c, _path.c, _backend.c,
 * _ring.c and _service.c for one each, tables_link.c for next hops by their links, tables_lane.c for what
 * follows from backends and next hops, tables_owner.c for all that an owner has. See tables.h.
 */
#ifndef SHUNT_TABLES_PRIVATE_H
#define SHUNT_TABLES_PRIVATE_H

#include <string.h>

#include <uthash.h>

#include "agenda.h"
#include "extent.h"
#include "index.h"
#include "tables.h"

/* A link, as next hops have it. Dies with the last of them. */
struct table_link {
	int ifindex;
	struct table_nexthop *on; /* those whose link it is */
	unsigned leaving;	  /* how many frames' ways lead out by it: see tables_set_exit */
	UT_hash_handle hh;
};

struct table_nexthop {
	struct agenda_item look;
	struct table_nexthop *next_on, **link_on; /* of the same link; what points here */
	int exit;
	struct rt_neigh_key key;
	uint32_t index;
	unsigned refs;
	struct table_note note;
	UT_hash_handle hh;
};

struct table_path {
	uint32_t word; /* in a backend: the index of its record, or SH_PATH_ONE and the next hop's */
	unsigned refs;
	UT_hash_handle hh;
	struct sh_path key; /* allocated as far as it has buckets: most have one */
};

struct backend_key {
	uint64_t owner;
	struct addr address;
};

struct table_backend {
	struct backend_key key;
	uint32_t index;
	unsigned refs;
	unsigned told;
	unsigned turn; /* of the tables, when it was last asked for */
	UT_hash_handle hh;
};

struct ring_key {
	uint64_t owner;
	uint32_t size;
	uint32_t zero;
};

struct table_ring {
	struct ring_key key;
	uint32_t first;
	unsigned refs;
	uint32_t moving;  /* slots in transition */
	uint32_t changed; /* when slots last moved, in the unit of `seen`; 0: not known */
	bool closed;	  /* those in transition are: see SH_BEFORE_CLOSED */
	UT_hash_handle hh;
};

struct service_key {
	struct addr vip;
	uint8_t protocol;
	uint16_t port;
};

struct table_service {
	struct service_key key;
	uint32_t index;
	unsigned refs;
	UT_hash_handle hh;
};

/* A backend's place in the list of those whose lanes lead by one next hop: indices, 0 for none. */
struct lane {
	uint32_t nexthop, previous, next;
};

struct lanes {
	uint32_t *first; /* by next hop: its first backend */
	struct lane *of; /* by backend */
};

struct tables {
	struct port *port; /* borrowed */
	struct table_nexthop *nexthops;
	struct table_link *links;
	struct agenda looks; /* next hops to be looked at again */
	bool exits_changed;
	struct table_path *paths;
	struct table_backend *backends;
	struct table_ring *rings;
	struct table_service *services;
	struct index free_nexthops, free_paths, free_backends, free_services;
	struct extents free_slots;
	struct lanes lanes;
	unsigned turn;
	uint64_t writes;
	bool left; /* others own the memory now */
	void (*released)(struct table_nexthop *nexthop, void *arg);
	void *released_arg;
};

/* The next hop's key is set. 0 or -ENOMEM. In tables_link.c, and so is its end. */
int link_enter(struct tables *tables, struct table_nexthop *nexthop);
void link_leave(struct tables *tables, struct table_nexthop *nexthop);
void links_free(struct tables *tables);

/* Lanes, in tables_lane.c. 0 or -ENOMEM. */
int lanes_init(struct lanes *lanes, const struct port *port);
void lanes_free(struct lanes *lanes);
/* The backend is reached as `how` says (0: not at all): so is its lane from now on. */
void lane_follow_backend(struct tables *tables, uint32_t backend, uint64_t how);
/* The next hop's record was changed: so are the lanes by it. */
void lanes_follow_nexthop(struct tables *tables, uint32_t nexthop);

/* A new thing with a record of its own from `free_records`, or NULL with errno. */
void *record_take(size_t size, struct index *free_records, uint32_t *record);

/* What a former run has left in a record: a thing that nobody holds yet. 0 or -ENOMEM. Of a ring it stands in
 * the services that are pointed at it. */
int nexthop_adopt(struct tables *tables, uint32_t index);
int path_adopt(struct tables *tables, uint32_t index);
int backend_adopt(struct tables *tables, uint32_t index);
int service_adopt(struct tables *tables, uint32_t index);
int ring_adopt(struct tables *tables, const struct sh_service *record);

static inline void make_backend_key(struct backend_key *key, uint64_t owner, const struct addr *address)
{
	memset(key, 0, sizeof(*key));
	key->owner = owner;
	key->address = *address;
}

/* The largest ring that the owner has, or NULL. */
struct table_ring *ring_largest(const struct tables *tables, uint64_t owner);

/* Backends by index, and who stands for each: 0: no one. NULL: each for itself. */
struct ring_copies {
	const uint32_t *of;
	uint32_t size;
};

/* The slots of `from` as if it had `count`, or empty ones for NULL, to be free()d. NULL with errno. */
struct sh_slot *ring_read(struct port *port, const struct table_ring *from, const struct ring_copies *copies,
			  uint32_t count);
/* A ring that nobody holds yet, of `owner`, who has none: as the largest of `origin`. 0, also where there is
 * no such; -ENOMEM or -ENOSPC. */
int ring_copy(struct tables *tables, uint64_t origin, uint64_t owner, const struct ring_copies *copies);

/* Of the struct port `port`: the record has rested, and is to be used again. */
void nexthop_clear(uint32_t record, void *port);
void path_clear(uint32_t record, void *port);
void backend_clear(uint32_t record, void *port);
void service_clear(uint32_t record, void *port);

/* Loads and stores of the words that packets read meanwhile. */
static inline uint64_t word_load(const __u64 *word)
{
	return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

static inline void word_store(__u64 *word, uint64_t value)
{
	__atomic_store_n(word, value, __ATOMIC_RELEASE);
}

/* One aligned store where the word differs. Returns the stores made. */
static inline unsigned word_switch(struct tables *tables, __u64 *word, uint64_t value)
{
	if (word_load(word) == value)
		return 0;
	word_store(word, value);
	tables->writes++;
	return 1;
}

/* Finds by key, whose padding is zero in every key. */
#define FIND(table, key, out) HASH_FIND(hh, table, key, sizeof(*(key)), out)
#define ENTER(table, thing)   HASH_ADD_KEYPTR(hh, table, &(thing)->key, sizeof((thing)->key), thing)

#endif
