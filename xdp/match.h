/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which service is a packet for? {destination, port, protocol} in `vips4` or `vips6`; then port 0,
 * for services that take every port, and only where the controller says that there are such.
 */
#ifndef SHUNT_MATCH_H
#define SHUNT_MATCH_H

#include "director_maps.h"
#include "endpoint.h"

static __always_inline __u32 *sh_match_any_port(const struct sh_packet *packet, union sh_endpoint *vip)
{
	const __u32 zero = 0;
	struct sh_knobs *set = bpf_map_lookup_elem(&knobs, &zero);

	if (!set || !set->any_port)
		return NULL;
	if (packet->family == SH_FAMILY_IPV4) {
		vip->v4.port = 0;
		return bpf_map_lookup_elem(&vips4, &vip->v4);
	}
	vip->v6.port = 0;
	return bpf_map_lookup_elem(&vips6, &vip->v6);
}

/*
 * The index of the service in `services`, or NULL. *vip is left with the address that the packet
 * had: it outlives the rewriting of the header. Its port is the one that matched.
 */
static __always_inline __u32 *sh_match(const struct sh_packet *packet, union sh_endpoint *vip)
{
	__u32 *service;

	sh_endpoint_of(packet, vip);
	if (packet->family == SH_FAMILY_IPV4)
		service = bpf_map_lookup_elem(&vips4, &vip->v4);
	else
		service = bpf_map_lookup_elem(&vips6, &vip->v6);
	return service ? service : sh_match_any_port(packet, vip);
}

#endif
