/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What tables.c (identities, adoption) and tables_store.c (words) share. See tables.h.
 */
#ifndef SHUNT_TABLES_PRIVATE_H
#define SHUNT_TABLES_PRIVATE_H

#include <uthash.h>

#include "extent.h"
#include "index.h"
#include "tables.h"

struct table_nexthop {
	struct rt_neigh_key key;
	uint32_t index;
	unsigned refs;
	struct table_note note;
	UT_hash_handle hh;
};

struct table_path {
	struct sh_path key;
	uint32_t index;
	unsigned refs;
	UT_hash_handle hh;
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

struct tables {
	struct port *port; /* borrowed */
	struct table_nexthop *nexthops;
	struct table_path *paths;
	struct table_backend *backends;
	struct table_ring *rings;
	struct table_service *services;
	struct index free_nexthops, free_paths, free_backends, free_services;
	struct extents free_slots;
	uint64_t writes;
	void (*released)(const struct rt_neigh_key *key, void *arg);
	void *released_arg;
};

/* Loads and stores of the words that packets read meanwhile. */
static inline uint64_t word_load(const __u64 *word)
{
	return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

static inline void word_store(__u64 *word, uint64_t value)
{
	__atomic_store_n(word, value, __ATOMIC_RELEASE);
}

#endif
