/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The maps of both programs. Record types are in <shunt/abi.h>.
 *
 * Sizes here are the smallest; the controller sets max_entries from the file before loading.
 * The arrays that it switches word by word are mmapable.
 */
#ifndef SHUNT_MAPS_H
#define SHUNT_MAPS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include <shunt/abi.h>

#define SH_ARRAY_OF(map, record, entries)          \
	struct {                                   \
		__uint(type, BPF_MAP_TYPE_ARRAY);  \
		__uint(map_flags, BPF_F_MMAPABLE); \
		__uint(max_entries, entries);      \
		__type(key, __u32);                \
		__type(value, record);             \
	} map SEC(".maps")

#define SH_ARRAY(map, record) SH_ARRAY_OF(map, record, 2)

#define SH_COUNTERS(map, record, entries)                \
	struct {                                         \
		__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY); \
		__uint(max_entries, entries);            \
		__type(key, __u32);                      \
		__type(value, record);                   \
	} map SEC(".maps")

#define SH_HASH(map, from, to)                   \
	struct {                                 \
		__uint(type, BPF_MAP_TYPE_HASH); \
		__uint(max_entries, 2);          \
		__type(key, from);               \
		__type(value, to);               \
	} map SEC(".maps")

SH_COUNTERS(reasons, struct sh_count, SH_REASON_COUNT);

/* The record, or NULL. The key is a copy that lives as long as the look-up does: a variable whose address a
 * helper has got stays in memory, and so does all that is in one struct with it. */
static __always_inline void *sh_at(void *map, __u32 index)
{
	return bpf_map_lookup_elem(map, &index);
}

#endif
