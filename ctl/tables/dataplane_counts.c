/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Counters, read, reset and carried over. See dataplane_counts.h.
 */
#include "dataplane_counts.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Records read by one call. */
#define AT_ONCE 256

/* A record of any of the maps: most have one counter. The sum of several wraps around like each of them. */
struct record {
	struct sh_count count[2];
};

static uint32_t counters_each(const struct dataplane_map *map)
{
	return bpf_map__value_size(map->bpf) / (uint32_t)sizeof(struct sh_count);
}

/* ---- one map ------------------------------------------------------------------------------------ */

/* Adds `records` records of `counters` counters each. */
static void add_up(const struct sh_count *all, size_t records, uint32_t counters, struct record *sum)
{
	for (size_t i = 0; i < records * counters; i++) {
		sum->count[i % counters].packets += all[i].packets;
		sum->count[i % counters].bytes += all[i].bytes;
	}
}

/* Adds what each CPU has counted of an entry. */
static int add_entry(int fd, uint32_t index, uint32_t counters, int cpus, struct record *sum)
{
	struct sh_count *all = calloc((size_t)cpus * counters, sizeof(*all));
	int err = all ? 0 : -ENOMEM;

	if (!err && bpf_map_lookup_elem(fd, &index, all))
		err = -errno;
	if (!err)
		add_up(all, (size_t)cpus, counters, sum);
	free(all);
	return err;
}

/* As if the first CPU had counted it all. */
static int set_entry(int fd, uint32_t index, uint32_t counters, int cpus, const struct record *to)
{
	struct sh_count *all = calloc((size_t)cpus * counters, sizeof(*all));
	int err = all ? 0 : -ENOMEM;

	if (!err) {
		memcpy(all, to->count, counters * sizeof(*all));
		err = bpf_map_update_elem(fd, &index, all, BPF_ANY) ? -errno : 0;
	}
	free(all);
	return err;
}

/* The sum over CPUs, and over both halves where there are two. */
static int read_record(const struct dataplane_map *map, uint32_t index, int cpus, struct record *out)
{
	struct record sum = {0};
	int err = add_entry(map->fd, index, counters_each(map), cpus, &sum);

	if (!err && map->spec->copy == COPY_CARRY)
		err = add_entry(map->fd, map->entries / 2 + index, counters_each(map), cpus, &sum);
	if (!err)
		*out = sum;
	return err;
}

/* The sum over all that is in the map. */
static int read_all(const struct dataplane_map *map, int cpus, struct record *out)
{
	struct sh_count *all = calloc((size_t)AT_ONCE * (size_t)cpus, bpf_map__value_size(map->bpf));
	uint32_t keys[AT_ONCE], next, count;
	struct record sum = {0};
	int err = all ? 0 : -ENOMEM;
	void *from = NULL;

	while (!err) {
		count = AT_ONCE;
		if (bpf_map_lookup_batch(map->fd, from, &next, keys, all, &count, NULL))
			err = -errno;
		/* -ENOENT: these are the last. */
		if (!err || err == -ENOENT)
			add_up(all, (size_t)count * (size_t)cpus, counters_each(map), &sum);
		from = &next;
	}
	free(all);
	if (err != -ENOENT)
		return err;
	*out = sum;
	return 0;
}

static int set_record(const struct dataplane_map *map, uint32_t index, int cpus, const struct record *to)
{
	const struct record zero = {0};
	int err = set_entry(map->fd, index, counters_each(map), cpus, to);

	if (!err && map->spec->copy == COPY_CARRY)
		err = set_entry(map->fd, map->entries / 2 + index, counters_each(map), cpus, &zero);
	return err;
}

static bool is_zero(const struct record *record)
{
	const struct record zero = {0};

	return !memcmp(record, &zero, sizeof(zero));
}

