/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The IPv6 rules, in the order in which a look-up meets them (net/core/fib_rules.c
 * fib_rules_lookup).
 *
 * Only index6.c calls it: the kernel's answer to a question may name another table than the one in
 * which it found the route. The rules are read whole whenever the index is, and die with it.
 */
#include "rules6.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <netlink/msg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "decode.h"

static int add(const struct nlmsghdr *message, void *arg)
{
	struct rules6 *rules = arg;
	struct rt_rule rule;
	int err = decode_rule(message, &rule);

	if (err)
		return err == DECODE_SKIP ? 0 : err;
	if (rules->count == rules->size) {
		size_t size = rules->size ? rules->size * 2 : 8;
		struct rt_rule *all = reallocarray(rules->all, size, sizeof(*all));

		if (!all)
			return -ENOMEM;
		rules->all = all;
		rules->size = size;
	}
	rules->all[rules->count++] = rule;
	return 0;
}

int rules6_load(struct rules6 *rules, struct rtsock *sock)
{
	struct fib_rule_hdr header = {.family = AF_INET6};

	rules->count = 0;
	rtsock_begin(sock, RTM_GETRULE, NLM_F_DUMP, &header, sizeof(header));
	/* Once: what an interrupted dump told would be there twice. */
	return rtsock_dump(sock, 1, add, rules);
}

/* Does it select by something that the packet has not? */
static bool asks_more(const struct rt_rule *rule)
{
	return rule->src.length || (rule->fwmark & rule->fwmask) || rule->tos || rule->protocol ||
	       rule->ports || rule->dscp || rule->flow_label || rule->tunnel || rule->uid_first ||
	       rule->oif[0] || rule->unknown;
}

/* What this node makes itself comes in by lo (net/ipv6/route.c ip6_route_output_flags_noref). */
static bool comes_in_by(const struct rt_rule *rule, const struct rt_ingress *ingress)
{
	if (!ingress)
		return !strcmp(rule->iif, "lo");
	return !strcmp(rule->iif, ingress->name) || !strcmp(rule->iif, ingress->vrf);
}

static bool matches(const struct rt_rule *rule, const struct addr *dst, const struct rt_ingress *ingress)
{
	bool all = !asks_more(rule) && (!rule->dst.addr.family || prefix_covers(&rule->dst, dst)) &&
		   (!rule->iif[0] || comes_in_by(rule, ingress)) &&
		   (!rule->l3mdev || (ingress && ingress->vrf[0]));

	return all != rule->invert;
}

/* A goto leads on to the first rule of its priority, where there is one. */
static size_t target(const struct rules6 *rules, size_t at)
{
	size_t next = at + 1;

	while (next < rules->count && rules->all[next].priority < rules->all[at].target)
		next++;
	return next < rules->count && rules->all[next].priority == rules->all[at].target ? next : at + 1;
}

const struct rt_rule *rules6_next(const struct rules6 *rules, size_t *at, const struct addr *dst,
				  const struct rt_ingress *ingress)
{
	while (*at < rules->count) {
		size_t here = *at;
		const struct rt_rule *rule = &rules->all[here];
		bool match = matches(rule, dst, ingress);

		*at = match && rule->action == RT_RULE_GOTO ? target(rules, here) : here + 1;
		if (match && (rule->action == RT_RULE_TABLE || rule->action == RT_RULE_REJECT))
			return rule;
	}
	return NULL;
}

void rules6_free(struct rules6 *rules)
{
	free(rules->all);
	*rules = (struct rules6){0};
}
