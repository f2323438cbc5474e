/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Hash maps by whole contents: read all of one, or make it hold exactly what is wanted.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane_maps.h"
#include "diff.h"

struct hash_spec {
	enum dataplane_map_id map;
	size_t key_size, value_size;
	int (*compare)(const void *, const void *); /* qsort has no argument: one for each key size */
	bool (*same)(const void *, const void *);
};

static int compare4(const void *a, const void *b)
{
	return memcmp(a, b, 4);
}

static int compare8(const void *a, const void *b)
{
	return memcmp(a, b, 8);
}

static int compare16(const void *a, const void *b)
{
	return memcmp(a, b, 16);
}

static int compare20(const void *a, const void *b)
{
	return memcmp(a, b, 20);
}

static int compare24(const void *a, const void *b)
{
	return memcmp(a, b, 24);
}

static bool same4_20(const void *a, const void *b)
{
	return !memcmp((const char *)a + 4, (const char *)b + 4, 20);
}

static bool same8_4(const void *a, const void *b)
{
	return !memcmp((const char *)a + 8, (const char *)b + 8, 4);
}

static bool same16_4(const void *a, const void *b)
{
	return !memcmp((const char *)a + 16, (const char *)b + 16, 4);
}

static bool same20_4(const void *a, const void *b)
{
	return !memcmp((const char *)a + 20, (const char *)b + 20, 4);
}

static bool same20_16(const void *a, const void *b)
{
	return !memcmp((const char *)a + 20, (const char *)b + 20, 16);
}

/* A devmap's value reads back with a program id in it: the key alone tells. */
static const struct hash_spec specs[HASH_COUNT] = {
	[HASH_VIPS4] = {MAP_VIPS4, sizeof(struct sh_endpoint4), 4, compare8, same8_4},
	[HASH_VIPS6] = {MAP_VIPS6, sizeof(struct sh_endpoint6), 4, compare20, same20_4},
	[HASH_RESTORE4] = {MAP_RESTORE4, sizeof(struct sh_endpoint4), 4, compare8, same8_4},
	[HASH_RESTORE6] = {MAP_RESTORE6, sizeof(struct sh_endpoint6), 16, compare20, same20_16},
	[HASH_SERVED] = {MAP_SERVED, sizeof(struct sh_address), sizeof(struct sh_served), compare20,
			 same20_4},
	[HASH_ADDRESSES] = {MAP_ADDRESSES, sizeof(struct sh_address), 4, compare20, same20_4},
	[HASH_EGRESS] = {MAP_EGRESS, 4, 8, compare4, NULL},
	[HASH_OWNS] = {MAP_OWNS, 4, sizeof(struct sh_own), compare4, same4_20},
	[HASH_FLOWS] = {MAP_FLOWS, sizeof(struct sh_flow), 8, compare24, NULL},
	[HASH_QUIC_IDS] = {MAP_QUIC_IDS, sizeof(struct sh_quic_key), 4, compare16, same16_4},
};

enum dataplane_map_id dataplane_hash_map(enum dataplane_hash hash)
{
	return specs[hash].map;
}

size_t dataplane_hash_entry(enum dataplane_hash hash)
{
	return (specs[hash].key_size + specs[hash].value_size + 7U) & ~(size_t)7;
}

/* Room for one more entry behind `used`; the memory behind it is zero. */
static int reserve(char **all, size_t *room, size_t used, size_t entry)
{
	char *grown;

	if (used < *room)
		return 0;
	grown = realloc(*all, 2 * *room * entry);
	if (!grown)
		return -ENOMEM;
	memset(grown + *room * entry, 0, *room * entry);
	*all = grown;
	*room *= 2;
	return 0;
}

int dataplane_hash_read(int fd, enum dataplane_hash hash, void **out, size_t *count)
{
	const struct hash_spec *spec = &specs[hash];
	size_t entry = dataplane_hash_entry(hash), used = 0, room = 64;
	struct bpf_map_info info = {0};
	uint32_t length = sizeof(info);
	char *all = calloc(room, entry);
	int err = 0;

	if (!all || bpf_obj_get_info_by_fd(fd, &info, &length)) {
		err = all ? -errno : -ENOMEM;
		free(all);
		return err;
	}
	/* Where the key before is gone the kernel starts over: the map's size bounds the walk. */
	for (uint32_t steps = 0; steps < info.max_entries; steps++) {
		err = reserve(&all, &room, used, entry);
		if (err)
			break;
		if (bpf_map_get_next_key(fd, used ? all + (used - 1) * entry : NULL, all + used * entry))
			break;
		if (!bpf_map_lookup_elem(fd, all + used * entry, all + used * entry + spec->key_size))
			used++;
	}
	if (err) {
		free(all);
		return err;
	}
	*out = all;
	*count = used;
	return 0;
}

struct sync {
	int fd;
	const struct hash_spec *spec;
	uint64_t *writes;
};

static int sync_store(const void *want, void *arg)
{
	const struct sync *sync = arg;

	++*sync->writes;
	return bpf_map_update_elem(sync->fd, want, (const char *)want + sync->spec->key_size, BPF_ANY)
		       ? -errno
		       : 0;
}

static int sync_change(const void *want, const void *have, void *arg)
{
	(void)have;
	return sync_store(want, arg);
}

static int sync_remove(const void *have, void *arg)
{
	const struct sync *sync = arg;

	++*sync->writes;
	return bpf_map_delete_elem(sync->fd, have) && errno != ENOENT ? -errno : 0;
}

int dataplane_hash_put(int fd, enum dataplane_hash hash, const void *entry)
{
	uint64_t writes = 0;
	struct sync sync = {fd, &specs[hash], &writes};

	return sync_store(entry, &sync);
}

/* One walk over what the map holds and what is wanted. */
static int walk(int fd, enum dataplane_hash hash, void *want, size_t count, const struct diff_ops *ops,
		void *arg)
{
	void *have;
	size_t have_count;
	int err = dataplane_hash_read(fd, hash, &have, &have_count);

	if (err)
		return err;
	err = diff(want, count, have, have_count, dataplane_hash_entry(hash), ops, arg);
	free(have);
	return err;
}

int dataplane_hash_sync(int fd, enum dataplane_hash hash, void *want, size_t count, uint64_t *writes)
{
	struct sync sync = {fd, &specs[hash], writes};
	const struct diff_ops ops = {
		.compare = specs[hash].compare,
		.same = specs[hash].same,
		.add = sync_store,
		.change = sync_change,
		.remove = sync_remove,
	};

	return walk(fd, hash, want, count, &ops, &sync);
}

static int count_one(const void *entry, void *arg)
{
	(void)entry;
	++*(size_t *)arg;
	return 0;
}

static int count_change(const void *want, const void *have, void *arg)
{
	(void)have;
	return count_one(want, arg);
}

int dataplane_hash_compare(int fd, enum dataplane_hash hash, void *want, size_t count, size_t *differences)
{
	const struct diff_ops ops = {
		.compare = specs[hash].compare,
		.same = specs[hash].same,
		.add = count_one,
		.change = count_change,
		.remove = count_one,
	};
	size_t counted = 0;
	int err = walk(fd, hash, want, count, &ops, &counted);

	if (!err)
		*differences = counted;
	return err;
}