int dataplane_counts_carry(const struct dataplane_map *map, int cpus)
{
	struct bpf_map_info old = {0};
	uint32_t length = sizeof(old), half = map->entries / 2, counters = counters_each(map);
	int err = bpf_obj_get_info_by_fd(map->old_fd, &old, &length) ? -errno : 0;

	for (uint32_t i = 1; !err && i < old.max_entries / 2 && i < half; i++) {
		struct record sum = {0};

		err = add_entry(map->old_fd, i, counters, cpus, &sum);
		if (!err)
			err = add_entry(map->old_fd, old.max_entries / 2 + i, counters, cpus, &sum);
		if (!err && !is_zero(&sum))
			err = set_entry(map->fd, half + i, counters, cpus, &sum);
	}
	return err;
}

/* ---- what is asked for -------------------------------------------------------------------------- */

static struct sh_count both(struct sh_count a, struct sh_count b)
{
	return (struct sh_count){.packets = a.packets + b.packets, .bytes = a.bytes + b.bytes};
}

/* A service's counter, and how much of it went the straight way. */
static int read_service(const struct dataplane_map *maps, int cpus, uint32_t index, struct sh_count *out,
			struct sh_count *straight)
{
	struct record other, way;
	int err = read_record(&maps[MAP_SERVICE_COUNTS], index, cpus, &other);

	if (!err)
		err = read_record(&maps[MAP_STRAIGHT_COUNTS], index, cpus, &way);
	if (err)
		return err;
	*straight = both(way.count[0], way.count[1]);
	*out = both(other.count[0], *straight);
	return 0;
}

int dataplane_counts_reasons(const struct dataplane_map *maps, int cpus,
			     struct sh_count out[static SH_REASON_COUNT])
{
	struct record way, other[SH_REASON_COUNT];
	int err = read_all(&maps[MAP_STRAIGHT_COUNTS], cpus, &way);

	for (uint32_t i = 0; !err && i < SH_REASON_COUNT; i++)
		err = read_record(&maps[MAP_REASONS], i, cpus, &other[i]);
	if (err)
		return err;
	for (uint32_t i = 0; i < SH_REASON_COUNT; i++)
		out[i] = other[i].count[0];
	out[SH_TX] = both(out[SH_TX], way.count[0]);
	out[SH_REDIRECT] = both(out[SH_REDIRECT], way.count[1]);
	return 0;
}

static int read_backend(const struct dataplane_map *maps, int cpus, uint32_t index, struct sh_count *out)
{
	struct record found;
	int err = read_record(&maps[MAP_BACKEND_COUNTS], index, cpus, &found);

	if (!err)
		*out = found.count[0];
	return err;
}

int dataplane_counts_read(const struct dataplane_map *maps, int cpus, enum dataplane_counts counts,
			  uint32_t index, struct sh_count *out)
{
	struct sh_count straight;

	switch (counts) {
	case COUNTS_SERVICES:
		return read_service(maps, cpus, index, out, &straight);
	case COUNTS_BACKENDS:
		return read_backend(maps, cpus, index, out);
	}
	return -EINVAL;
}

static int reset_service(const struct dataplane_map *maps, int cpus, uint32_t index)
{
	struct sh_count count, straight;
	struct record less = {0};
	int err = read_service(maps, cpus, index, &count, &straight);

	if (err)
		return err;
	less.count[0] = (struct sh_count){.packets = 0 - straight.packets, .bytes = 0 - straight.bytes};
	return set_record(&maps[MAP_SERVICE_COUNTS], index, cpus, &less);
}

int dataplane_counts_reset(const struct dataplane_map *maps, int cpus, enum dataplane_counts counts,
			   uint32_t index)
{
	const struct record zero = {0};

	switch (counts) {
	case COUNTS_SERVICES:
		return reset_service(maps, cpus, index);
	case COUNTS_BACKENDS:
		return set_record(&maps[MAP_BACKEND_COUNTS], index, cpus, &zero);
	}
	return -EINVAL;
}
