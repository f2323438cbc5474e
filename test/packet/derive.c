/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One record after the other, through mmap. See derive.h.
 */
#include "derive.h"

#include <bpf/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <shunt/guess.h>
#include <shunt/lane.h>

struct array {
	void *records;
	size_t bytes;
	uint32_t count;
};

static struct array open_array(const struct bpf_object *director, const char *name, size_t size)
{
	const struct bpf_map *map = bpf_object__find_map_by_name(director, name);
	struct array array = {.count = bpf_map__max_entries(map)};

	array.bytes = array.count * size;
	array.records = mmap(NULL, array.bytes, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);
	if (array.records != MAP_FAILED)
		return array;
	perror(name);
	exit(2);
}

static void close_array(const struct array *array)
{
	munmap(array->records, array->bytes);
}

static void derive_guesses(const struct bpf_object *director)
{
	struct array guesses = open_array(director, "guesses", sizeof(struct sh_guess));
	struct array services = open_array(director, "services", sizeof(struct sh_service));
	struct array knobs = open_array(director, "knobs", sizeof(struct sh_knobs));
	const struct sh_service *service = services.records;
	const struct sh_knobs *set = knobs.records;
	struct sh_guess *guess = guesses.records;

	for (uint32_t i = 0; i < guesses.count; i++)
		if (guess[i].service && guess[i].service < services.count)
			guess[i] = sh_guess_by(&service[guess[i].service], guess[i].service,
					       set->events_per_100ms);
	close_array(&guesses);
	close_array(&services);
	close_array(&knobs);
}

static void derive_lanes(const struct bpf_object *director)
{
	struct array lanes = open_array(director, "lanes", sizeof(struct sh_lane));
	struct array backends = open_array(director, "backends", sizeof(struct sh_backend));
	struct array nexthops = open_array(director, "nexthops", sizeof(struct sh_nexthop));
	const struct sh_backend *backend = backends.records;
	const struct sh_nexthop *nexthop = nexthops.records;
	struct sh_lane *lane = lanes.records;

	for (uint32_t i = 0; i < lanes.count && i < backends.count; i++) {
		uint32_t by = sh_lane_nexthop(backend[i].how);

		lane[i] = sh_lane_by(by && by < nexthops.count ? &nexthop[by] : NULL);
	}
	close_array(&lanes);
	close_array(&backends);
	close_array(&nexthops);
}

void derive(const struct bpf_object *director)
{
	derive_guesses(director);
	derive_lanes(director);
}
