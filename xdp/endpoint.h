/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a packet is addressed to, {destination, port, protocol}, as the key of a look-up: of vips4
 * and vips6 on a director, of restore4 and restore6 on a backend.
 */
#ifndef SHUNT_ENDPOINT_H
#define SHUNT_ENDPOINT_H

#include "parse.h"

union sh_endpoint {
	struct sh_endpoint4 v4;
	struct sh_endpoint6 v6;
};

static __always_inline void sh_endpoint_of(const struct sh_packet *packet, union sh_endpoint *out)
{
	if (packet->family == SH_FAMILY_IPV4) {
		out->v4 = (struct sh_endpoint4){packet->v4->daddr, packet->vip_port, packet->protocol, 0};
		return;
	}
	__builtin_memcpy(out->v6.addr, &packet->v6->daddr, sizeof(out->v6.addr));
	out->v6.port = packet->vip_port;
	out->v6.protocol = packet->protocol;
	out->v6.zero = 0;
}

#endif
