/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which backend takes a flow?
 *
 * The hash of {client, both ports, protocol} selects a slot of the service's ring. It is the same
 * on every machine whatever its byte order, so that directors with the same file agree on each
 * flow. The upper half selects the slot, the lower half the bucket of a multipath path (forward.h):
 * flows of one backend still spread over its legs.
 *
 * With the scheduler `random` a new flow takes any slot and is remembered in `flows`. An entry
 * dies by eviction (LRU), or counts for nothing once its backend is no live backend of the same
 * service: the flow is then dealt anew.
 */
#ifndef SHUNT_PICK_H
#define SHUNT_PICK_H

#include "director_maps.h"
#include "parse.h"

/* The finalizer of SplitMix64 (Steele, Lea, Flood 2014; D. Stafford's mix 13): a bijection in which
 * each input bit flips each output bit with a probability close to one half. */
static __always_inline __u64 sh_mix(__u64 x)
{
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

/* IPv6 addresses are folded into 64 bits first: an odd multiplier carries the upper half's bits
 * across, so that the two halves cannot cancel out. */
static __always_inline __u64 sh_client_bits(const struct sh_packet *packet)
{
	const __u32 *w = packet->v6->saddr.in6_u.u6_addr32;
	__u64 high = (__u64)bpf_ntohl(w[0]) << 32 | bpf_ntohl(w[1]);
	__u64 low = (__u64)bpf_ntohl(w[2]) << 32 | bpf_ntohl(w[3]);

	high *= 0xd6e8feb86659fd93ULL;
	return (high ^ (high >> 32)) + low;
}

static __always_inline __u64 sh_flow_hash(const struct sh_packet *packet)
{
	__u64 salt = packet->protocol * 0x9e3779b97f4a7c15ULL;
	__u32 ports = bpf_ntohl(packet->ports);

	if (packet->family == SH_FAMILY_IPV4)
		return sh_mix(((__u64)bpf_ntohl(packet->v4->saddr) << 32 | ports) ^ salt);
	return sh_mix(sh_mix(sh_client_bits(packet)) ^ ports ^ salt);
}

/* The backend that the slot `share`/2^32 of the way round the ring belongs to; 0 for none. */
static __always_inline __u32 sh_pick_slot(__u64 where, __u32 share)
{
	__u32 ring = ((struct sh_service){.where = where}).ring;
	__u32 slots_count = ((struct sh_service){.where = where}).slots;
	__u32 index = ring + (__u32)(((__u64)share * slots_count) >> 32);
	struct sh_slot *slot;

	slot = bpf_map_lookup_elem(&slots, &index);
	if (!slot)
		return 0;
	return ((struct sh_slot){.both = *(volatile __u64 *)&slot->both}).now;
}

/* Is `index` still a live backend of the service that `peer` serves? */
static __always_inline int sh_backend_lives(__u32 index, __u32 peer)
{
	struct sh_backend *remembered = bpf_map_lookup_elem(&backends, &index);
	struct sh_backend *current = bpf_map_lookup_elem(&backends, &peer);

	if (!remembered || !current || remembered->owner != current->owner)
		return 0;
	return ((struct sh_backend){.how = *(volatile __u64 *)&remembered->how}).mode != SH_MODE_NONE;
}

static __always_inline void sh_flow_of(const struct sh_packet *packet, __u32 service, struct sh_flow *out)
{
	if (packet->family == SH_FAMILY_IPV4)
		out->client = (struct sh_ip){{packet->v4->saddr, 0, 0, 0}};
	else
		__builtin_memcpy(&out->client, &packet->v6->saddr, sizeof(out->client));
	out->client_port = packet->client_port;
	out->vip_port = packet->vip_port;
	out->service = service;
}

static __always_inline __u32 sh_pick_random(const struct sh_packet *packet, __u32 service, __u64 where)
{
	struct sh_flow_state chosen = {sh_pick_slot(where, bpf_get_prandom_u32()), 0};
	struct sh_flow_state *known;
	struct sh_flow flow;
	__u32 index;

	if (!chosen.backend)
		return 0;
	sh_flow_of(packet, service, &flow);
	known = bpf_map_lookup_elem(&flows, &flow);
	if (known) {
		/* Once: an entry may be recycled for another flow while we look. */
		index = *(volatile __u32 *)&known->backend;
		if (sh_backend_lives(index, chosen.backend))
			return index;
	}
	bpf_map_update_elem(&flows, &flow, &chosen, BPF_ANY);
	return chosen.backend;
}

/* The backend's index in `backends`, or 0 where the service has none. */
static __always_inline __u32 sh_pick(const struct sh_packet *packet, __u32 service, __u64 hash)
{
	struct sh_service *record = bpf_map_lookup_elem(&services, &service);
	__u64 where;

	if (!record)
		return 0;
	where = *(volatile __u64 *)&record->where;
	if (!((struct sh_service){.where = where}).slots)
		return 0;
	if (record->flags & SH_SERVICE_RANDOM)
		return sh_pick_random(packet, service, where);
	return sh_pick_slot(where, hash >> 32);
}

#endif
