/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * IFLA_LINKINFO: what kind of device a link is, for those that are made of others what decides by
 * which of them a frame leaves, and a VRF's table.
 *
 * Called by decode_link.c alone. Kernel side: the fill_info of net/8021q/vlan_netlink.c,
 * net/bridge/br_netlink.c, drivers/net/bonding/bond_netlink.c, drivers/net/macvlan.c and drivers/net/vrf.c.
 */
#include "decode.h"

#include <arpa/inet.h>
#include <linux/if_link.h>
#include <string.h>

static const struct nla_policy info_policy[IFLA_INFO_MAX + 1] = {
	[IFLA_INFO_KIND] = {.type = NLA_STRING},
};

static int vlan(const struct nlattr *data, struct rt_link *link)
{
	static const struct nla_policy policy[IFLA_VLAN_MAX + 1] = {
		[IFLA_VLAN_ID] = {.type = NLA_U16},
		[IFLA_VLAN_PROTOCOL] = {.type = NLA_U16},
	};
	struct nlattr *table[IFLA_VLAN_MAX + 1];
	int err = decode_nested(data, table, IFLA_VLAN_MAX, policy);

	if (err)
		return err;
	if (table[IFLA_VLAN_ID])
		link->vlan_id = nla_get_u16(table[IFLA_VLAN_ID]);
	if (table[IFLA_VLAN_PROTOCOL])
		link->vlan_protocol = ntohs(nla_get_u16(table[IFLA_VLAN_PROTOCOL]));
	return 0;
}

static int bridge(const struct nlattr *data, struct rt_link *link)
{
	static const struct nla_policy policy[IFLA_BR_MAX + 1] = {
		[IFLA_BR_VLAN_FILTERING] = {.type = NLA_U8},
	};
	struct nlattr *table[IFLA_BR_MAX + 1];
	int err = decode_nested(data, table, IFLA_BR_MAX, policy);

	if (err)
		return err;
	if (table[IFLA_BR_VLAN_FILTERING])
		link->vlan_filtering = nla_get_u8(table[IFLA_BR_VLAN_FILTERING]) != 0;
	return 0;
}

static int bond(const struct nlattr *data, struct rt_link *link)
{
	static const struct nla_policy policy[IFLA_BOND_MAX + 1] = {
		[IFLA_BOND_MODE] = {.type = NLA_U8},
		[IFLA_BOND_ACTIVE_SLAVE] = {.type = NLA_U32},
	};
	struct nlattr *table[IFLA_BOND_MAX + 1];
	int err = decode_nested(data, table, IFLA_BOND_MAX, policy);

	if (err)
		return err;
	if (table[IFLA_BOND_MODE])
		link->bond_mode = nla_get_u8(table[IFLA_BOND_MODE]);
	if (table[IFLA_BOND_ACTIVE_SLAVE])
		link->bond_active = (int)nla_get_u32(table[IFLA_BOND_ACTIVE_SLAVE]);
	return 0;
}

static int macvlan(const struct nlattr *data, struct rt_link *link)
{
	static const struct nla_policy policy[IFLA_MACVLAN_MAX + 1] = {
		[IFLA_MACVLAN_MODE] = {.type = NLA_U32},
	};
	struct nlattr *table[IFLA_MACVLAN_MAX + 1];
	int err = decode_nested(data, table, IFLA_MACVLAN_MAX, policy);

	if (err)
		return err;
	if (table[IFLA_MACVLAN_MODE])
		link->macvlan_bridge = nla_get_u32(table[IFLA_MACVLAN_MODE]) == MACVLAN_MODE_BRIDGE;
	return 0;
}

static int vrf(const struct nlattr *data, struct rt_link *link)
{
	static const struct nla_policy policy[IFLA_VRF_MAX + 1] = {
		[IFLA_VRF_TABLE] = {.type = NLA_U32},
	};
	struct nlattr *table[IFLA_VRF_MAX + 1];
	int err = decode_nested(data, table, IFLA_VRF_MAX, policy);

	if (err)
		return err;
	if (table[IFLA_VRF_TABLE])
		link->vrf_table = nla_get_u32(table[IFLA_VRF_TABLE]);
	return 0;
}

static const struct {
	const char *kind;
	int (*decode)(const struct nlattr *data, struct rt_link *link);
} kinds[] = {
	{"vlan", vlan}, {"bridge", bridge}, {"bond", bond}, {"macvlan", macvlan}, {"vrf", vrf},
};

int decode_link_info(const struct nlattr *attribute, struct rt_link *link)
{
	struct nlattr *table[IFLA_INFO_MAX + 1];
	int err = decode_nested(attribute, table, IFLA_INFO_MAX, info_policy);

	if (err || !table[IFLA_INFO_KIND])
		return err;
	/* A longer kind is cut: it is only shown and compared with short ones. */
	(void)nla_strlcpy(link->kind, table[IFLA_INFO_KIND], sizeof(link->kind));
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]) && table[IFLA_INFO_DATA]; i++) {
		if (strcmp(link->kind, kinds[i].kind) == 0)
			return kinds[i].decode(table[IFLA_INFO_DATA], link);
	}
	return 0;
}
