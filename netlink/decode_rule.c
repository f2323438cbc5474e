/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * RTM_NEWRULE and RTM_DELRULE into struct rt_rule.
 *
 * Called for dumps (dump.c). Rules are never evaluated here: the kernel is asked.
 */
#include "decode.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <netlink/msg.h>
#include <sys/socket.h>

/* Selectors that Debian's headers do not know yet (6.12, 6.14). */
#define RULE_DSCP	25
#define RULE_FLOW_LABEL 26
#define RULE_DSCP_MASK	30
#define RULE_KNOWN	RULE_DSCP_MASK
#define RULE_MAX	63 /* attributes up to here are seen, known or not */

static const struct nla_policy rule_policy[RULE_MAX + 1] = {
	[FRA_IIFNAME] = {.type = NLA_STRING, .maxlen = IFNAMSIZ},
	[FRA_OIFNAME] = {.type = NLA_STRING, .maxlen = IFNAMSIZ},
	[FRA_PRIORITY] = {.type = NLA_U32},
	[FRA_TABLE] = {.type = NLA_U32},
	[FRA_GOTO] = {.type = NLA_U32},
	[FRA_FWMARK] = {.type = NLA_U32},
	[FRA_FWMASK] = {.type = NLA_U32},
	[FRA_SUPPRESS_PREFIXLEN] = {.type = NLA_U32},
	[FRA_L3MDEV] = {.type = NLA_U8},
	[FRA_UID_RANGE] = {.minlen = sizeof(struct fib_rule_uid_range)},
	[FRA_IP_PROTO] = {.type = NLA_U8},
};

static uint32_t number(const struct nlattr *attribute, uint32_t otherwise)
{
	return attribute ? nla_get_u32(attribute) : otherwise;
}

/* Unlike a route's, a rule's absent prefix is "any" and stays zeroed. */
static int rule_prefix(const struct nlattr *attribute, int af, uint8_t length, struct prefix *out)
{
	if (!attribute && !length)
		return 0;
	return decode_prefix(attribute, af, length, out);
}

static enum rt_rule_action rule_action(uint8_t action)
{
	switch (action) {
	case FR_ACT_TO_TBL:
		return RT_RULE_TABLE;
	case FR_ACT_GOTO:
		return RT_RULE_GOTO;
	case FR_ACT_NOP:
		return RT_RULE_NOP;
	default:
		return RT_RULE_REJECT;
	}
}

static void rule_plain(struct nlattr **table, const struct fib_rule_hdr *header, struct rt_rule *rule)
{
	rule->priority = number(table[FRA_PRIORITY], 0);
	rule->table = number(table[FRA_TABLE], header->table);
	rule->action = rule_action(header->action);
	rule->target = number(table[FRA_GOTO], 0);
	rule->invert = header->flags & FIB_RULE_INVERT;
	rule->fwmark = number(table[FRA_FWMARK], 0);
	rule->fwmask = number(table[FRA_FWMASK], 0);
	rule->tos = header->tos;
	if (table[FRA_IP_PROTO])
		rule->protocol = nla_get_u8(table[FRA_IP_PROTO]);
	if (table[FRA_IIFNAME])
		(void)nla_strlcpy(rule->iif, table[FRA_IIFNAME], sizeof(rule->iif));
	if (table[FRA_OIFNAME])
		(void)nla_strlcpy(rule->oif, table[FRA_OIFNAME], sizeof(rule->oif));
	rule->ports = table[FRA_SPORT_RANGE] || table[FRA_DPORT_RANGE];
}

static void rule_rare(struct nlattr **table, struct rt_rule *rule)
{
	rule->suppress_length = (int)number(table[FRA_SUPPRESS_PREFIXLEN], UINT32_MAX);
	rule->suppress_group = table[FRA_SUPPRESS_IFGROUP];
	rule->tunnel = table[FRA_TUN_ID];
	rule->l3mdev = table[FRA_L3MDEV] && nla_get_u8(table[FRA_L3MDEV]);
	rule->dscp = table[RULE_DSCP];
	rule->flow_label = table[RULE_FLOW_LABEL];
	if (table[FRA_UID_RANGE])
		rule->uid_first = ((struct fib_rule_uid_range *)nla_data(table[FRA_UID_RANGE]))->start;
	for (size_t i = RULE_KNOWN + 1; i <= RULE_MAX; i++)
		rule->unknown = rule->unknown || table[i];
}

int decode_rule(const struct nlmsghdr *message, struct rt_rule *out)
{
	struct nlattr *table[RULE_MAX + 1];
	const struct fib_rule_hdr *header = nlmsg_data(message);
	struct rt_rule rule = {0};
	int err;

	err = decode_attributes(message, sizeof(*header), table, RULE_MAX, rule_policy);
	if (err)
		return err;
	if (header->family != AF_INET && header->family != AF_INET6)
		return DECODE_SKIP;
	rule.family = header->family == AF_INET ? ADDR_IPV4 : ADDR_IPV6;
	rule_plain(table, header, &rule);
	rule_rare(table, &rule);
	err = rule_prefix(table[FRA_SRC], header->family, header->src_len, &rule.src);
	if (!err)
		err = rule_prefix(table[FRA_DST], header->family, header->dst_len, &rule.dst);
	if (err)
		return err;
	*out = rule;
	return 0;
}
