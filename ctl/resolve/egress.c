/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * From the route's link down to the device that transmits. See egress.h.
 *
 * Kernel side, who takes redirected frames (ndo_xdp_xmit): drivers/net/veth.c veth_xdp_xmit,
 * drivers/net/bonding/bond_main.c bond_xdp_get_xmit_slave (round robin, active backup, xor and 802.3ad
 * alone), drivers/net/tun.c tun_xdp_xmit. Of a physical device it is taken for granted.
 */
#include "egress.h"

#include <stdio.h>
#include <string.h>

#include <shunt/abi.h>

#define DEPTH_MAX 6 /* links one upon the other; more are a loop, or nobody's network */

static bool is_kind(const struct rt_link *link, const char *kind)
{
	return strcmp(link->kind, kind) == 0;
}

/* ---- who takes redirected frames ------------------------------------------------------------ */

static bool is_native(const struct natives *natives, int ifindex)
{
	for (size_t i = 0; natives && i < natives->count; i++) {
		if (natives->ifindexes[i] == ifindex)
			return true;
	}
	return false;
}

static bool peer_is_native(const struct rt_state *state, const struct rt_link *link)
{
	const struct rt_link *peer;

	if (!link->lower || link->lower_elsewhere)
		return false;
	peer = rt_state_link(state, link->lower);
	return peer && peer->xdp_mode == RT_XDP_NATIVE;
}

struct slaves {
	const struct rt_state *state;
	const struct natives *natives;
	int bond;
	bool take;
};

static bool takes_alone(const struct rt_state *state, const struct natives *natives,
			const struct rt_link *link)
{
	if (is_kind(link, "veth"))
		return is_native(natives, link->ifindex) || peer_is_native(state, link);
	return is_kind(link, "") || is_kind(link, "tun");
}

static void look_at_slave(const struct rt_link *link, void *arg)
{
	struct slaves *slaves = arg;

	if (link->master == slaves->bond && !is_native(slaves->natives, slaves->bond))
		slaves->take &= takes_alone(slaves->state, slaves->natives, link);
}

static bool takes_redirected(const struct rt_state *state, const struct natives *natives,
			     const struct rt_link *link)
{
	struct slaves slaves = {state, natives, link->ifindex, true};

	if (!is_kind(link, "bond"))
		return takes_alone(state, natives, link);
	if (link->bond_mode == RT_BOND_BROADCAST)
		return false;
	rt_state_each_link(state, look_at_slave, &slaves);
	return slaves.take;
}

/* Can a frame come in natively by another link than this? */
static bool others_are_native(const struct natives *natives, int ifindex)
{
	return natives && natives->count > (is_native(natives, ifindex) ? 1U : 0U);
}

/* ---- one step down -------------------------------------------------------------------------- */

/* These return the ifindex of the next link, or 0 with a fault. */

static int below_vlan(const struct rt_link *link, struct egress *out)
{
	if (out->flags & SH_NEXTHOP_TAGGED)
		out->fault = EGRESS_NESTED;
	else if (!link->lower || link->lower_elsewhere)
		out->fault = EGRESS_ELSEWHERE;
	if (out->fault)
		return 0;
	out->flags |= SH_NEXTHOP_TAGGED | (link->vlan_id & SH_NEXTHOP_VLAN_ID);
	if (link->vlan_protocol == 0x88a8)
		out->flags |= SH_NEXTHOP_8021AD;
	return link->lower;
}

static int below_macvlan(const struct rt_link *link, struct egress *out)
{
	if (link->macvlan_bridge)
		out->fault = EGRESS_MACVLAN;
	else if (!link->lower || link->lower_elsewhere)
		out->fault = EGRESS_ELSEWHERE;
	return out->fault ? 0 : link->lower;
}

static int below_bridge(const struct rt_state *state, const struct rt_link *link, const uint8_t *mac,
			struct egress *out)
{
	int port = mac ? rt_state_port(state, link->ifindex, mac) : 0;

	if (link->vlan_filtering)
		out->fault = EGRESS_FILTERS;
	else if (!port)
		out->fault = EGRESS_UNLEARNT;
	return out->fault ? 0 : port;
}

