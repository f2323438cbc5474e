/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * RTM_NEWLINK and RTM_DELLINK into struct rt_link.
 *
 * Called for dumps (dump.c) and events (watch.c). A message of family AF_BRIDGE speaks of a
 * device's role as a bridge port, and one with IFLA_WIRELESS carries only that: neither says
 * what the link is, so both are skipped.
 */
#include "decode.h"

#include <errno.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if_arp.h>
#include <netlink/msg.h>
#include <string.h>
#include <sys/socket.h>

static const struct nla_policy link_policy[IFLA_MAX + 1] = {
	[IFLA_IFNAME] = {.type = NLA_STRING, .maxlen = IFNAMSIZ},
	[IFLA_MTU] = {.type = NLA_U32},
	[IFLA_LINK] = {.type = NLA_U32},
	[IFLA_MASTER] = {.type = NLA_U32},
};

static const struct nla_policy xdp_policy[IFLA_XDP_MAX + 1] = {
	[IFLA_XDP_ATTACHED] = {.type = NLA_U8},	    [IFLA_XDP_PROG_ID] = {.type = NLA_U32},
	[IFLA_XDP_DRV_PROG_ID] = {.type = NLA_U32}, [IFLA_XDP_SKB_PROG_ID] = {.type = NLA_U32},
	[IFLA_XDP_HW_PROG_ID] = {.type = NLA_U32},
};

static enum rt_xdp_mode xdp_mode(uint8_t attached)
{
	switch (attached) {
	case XDP_ATTACHED_DRV:
		return RT_XDP_NATIVE;
	case XDP_ATTACHED_SKB:
		return RT_XDP_GENERIC;
	case XDP_ATTACHED_HW:
		return RT_XDP_OFFLOAD;
	case XDP_ATTACHED_MULTI:
		return RT_XDP_MULTI;
	default:
		return RT_XDP_NONE;
	}
}

/* With programs in several modes at once there is no IFLA_XDP_PROG_ID: the one that runs first. */
static int link_xdp(const struct nlattr *attribute, struct rt_link *link)
{
	static const int ids[] = {IFLA_XDP_PROG_ID, IFLA_XDP_HW_PROG_ID, IFLA_XDP_DRV_PROG_ID,
				  IFLA_XDP_SKB_PROG_ID};
	struct nlattr *table[IFLA_XDP_MAX + 1];
	int err;

	err = decode_nested(attribute, table, IFLA_XDP_MAX, xdp_policy);
	if (err)
		return err;
	if (table[IFLA_XDP_ATTACHED])
		link->xdp_mode = xdp_mode(nla_get_u8(table[IFLA_XDP_ATTACHED]));
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]) && !link->xdp_program; i++) {
		if (table[ids[i]])
			link->xdp_program = nla_get_u32(table[ids[i]]);
	}
	return 0;
}

static void link_plain(struct nlattr **table, struct rt_link *link)
{
	if (table[IFLA_IFNAME])
		(void)nla_strlcpy(link->name, table[IFLA_IFNAME], sizeof(link->name));
	if (table[IFLA_ADDRESS] && nla_len(table[IFLA_ADDRESS]) == (int)sizeof(link->mac))
		memcpy(link->mac, nla_data(table[IFLA_ADDRESS]), sizeof(link->mac));
	if (table[IFLA_MTU])
		link->mtu = nla_get_u32(table[IFLA_MTU]);
	if (table[IFLA_LINK])
		link->lower = (int)nla_get_u32(table[IFLA_LINK]);
	if (table[IFLA_MASTER])
		link->master = (int)nla_get_u32(table[IFLA_MASTER]);
	link->lower_elsewhere = link->lower && table[IFLA_LINK_NETNSID];
}

int decode_link(const struct nlmsghdr *message, struct rt_link *out)
{
	struct nlattr *table[IFLA_MAX + 1];
	const struct ifinfomsg *header = nlmsg_data(message);
	struct rt_link link = {0};
	int err;

	err = decode_attributes(message, sizeof(*header), table, IFLA_MAX, link_policy);
	if (err)
		return err;
	if (header->ifi_family != AF_UNSPEC || table[IFLA_WIRELESS])
		return DECODE_SKIP;
	if (header->ifi_index <= 0)
		return -EINVAL;
	link.ifindex = header->ifi_index;
	link.up = (header->ifi_flags & IFF_UP) != 0;
	link.carrier = (header->ifi_flags & IFF_LOWER_UP) != 0;
	link.loopback = (header->ifi_flags & IFF_LOOPBACK) != 0;
	link.bare = header->ifi_type != ARPHRD_ETHER && header->ifi_type != ARPHRD_LOOPBACK;
	link_plain(table, &link);
	if (table[IFLA_LINKINFO])
		err = decode_link_info(table[IFLA_LINKINFO], &link);
	if (!err && table[IFLA_XDP])
		err = link_xdp(table[IFLA_XDP], &link);
	if (err)
		return err;
	*out = link;
	return 0;
}
