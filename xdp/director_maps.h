/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The director's tables, in the order in which a packet walks them.
 */
#ifndef SHUNT_DIRECTOR_MAPS_H
#define SHUNT_DIRECTOR_MAPS_H

#include "maps.h"

const volatile struct sh_load load = {};

SH_ARRAY(knobs, struct sh_knobs);
SH_ARRAY(guesses, struct sh_guess);		   /* -> the service, perhaps */
SH_ARRAY_OF(macs, struct sh_macs, SH_MACS_PLACES); /* of this node (us.h) */
SH_HASH(vips4, struct sh_endpoint4, __u32);	   /* -> index into services */
SH_HASH(vips6, struct sh_endpoint6, __u32);
SH_HASH(addresses, struct sh_address, __u32); /* VIP -> index of the service that speaks for it */
SH_ARRAY(services, struct sh_service);
SH_ARRAY(slots, struct sh_slot);
SH_ARRAY(backends, struct sh_backend);
SH_HASH(quic_ids, struct sh_quic_key, __u32); /* -> index into backends (quic.h) */
SH_ARRAY(paths, struct sh_path);
SH_ARRAY(nexthops, struct sh_nexthop);
SH_ARRAY(lanes, struct sh_lane); /* by the index into backends */

/* Flows that are remembered (flows.h): those of one packet so far, and those of more. The latter evict the
 * least recently used. */
SH_ARRAY(fresh_sets, struct sh_fresh);

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 2);
	__type(key, struct sh_flow);
	__type(value, struct sh_flow_state);
} flows SEC(".maps");

/* Interfaces that packets may be redirected to, by ifindex. */
struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP_HASH);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, struct bpf_devmap_val);
} egress SEC(".maps");

/* By the interface that packets come in by: whom this node's own errors come from. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, SH_OWNS_SIZE);
	__type(key, __u32);
	__type(value, struct sh_own);
} owns SEC(".maps");

SH_COUNTERS(service_counts, struct sh_count, 2);
SH_COUNTERS(straight_counts, struct sh_straight_count, 2); /* by service, too */
SH_COUNTERS(backend_counts, struct sh_count, 2);

/* struct sh_event; read by the controller on a timer, never woken by a packet. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 18);
} events SEC(".maps");

#endif
