/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which rules tell the packets to a backend apart. See rules.h.
 *
 * Called by policy.c for a backend that is asked about while the node has rules beside the usual three.
 * Nothing outlives a call.
 */
#include <linux/rtnetlink.h>
#include <string.h>

#include "rules.h"

/* Does a rule match the packets to a backend? */
enum match { MATCH_NONE, MATCH_ALL, MATCH_SOME };

const char *rules_by_name(enum rules_by by)
{
	static const char *const names[] = {
		[RULES_BY_NOTHING] = "nothing",
		[RULES_BY_SOURCE] = "source address",
		[RULES_BY_MARK] = "mark",
		[RULES_BY_TOS] = "TOS",
		[RULES_BY_PROTOCOL] = "protocol",
		[RULES_BY_PORT] = "port",
		[RULES_BY_FLOW_LABEL] = "flow label",
		[RULES_BY_UNKNOWN] = "a selector unknown to shunt",
		[RULES_BY_INGRESS] = "ingress interface",
	};

	return names[by];
}

static enum rules_by selects_by(const struct rt_rule *rule)
{
	if (rule->src.length)
		return RULES_BY_SOURCE;
	if (rule->fwmark || rule->fwmask)
		return RULES_BY_MARK;
	if (rule->tos || rule->dscp)
		return RULES_BY_TOS;
	if (rule->protocol)
		return RULES_BY_PROTOCOL;
	if (rule->ports)
		return RULES_BY_PORT;
	if (rule->flow_label)
		return RULES_BY_FLOW_LABEL;
	return rule->unknown ? RULES_BY_UNKNOWN : RULES_BY_NOTHING;
}

bool rules_trivial(const struct rt_rule *rules, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct rt_rule *rule = &rules[i];

		if (rule->iif[0] || rule->oif[0] || rule->l3mdev || selects_by(rule))
			return false;
	}
	return true;
}

/* Is every packet, whatever its destination, looked up in the same tables in the same order? */
static bool is_plain(const struct rt_rule *rules, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct rt_rule *rule = &rules[i];

		if (rule->action != RT_RULE_TABLE || rule->dst.length || rule->invert || rule->tunnel ||
		    rule->uid_first || rule->suppress_length >= 0 || rule->suppress_group)
			return false;
	}
	return rules_trivial(rules, count);
}

uint32_t rules_first(const struct rt_rule *rules, size_t count)
{
	if (!is_plain(rules, count))
		return 0;
	for (size_t i = 0; i < count; i++) {
		if (rules[i].table != RT_TABLE_LOCAL)
			return rules[i].table;
	}
	return 0;
}

static bool concerns(const struct rt_rule *rule, const struct addr *dst)
{
	return !rule->dst.length || rule->invert || prefix_covers(&rule->dst, dst);
}

const struct rt_rule *rules_by_ingress(const struct rt_rule *rules, size_t count, const struct addr *dst)
{
	for (size_t i = 0; i < count; i++) {
		if ((rules[i].iif[0] || rules[i].l3mdev) && concerns(&rules[i], dst))
			return &rules[i];
	}
	return NULL;
}

/* Does a selector keep out all packets to `dst` from `ingress`? */
static bool keeps_out(const struct rt_rule *rule, const struct addr *dst, const struct rules_ingress *ingress)
{
	if (rule->dst.length && !prefix_covers(&rule->dst, dst))
		return true;
	if (rule->iif[0] && strcmp(rule->iif, ingress->name) != 0 && strcmp(rule->iif, ingress->vrf) != 0)
		return true;
	if (rule->l3mdev && !ingress->vrf[0])
		return true;
	return rule->oif[0] || rule->tunnel || rule->uid_first > 0;
}

static enum match match(const struct rt_rule *rule, const struct addr *dst,
			const struct rules_ingress *ingress)
{
	if (keeps_out(rule, dst, ingress))
		return rule->invert ? MATCH_ALL : MATCH_NONE;
	if (selects_by(rule))
		return MATCH_SOME;
	return rule->invert ? MATCH_NONE : MATCH_ALL;
}

/* Did the answer come from this rule, so that no later one is looked at? */
static bool answered(const struct rt_rule *rule, const struct rt_route *answer)
{
	if (rule->action == RT_RULE_REJECT)
		return true;
	if (rule->action != RT_RULE_TABLE || rule->l3mdev || rule->suppress_group)
		return false;
	if (answer->type != RT_ROUTE_UNICAST && answer->type != RT_ROUTE_LOCAL)
		return false;
	return answer->table == rule->table && answer->dst.length > rule->suppress_length;
}

/* Where to go on after a rule that matched: a goto leads on to the first rule of its priority. */
static size_t after(const struct rt_rule *rules, size_t count, size_t at)
{
	size_t next = at + 1;

	if (rules[at].action != RT_RULE_GOTO)
		return next;
	while (next < count && rules[next].priority < rules[at].target)
		next++;
	return next < count && rules[next].priority == rules[at].target ? next : at + 1;
}

struct rules_cause rules_vary(const struct rt_rule *rules, size_t count, const struct addr *dst,
			      const struct rules_ingress *ingress, const struct rt_route *answer)
{
	for (size_t i = 0; i < count;) {
		switch (match(&rules[i], dst, ingress)) {
		case MATCH_SOME:
			return (struct rules_cause){selects_by(&rules[i]), rules[i].priority};
		case MATCH_ALL:
			if (answered(&rules[i], answer))
				return (struct rules_cause){RULES_BY_NOTHING, 0};
			i = after(rules, count, i);
			break;
		default:
			i++;
			break;
		}
	}
	return (struct rules_cause){RULES_BY_NOTHING, 0};
}
