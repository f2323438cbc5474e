/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One map at a time: the pin, the size, the copy into a larger one. See dataplane.h for when.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dataplane_maps.h"

#define NEEDS(field) offsetof(struct dataplane_sizes, field)
#define FIXED	     SIZE_MAX

const struct dataplane_spec dataplane_specs[DATAPLANE_MAPS] = {
	[MAP_KNOBS] = {"knobs", FIXED, COPY_NOT, true, true, false},
	/* Each has its place by the size: a larger table starts empty, and is filled with the VIPs. */
	[MAP_GUESSES] = {"guesses", NEEDS(guesses), COPY_NOT, true, false, true},
	[MAP_VIPS4] = {"vips4", NEEDS(vips4), COPY_HASH, false, false, false},
	[MAP_VIPS6] = {"vips6", NEEDS(vips6), COPY_HASH, false, false, false},
	[MAP_RESTORE4] = {"restore4", NEEDS(restore4), COPY_HASH, false, false, false},
	[MAP_RESTORE6] = {"restore6", NEEDS(restore6), COPY_HASH, false, false, false},
	[MAP_SERVED] = {"served", NEEDS(served), COPY_HASH, false, false, false},
	[MAP_ADDRESSES] = {"addresses", NEEDS(addresses), COPY_HASH, false, false, false},
	[MAP_SERVICES] = {"services", NEEDS(services), COPY_ARRAY, true, false, true},
	[MAP_SLOTS] = {"slots", NEEDS(slots), COPY_ARRAY, false, false, true},
	[MAP_BACKENDS] = {"backends", NEEDS(backends), COPY_ARRAY, true, true, true},
	[MAP_QUIC_IDS] = {"quic_ids", NEEDS(quic_ids), COPY_HASH, false, false, false},
	[MAP_PATHS] = {"paths", NEEDS(paths), COPY_ARRAY, true, false, true},
	[MAP_NEXTHOPS] = {"nexthops", NEEDS(nexthops), COPY_ARRAY, true, false, true},
	[MAP_LANES] = {"lanes", NEEDS(backends), COPY_ARRAY, true, false, true},
	/* Entries cannot be copied in the order of their use, so a larger table starts empty. */
	[MAP_FRESH] = {"fresh_sets", NEEDS(fresh), COPY_NOT, false, true, false},
	[MAP_FLOWS] = {"flows", NEEDS(flows), COPY_NOT, false, true, false},
	[MAP_BOUND] = {"bound", NEEDS(bound), COPY_NOT, false, true, false},
	[MAP_MENDED] = {"mended", NEEDS(mended), COPY_NOT, false, true, false},
	[MAP_MACS] = {"macs", FIXED, COPY_ARRAY, true, false, false},
	[MAP_EGRESS] = {"egress", FIXED, COPY_HASH, false, true, false},
	[MAP_OWNS] = {"owns", FIXED, COPY_HASH, false, false, false},
	[MAP_REASONS] = {"reasons", FIXED, COPY_COUNTERS, false, true, false},
	[MAP_SERVICE_COUNTS] = {"service_counts", NEEDS(services), COPY_CARRY, false, true, false},
	[MAP_STRAIGHT_COUNTS] = {"straight_counts", NEEDS(services), COPY_CARRY, false, true, false},
	[MAP_BACKEND_COUNTS] = {"backend_counts", NEEDS(backends), COPY_CARRY, false, true, false},
	[MAP_EVENTS] = {"events", FIXED, COPY_NOT, false, true, false},
	[MAP_FURTHER] = {"further", FIXED, COPY_ANEW, false, true, false},
};

uint32_t dataplane_needed(const struct dataplane_spec *spec, const struct dataplane_sizes *sizes)
{
	uint32_t needed;

	if (spec->needed_offset == FIXED)
		return 0;
	memcpy(&needed, (const char *)sizes + spec->needed_offset, sizeof(needed));
	needed = needed > 2 ? needed : 2;
	return spec->copy == COPY_CARRY ? 2 * needed : needed;
}

static int pin_path(char path[static DATAPLANE_PATH], const char *dir, const char *name, const char *suffix)
{
	return snprintf(path, DATAPLANE_PATH, "%s/%s%s", dir, name, suffix) < DATAPLANE_PATH ? 0
											     : -ENAMETOOLONG;
}

int dataplane_map_pinned(const char *dir, const struct dataplane_map *map)
{
	char path[DATAPLANE_PATH];
	int fd;

	if (pin_path(path, dir, map->spec->name, ""))
		return -1;
	fd = bpf_obj_get(path);
	return fd < 0 ? -1 : fd;
}

