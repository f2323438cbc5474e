/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One map: adopting its pin, sizing, copying, mapping, pinning. Used by dataplane.c alone.
 */
#ifndef SHUNT_DATAPLANE_MAPS_H
#define SHUNT_DATAPLANE_MAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane.h"

struct bpf_map;

#define DATAPLANE_PATH 320
#define DATAPLANE_NAME 32

enum dataplane_map_id {
	MAP_KNOBS,
	MAP_GUESSES,
	MAP_VIPS4,
	MAP_VIPS6,
	MAP_RESTORE4,
	MAP_RESTORE6,
	MAP_SERVED,
	MAP_ADDRESSES,
	MAP_SERVICES,
	MAP_SLOTS,
	MAP_BACKENDS,
	MAP_QUIC_IDS,
	MAP_PATHS,
	MAP_NEXTHOPS,
	MAP_LANES,
	MAP_FRESH,
	MAP_FLOWS,
	MAP_BOUND,
	MAP_MENDED,
	MAP_MACS,
	MAP_EGRESS,
	MAP_OWNS,
	MAP_REASONS,
	MAP_SERVICE_COUNTS,
	MAP_STRAIGHT_COUNTS,
	MAP_BACKEND_COUNTS,
	MAP_EVENTS,
	MAP_FURTHER,
	DATAPLANE_MAPS,
};

/* How the contents of an outgrown map get into a larger one. CARRY: counters that packets add to until
 * interfaces have been switched, so nothing is copied before, and after it what the old map has come to is
 * carried over. Packets count in the new one by then, so it goes to where they never do: such a map has two
 * entries for each record, one in each half, and what it says of a record is the sum of both. ANEW: what is
 * pinned is never adopted, but replaced once interfaces have been switched: it holds programs, which are
 * loaded anew with their maps. The kernel empties such a map when neither a process nor a pin holds it, so
 * the pin keeps it. */
enum dataplane_copy { COPY_NOT, COPY_ARRAY, COPY_HASH, COPY_COUNTERS, COPY_CARRY, COPY_ANEW };

struct dataplane_spec {
	const char *name;     /* of the map in the director's object, and of its pin */
	size_t needed_offset; /* of its size in struct dataplane_sizes; SIZE_MAX: fixed */
	enum dataplane_copy copy;
	bool memory; /* map it whole */
	bool own;    /* a twin has one of its own (twin.h): packets write to it, or it is filled otherwise */
	bool joined; /* its records lead into others that are: where one is outgrown, all are made anew, and
		      * what the former program goes by stays as it is until interfaces have been switched */
};

extern const struct dataplane_spec dataplane_specs[DATAPLANE_MAPS];

struct dataplane_map {
	const struct dataplane_spec *spec;
	struct bpf_map *bpf; /* the object's; borrowed */
	uint32_t needed;     /* entries; 0: as in the object */
	uint32_t entries;    /* that it has */
	int fd;		     /* borrowed from the object; -1 before loading */
	int old_fd;	     /* owned: the pinned predecessor, or -1 */
	bool adopted;	     /* the pin is this map */
	void *memory;	     /* owned mapping of `memory_size` bytes, or NULL */
	size_t memory_size;
};

uint32_t dataplane_needed(const struct dataplane_spec *spec, const struct dataplane_sizes *sizes);
/* The pinned map's descriptor, or -1 where there is none. */
int dataplane_map_pinned(const char *dir, const struct dataplane_map *map);
/* Is `fd` of the same type and record sizes as the object's map, with room for `needed`? */
bool dataplane_map_suits(int fd, const struct bpf_map *map, uint32_t needed);
/* The size of the map `fd`; 0 where the kernel does not tell. */
uint32_t dataplane_map_entries(int fd);
int dataplane_map_copy(const struct dataplane_map *map, int cpus);
int dataplane_map_memory(struct dataplane_map *map);
int dataplane_map_pin(const char *dir, const struct dataplane_map *map);
void dataplane_map_close(struct dataplane_map *map);

enum dataplane_map_id dataplane_hash_map(enum dataplane_hash hash);
size_t dataplane_hash_entry(enum dataplane_hash hash);
int dataplane_hash_put(int fd, enum dataplane_hash hash, const void *entry);
int dataplane_hash_sync(int fd, enum dataplane_hash hash, void *want, size_t count, uint64_t *writes);
int dataplane_hash_compare(int fd, enum dataplane_hash hash, void *want, size_t count, size_t *differences);
int dataplane_hash_read(int fd, enum dataplane_hash hash, void **out, size_t *count);

#endif
