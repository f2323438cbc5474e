/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * RTM_NEWNEXTHOP into struct nexthop: one leg, or a group with the ids of its members.
 *
 * Called by nexthop.c, where a route names a nexthop object. The kernel lets no
 * group be a member of a group (net/ipv4/nexthop.c valid_group_nh).
 */
#include "decode.h"

#include <errno.h>
#include <linux/lwtunnel.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>
#include <string.h>
#include <sys/socket.h>

static const struct nla_policy nexthop_policy[NHA_MAX + 1] = {
	[NHA_ID] = {.type = NLA_U32},
	[NHA_OIF] = {.type = NLA_U32},
	[NHA_ENCAP_TYPE] = {.type = NLA_U16},
};

/*
 * struct nexthop_grp: its fifth byte became weight_high in 6.13, and was zero before. The name
 * differs between header versions, so the layout stands here.
 */
struct group_member {
	uint32_t id;
	uint8_t weight_low;
	uint8_t weight_high;
	uint16_t zero;
};
_Static_assert(sizeof(struct group_member) == sizeof(struct nexthop_grp), "struct nexthop_grp changed");

static int members(const struct nlattr *attribute, struct nexthop *nexthop)
{
	size_t size = (size_t)nla_len(attribute), count = size / sizeof(struct group_member);
	const char *at = nla_data(attribute);

	if (!count || size % sizeof(struct group_member))
		return -EINVAL;
	if (count > NEXTHOP_MEMBERS_MAX) {
		count = NEXTHOP_MEMBERS_MAX;
		nexthop->members_cut = true;
	}
	for (size_t i = 0; i < count; i++) {
		struct group_member member;

		memcpy(&member, at + i * sizeof(member), sizeof(member));
		nexthop->members[i].id = member.id;
		nexthop->members[i].weight = (member.weight_low | (uint32_t)member.weight_high << 8) + 1;
	}
	nexthop->members_count = count;
	return 0;
}

int decode_nexthop(const struct nlmsghdr *message, struct nexthop *out)
{
	struct nlattr *table[NHA_MAX + 1];
	const struct nhmsg *header = nlmsg_data(message);
	struct nexthop nexthop = {.leg = {.weight = 1}};
	int err;

	err = decode_attributes(message, sizeof(*header), table, NHA_MAX, nexthop_policy);
	if (err)
		return err;
	if (!table[NHA_ID])
		return -EINVAL;
	nexthop.id = nla_get_u32(table[NHA_ID]);
	nexthop.blackhole = table[NHA_BLACKHOLE] != NULL;
	nexthop.tunnel = table[NHA_ENCAP_TYPE] && nla_get_u16(table[NHA_ENCAP_TYPE]) != LWTUNNEL_ENCAP_NONE;
	nexthop.leg.dead = decode_dead(header->nh_flags);
	if (table[NHA_OIF])
		nexthop.leg.ifindex = (int)nla_get_u32(table[NHA_OIF]);
	if (table[NHA_GATEWAY])
		err = decode_address(table[NHA_GATEWAY], header->nh_family, &nexthop.leg.gateway);
	if (!err && table[NHA_GROUP])
		err = members(table[NHA_GROUP], &nexthop);
	if (err)
		return err;
	*out = nexthop;
	return 0;
}