static int below_bond(const struct rt_link *link, struct egress *out)
{
	if (link->bond_mode != RT_BOND_TLB && link->bond_mode != RT_BOND_ALB)
		return link->ifindex;
	if (!link->bond_active)
		out->fault = EGRESS_NO_SLAVE;
	return link->bond_active;
}

static int below(const struct rt_state *state, const struct rt_link *link, const uint8_t *mac,
		 struct egress *out)
{
	if (is_kind(link, "vlan"))
		return below_vlan(link, out);
	if (is_kind(link, "macvlan"))
		return below_macvlan(link, out);
	if (is_kind(link, "bridge"))
		return below_bridge(state, link, mac, out);
	return is_kind(link, "bond") ? below_bond(link, out) : link->ifindex;
}

/* ---- interface ------------------------------------------------------------------------------ */

/* The link at the bottom; NULL with out->fault and out->at set. */
static const struct rt_link *descend(const struct rt_state *state, const struct rt_link *link,
				     const uint8_t *mac, struct egress *out)
{
	for (int i = 0; i < DEPTH_MAX && link; i++) {
		int next;

		out->at = link->ifindex;
		if (!out->mtu || link->mtu < out->mtu)
			out->mtu = link->mtu;
		next = below(state, link, mac, out);
		if (out->fault)
			return NULL;
		if (next == link->ifindex)
			return link;
		link = rt_state_link(state, next);
	}
	out->fault = EGRESS_ELSEWHERE;
	return NULL;
}

void egress_find(const struct rt_state *state, const struct natives *natives, int ifindex, const uint8_t *mac,
		 struct egress *out)
{
	const struct rt_link *link = rt_state_link(state, ifindex);
	const struct rt_link *bottom;

	*out = (struct egress){.ifindex = ifindex, .at = ifindex};
	if (!link) {
		out->fault = EGRESS_DOWN;
		return;
	}
	bottom = descend(state, link, mac, out);
	if (!bottom)
		return;
	out->ifindex = bottom->ifindex;
	if (!bottom->up || !bottom->carrier)
		out->fault = EGRESS_DOWN;
	if (others_are_native(natives, bottom->ifindex) && !takes_redirected(state, natives, bottom))
		out->flags |= SH_NEXTHOP_HERE;
}

/* Is `link` a bridge or bond that `changed` is in, or itself? */
static bool contains(const struct rt_state *state, int link, int changed)
{
	for (int i = 0; i < DEPTH_MAX && changed; i++) {
		const struct rt_link *inner = rt_state_link(state, changed);

		if (changed == link)
			return true;
		changed = inner ? inner->master : 0;
	}
	return false;
}

bool egress_concerns(const struct rt_state *state, int ifindex, int changed)
{
	for (int i = 0; i < DEPTH_MAX && ifindex; i++) {
		const struct rt_link *link = rt_state_link(state, ifindex);

		if (contains(state, ifindex, changed))
			return true;
		ifindex = link && !link->lower_elsewhere ? link->lower : 0;
	}
	return false;
}

void egress_words(const struct rt_state *state, const struct egress *egress, char *text, size_t size)
{
	static const struct {
		const char *kind, *what;
	} words[] = {
		[EGRESS_UNLEARNT] = {"bridge", "has not learnt the MAC of the next hop"},
		[EGRESS_DOWN] = {"link", "is down or has no carrier"},
		[EGRESS_NO_SLAVE] = {"bond", "has no active slave"},
		[EGRESS_NESTED] = {"VLAN", "stands for a tag within a tag"},
		[EGRESS_FILTERS] = {"bridge", "filters by VLAN"},
		[EGRESS_MACVLAN] = {"macvlan", "is in mode bridge, its neighbours may be on this host"},
		[EGRESS_ELSEWHERE] = {"what is below link", "cannot be seen from here"},
	};
	const struct rt_link *at = rt_state_link(state, egress->at);
	const char *name = at ? at->name : "?";

	text[0] = '\0';
	if (egress->fault)
		snprintf(text, size, "%s %s %s", words[egress->fault].kind, name, words[egress->fault].what);
	else if (egress->flags & SH_NEXTHOP_HERE)
		snprintf(text, size, "link %s cannot be seen to take what native XDP redirects to it", name);
}
