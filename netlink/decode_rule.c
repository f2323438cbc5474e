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

static const struct nla_policy rule_policy[FRA_MAX + 1] = {
	[FRA_IIFNAME] = {.type = NLA_STRING, .maxlen = IFNAMSIZ},
	[FRA_OIFNAME] = {.type = NLA_STRING, .maxlen = IFNAMSIZ},
	[FRA_PRIORITY] = {.type = NLA_U32},
	[FRA_TABLE] = {.type = NLA_U32},
	[FRA_FWMARK] = {.type = NLA_U32},
	[FRA_FWMASK] = {.type = NLA_U32},
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

static void rule_plain(struct nlattr **table, const struct fib_rule_hdr *header, struct rt_rule *rule)
{
	rule->priority = number(table[FRA_PRIORITY], 0);
	rule->table = number(table[FRA_TABLE], header->table);
	rule->action = header->action;
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

int decode_rule(const struct nlmsghdr *message, struct rt_rule *out)
{
	struct nlattr *table[FRA_MAX + 1];
	const struct fib_rule_hdr *header = nlmsg_data(message);
	struct rt_rule rule = {0};
	int err;

	err = decode_attributes(message, sizeof(*header), table, FRA_MAX, rule_policy);
	if (err)
		return err;
	if (header->family != AF_INET && header->family != AF_INET6)
		return DECODE_SKIP;
	rule.family = header->family == AF_INET ? ADDR_IPV4 : ADDR_IPV6;
	rule_plain(table, header, &rule);
	err = rule_prefix(table[FRA_SRC], header->family, header->src_len, &rule.src);
	if (!err)
		err = rule_prefix(table[FRA_DST], header->family, header->dst_len, &rule.dst);
	if (err)
		return err;
	*out = rule;
	return 0;
}