bool dataplane_map_suits(int fd, const struct bpf_map *map, uint32_t needed)
{
	struct bpf_map_info info = {0};
	uint32_t length = sizeof(info);

	/* The kernel adds flags of its own to some types (devmap), so only the one that matters here. */
	return !bpf_obj_get_info_by_fd(fd, &info, &length) && info.type == bpf_map__type(map) &&
	       info.key_size == bpf_map__key_size(map) && info.value_size == bpf_map__value_size(map) &&
	       (info.map_flags & BPF_F_MMAPABLE) == (bpf_map__map_flags(map) & BPF_F_MMAPABLE) &&
	       info.max_entries >= needed;
}

uint32_t dataplane_map_entries(int fd)
{
	struct bpf_map_info info = {0};
	uint32_t length = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, &info, &length) ? 0 : info.max_entries;
}

static size_t array_bytes(uint32_t entries, uint32_t value_size)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t bytes = (size_t)entries * ((value_size + 7U) & ~7U);

	return (bytes + page - 1) / page * page;
}

static int copy_array(const struct dataplane_map *map, const struct bpf_map_info *old)
{
	size_t old_bytes = array_bytes(old->max_entries, old->value_size);
	size_t new_bytes = array_bytes(map->entries, old->value_size);
	size_t used = (size_t)old->max_entries * ((old->value_size + 7U) & ~7U);
	void *from = mmap(NULL, old_bytes, PROT_READ, MAP_SHARED, map->old_fd, 0);
	void *to = mmap(NULL, new_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, map->fd, 0);
	int err = from == MAP_FAILED || to == MAP_FAILED ? -errno : 0;

	if (!err)
		memcpy(to, from, used < new_bytes ? used : new_bytes);
	if (from != MAP_FAILED)
		munmap(from, old_bytes);
	if (to != MAP_FAILED)
		munmap(to, new_bytes);
	return err;
}

static int copy_counters(const struct dataplane_map *map, const struct bpf_map_info *old, int cpus)
{
	struct sh_count *each = calloc((size_t)cpus, sizeof(*each));
	int err = each ? 0 : -ENOMEM;

	for (uint32_t i = 0; !err && i < old->max_entries && i < map->entries; i++) {
		if (bpf_map_lookup_elem(map->old_fd, &i, each) ||
		    bpf_map_update_elem(map->fd, &i, each, BPF_ANY))
			err = -errno;
	}
	free(each);
	return err;
}

static int copy_hash(const struct dataplane_map *map, const struct bpf_map_info *old)
{
	char key[2][64], value[64];
	const void *previous = NULL;

	if (old->key_size > sizeof(key[0]) || old->value_size > sizeof(value))
		return -EINVAL;
	for (int turn = 0; !bpf_map_get_next_key(map->old_fd, previous, key[turn]); turn = !turn) {
		previous = key[turn];
		if (bpf_map_lookup_elem(map->old_fd, key[turn], value))
			continue;
		if (bpf_map_update_elem(map->fd, key[turn], value, BPF_ANY))
			return -errno;
	}
	return 0;
}

int dataplane_map_copy(const struct dataplane_map *map, int cpus)
{
	struct bpf_map_info old = {0};
	uint32_t length = sizeof(old);

	if (bpf_obj_get_info_by_fd(map->old_fd, &old, &length))
		return -errno;
	/* Another version's records: nothing in them can be relied on, start empty. */
	if (old.key_size != bpf_map__key_size(map->bpf) || old.value_size != bpf_map__value_size(map->bpf))
		return 0;
	switch (map->spec->copy) {
	case COPY_ARRAY:
		return copy_array(map, &old);
	case COPY_HASH:
		return copy_hash(map, &old);
	case COPY_COUNTERS:
		return copy_counters(map, &old, cpus);
	case COPY_NOT:
	case COPY_CARRY:
	case COPY_ANEW:
		break;
	}
	return 0;
}

/* ---- memory and pins ---------------------------------------------------------------------------- */

int dataplane_map_memory(struct dataplane_map *map)
{
	void *memory;

	if (!map->spec->memory)
		return 0;
	map->memory_size = array_bytes(map->entries, bpf_map__value_size(map->bpf));
	memory = mmap(NULL, map->memory_size, PROT_READ | PROT_WRITE, MAP_SHARED, map->fd, 0);
	if (memory == MAP_FAILED)
		return -errno;
	map->memory = memory;
	return 0;
}

int dataplane_map_pin(const char *dir, const struct dataplane_map *map)
{
	char path[DATAPLANE_PATH], fresh[DATAPLANE_PATH];
	int err = pin_path(path, dir, map->spec->name, "");

	if (!err)
		err = pin_path(fresh, dir, map->spec->name, "_new");
	if (err)
		return err;
	if ((unlink(fresh) && errno != ENOENT) || bpf_obj_pin(map->fd, fresh) || rename(fresh, path))
		return -errno;
	return 0;
}

void dataplane_map_close(struct dataplane_map *map)
{
	if (map->memory)
		munmap(map->memory, map->memory_size);
	if (map->old_fd >= 0)
		close(map->old_fd);
	map->memory = NULL;
	map->old_fd = -1;
}
