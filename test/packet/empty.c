/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Arrays are filled with zeros in one call each, of other maps every key is deleted.
 */
#include "empty.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

/* The bytes that one value takes in a call. */
static size_t value_bytes(const struct bpf_map *map)
{
	size_t bytes = bpf_map__value_size(map);

	if (bpf_map__type(map) != BPF_MAP_TYPE_PERCPU_ARRAY)
		return bytes;
	return (bytes + 7) / 8 * 8 * (size_t)libbpf_num_possible_cpus();
}

static int zero(const struct bpf_map *map)
{
	uint32_t count = bpf_map__max_entries(map);
	uint32_t *keys = malloc(count * sizeof(*keys));
	void *zeros = calloc(count, value_bytes(map));
	int err = keys && zeros ? 0 : -ENOMEM;

	for (uint32_t i = 0; !err && i < count; i++)
		keys[i] = i;
	if (!err)
		err = bpf_map_update_batch(bpf_map__fd(map), keys, zeros, &count, NULL);
	free(keys);
	free(zeros);
	return err;
}

static int delete_all(const struct bpf_map *map)
{
	void *key = malloc(bpf_map__key_size(map));
	int fd = bpf_map__fd(map), err = key ? 0 : -ENOMEM;

	while (!err && !bpf_map_get_next_key(fd, NULL, key))
		err = bpf_map_delete_elem(fd, key);
	free(key);
	return err;
}

static int empty(const struct bpf_map *map)
{
	switch (bpf_map__type(map)) {
	case BPF_MAP_TYPE_ARRAY:
	case BPF_MAP_TYPE_PERCPU_ARRAY:
		return zero(map);
	case BPF_MAP_TYPE_PROG_ARRAY:
	case BPF_MAP_TYPE_RINGBUF:
		return 0;
	default:
		return delete_all(map);
	}
}

int object_empty(struct bpf_object *object)
{
	struct bpf_map *map;
	int err = 0;

	bpf_object__for_each_map(map, object) if (!err && !bpf_map__is_internal(map)) err = empty(map);
	return err;
}
