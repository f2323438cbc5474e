/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Is a frame addressed to this node? (<shunt/macs.h>)
 *
 * A switch floods what it has not learnt, and a bridge's port sees what goes to others behind it. Frames to
 * another's MAC, or to a group (RFC 1812, 5.3.4), are not ours to forward, whatever IP says: every director
 * on the link would.
 */
#ifndef SHUNT_US_H
#define SHUNT_US_H

#include "director_maps.h"
#include "macs.h"

static __always_inline int sh_mac_is_us(__u64 word)
{
	const struct sh_macs *place = sh_at(&macs, sh_mac_place(word));

	if (!place)
		return 0;
	for (int i = 0; i < SH_MACS_WAYS; i++)
		if (*(const volatile __u64 *)&place->mac[i] == word)
			return 1;
	return *(const volatile __u64 *)&place->mac[SH_MACS_WAYS - 1] == SH_MAC_ANY;
}

static __always_inline int sh_to_us(const struct ethhdr *eth)
{
	return sh_mac_is_us(sh_mac_destination(eth));
}

#endif
