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

bool rules6_leads(const struct rt_rule *rule, const struct addr *dst)
{
	bool asks_more = rule->src.length || rule->fwmark || rule->fwmask || rule->tos || rule->protocol ||
			 rule->iif[0] || rule->oif[0] || rule->ports;

	return rule->action == RT_RULE_TABLE && !asks_more &&
	       (!rule->dst.addr.family || prefix_covers(&rule->dst, dst));
}

void rules6_free(struct rules6 *rules)
{
	free(rules->all);
	*rules = (struct rules6){0};
}
