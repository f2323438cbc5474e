/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which service is a packet for?
 *
 *	a guess			its service, where that is the packet's (<shunt/guess.h>): no hash, no key
 *	vips4, vips6		{destination, port, protocol}
 *	the same with port 0	services that take every port, where the controller says that there are such
 */
#ifndef SHUNT_MATCH_H
#define SHUNT_MATCH_H

#include <shunt/guess.h>

#include "director_maps.h"
#include "endpoint.h"

struct sh_match {
	int is_ours;
	__u32 index;		    /* in `services` */
	struct sh_service *service; /* its record; NULL where the index leads nowhere */
};

static __always_inline __u32 sh_tail_family(__u32 family)
{
	return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? family << 24 : family;
}

/* Is the packet to the address `named` and to {port, protocol, family}, in one word as sh_endpoint_tail makes
 * it? */
static __always_inline int sh_vip_is(const struct sh_ip *named, const void *tail,
				     const struct sh_packet *packet, const union sh_endpoint *vip)
{
	const volatile __u64 *words = (const volatile __u64 *)named;

	if (*(const volatile __u32 *)tail != (sh_endpoint_tail(packet) | sh_tail_family(packet->family)))
		return 0;
	if (packet->family == SH_FAMILY_IPV4)
		return *(const volatile __be32 *)named == vip->v4.addr;
	return words[0] == vip->pair[0] && words[1] == vip->pair[1];
}

static __always_inline int sh_service_is(const struct sh_service *service, const struct sh_packet *packet,
					 const union sh_endpoint *vip)
{
	return sh_vip_is(&service->vip, &service->vip_port, packet, vip);
}

static __always_inline __u32 sh_guess_place(const struct sh_packet *packet, const union sh_endpoint *vip)
{
	if (packet->family == SH_FAMILY_IPV4)
		return sh_guess4(vip->pair[0], load.guesses);
	return sh_guess6(vip->pair[0], vip->pair[1], vip->word[4], load.guesses);
}

static __always_inline struct sh_guess *sh_guess_at(const struct sh_packet *packet,
						    const union sh_endpoint *vip)
{
	__u32 place = sh_guess_place(packet, vip);

	return sh_at(&guesses, place);
}

static __always_inline struct sh_match sh_match_guessed(const struct sh_packet *packet,
							const union sh_endpoint *vip)
{
	struct sh_guess *guess = sh_guess_at(packet, vip);
	struct sh_match found = {};

	if (!guess)
		return found;
	found.index = *(volatile __u32 *)&guess->service;
	found.service = sh_at(&services, found.index);
	found.is_ours = found.service && sh_service_is(found.service, packet, vip);
	return found;
}

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
 * *vip is left with the address that the packet had: it outlives the rewriting of the header. Its port
 * is the one that matched.
 */
static __always_inline struct sh_match sh_match(const struct sh_packet *packet, union sh_endpoint *vip)
{
	struct sh_match found;
	__u32 *index;

	sh_endpoint_of(packet, vip);
	found = sh_match_guessed(packet, vip);
	if (found.is_ours)
		return found;
	if (packet->family == SH_FAMILY_IPV4)
		index = bpf_map_lookup_elem(&vips4, &vip->v4);
	else
		index = bpf_map_lookup_elem(&vips6, &vip->v6);
	if (!index)
		index = sh_match_any_port(packet, vip);
	if (!index)
		return found;
	found.is_ours = 1;
	found.index = *index;
	found.service = sh_at(&services, found.index);
	return found;
}

#endif
