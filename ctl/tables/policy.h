/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the kernel answers for all packets to a backend, its rules followed.
 *
 * Without rules that could tell packets apart, one question (for an IPv4 default route a second). Where a
 * rule goes by the ingress interface, one for each interface that packets are directed from: they may agree.
 * Where they do not, and where a rule on the way goes by something else, the packets are to be asked about
 * one by one, by bpf_fib_lookup; the answer then holds the next hops that are known of, to be kept resolved.
 */
#ifndef SHUNT_POLICY_H
#define SHUNT_POLICY_H

#include <stdbool.h>
#include <stddef.h>

#include <shunt/rt.h>

#include "rules.h"

struct interface_row;

struct policy_rules {
	struct rt_rule *all; /* owned, in the kernel's order */
	size_t count, size;
	bool trivial;
	uint32_t first; /* rules_first */
};

struct policy {
	struct policy_rules v4, v6;
	bool host6; /* IPv6 is not forwarded: then routes are chosen by neighbours' states, too */
	struct rt_ingress *ingress; /* owned */
	size_t ingress_count;
};

/* Zeroed: no rules, and no interfaces. */
void policy_free(struct policy *policy);

/* Reads the rules, and whether IPv6 is forwarded: at start, and when either changed. 0, or -errno with the
 * former kept. */
int policy_load(struct policy *policy, struct rt_query *query);

/* The interfaces with a director's program. 0 or -ENOMEM; *changed where what is answered may be another for
 * it. */
int policy_meet(struct policy *policy, const struct interface_row *rows, size_t count,
		const struct rt_state *state, bool *changed);

/* The table in which packets of that family are looked up first, or 0 (rules_first). */
uint32_t policy_first(const struct policy *policy, uint8_t family);

/* Asks for `dst`. cause->by is RULES_BY_NOTHING where *out is the answer for all packets; else *out
 * has the next hops of all answers known, or is the first answer where that leads nowhere. 0 or
 * -errno as rt_query_fib. */
int policy_ask(const struct policy *policy, struct rt_query *query, const struct addr *dst,
	       struct rt_route *out, struct rules_cause *cause);

#endif
