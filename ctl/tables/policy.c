/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Asking the kernel as its rules require. See policy.h.
 *
 * An IPv4 question about a packet that comes in needs a source that the kernel would accept there
 * (net/ipv4/fib_frontend.c fib_validate_source): somebody on the interface's own network passes every
 * rp_filter. Rules by source are told apart before (rules.h), so who it is does not matter.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "interfaces.h"
#include "policy.h"

void policy_free(struct policy *policy)
{
	free(policy->v4.all);
	free(policy->v6.all);
	free(policy->ingress);
	*policy = (struct policy){0};
}

/* ---- rules ---------------------------------------------------------------------------------- */

static int add_rule(const struct rt_rule *rule, void *arg)
{
	struct policy_rules *rules = arg;

	if (rules->count == rules->size) {
		size_t size = rules->size ? 2 * rules->size : 8;
		struct rt_rule *all = reallocarray(rules->all, size, sizeof(*all));

		if (!all)
			return -ENOMEM;
		rules->all = all;
		rules->size = size;
	}
	rules->all[rules->count++] = *rule;
	return 0;
}

static int load_family(struct policy_rules *rules, struct rt_query *query, int family)
{
	struct policy_rules fresh = {0};
	int err = rt_dump_rules(query, family, add_rule, &fresh);

	if (err) {
		free(fresh.all);
		return err;
	}
	free(rules->all);
	*rules = fresh;
	rules->trivial = rules_trivial(rules->all, rules->count);
	rules->first = rules_first(rules->all, rules->count);
	return 0;
}

int policy_load(struct policy *policy, struct rt_query *query)
{
	bool forwards = true;
	int err = load_family(&policy->v4, query, ADDR_IPV4);

	if (!err)
		err = load_family(&policy->v6, query, ADDR_IPV6);
	if (err)
		return err;
	/* Where that cannot be told there is no IPv6. */
	(void)rt_query_forwarding6(query, &forwards);
	policy->host6 = !forwards;
	return 0;
}

/* ---- interfaces ----------------------------------------------------------------------------- */

struct search {
	int ifindex;
	struct rt_addr found; /* family 0: none */
};

static void find_address(const struct rt_addr *addr, void *arg)
{
	struct search *search = arg;

	if (addr->ifindex == search->ifindex && addr->addr.family == ADDR_IPV4 && addr->length < 32 &&
	    !search->found.addr.family)
		search->found = *addr;
}

/* Somebody beside that address on its network, neither this node nor the network's first or last address. */
static struct addr somebody(const struct rt_addr *own, const struct rt_state *state)
{
	uint32_t hosts = own->length ? (1U << (32 - own->length)) - 1 : UINT32_MAX, word;
	struct addr other = own->addr;

	for (uint32_t bits = 1; bits < 8 && bits <= hosts; bits++) {
		memcpy(&word, own->addr.bytes, sizeof(word));
		word ^= htonl(bits);
		memcpy(other.bytes, &word, sizeof(word));
		word = ntohl(word) & hosts;
		if ((hosts == 1 || (word != 0 && word != hosts)) && !rt_state_addr(state, &other))
			return other;
	}
	return (struct addr){0};
}

static void meet(struct rt_ingress *ingress, const struct interface_row *row, const struct rt_state *state)
{
	const struct rt_link *link = rt_state_link(state, row->ifindex);
	const struct rt_link *master = link && link->master ? rt_state_link(state, link->master) : NULL;
	struct search search = {.ifindex = row->ifindex};

	memset(ingress, 0, sizeof(*ingress));
	ingress->ifindex = row->ifindex;
	memcpy(ingress->name, row->name, sizeof(ingress->name));
	if (master && !strcmp(master->kind, "vrf")) {
		memcpy(ingress->vrf, master->name, sizeof(ingress->vrf));
		ingress->vrf_table = master->vrf_table;
	}
	rt_state_each_addr(state, find_address, &search);
	if (search.found.addr.family)
		ingress->source = somebody(&search.found, state);
}

/* The first by which the kernel can be asked about an IPv4 packet. */
static const struct rt_ingress *someone(const struct rt_ingress *ingress, size_t count)
{
	for (size_t i = 0; ingress && i < count; i++) {
		if (ingress[i].source.family)
			return &ingress[i];
	}
	return NULL;
}

int policy_meet(struct policy *policy, const struct interface_row *rows, size_t count,
		const struct rt_state *state, bool *changed)
{
	struct rt_ingress *all = calloc(count + 1, sizeof(*all));
	size_t met = 0;

	if (!all)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		if (rows[i].program != INTERFACE_BACKEND && rows[i].state == INTERFACE_ATTACHED)
			meet(&all[met++], &rows[i], state);
	}
	if (policy->v4.trivial && policy->v6.trivial)
		*changed = !someone(all, met) != !someone(policy->ingress, policy->ingress_count);
	else
		*changed = met != policy->ingress_count ||
			   memcmp(all, policy->ingress, met * sizeof(*all)) != 0;
	free(policy->ingress);
	policy->ingress = all;
	policy->ingress_count = met;
	return 0;
}

/* ---- asking --------------------------------------------------------------------------------- */

static bool same_legs(const struct rt_route *a, const struct rt_route *b)
{
	if (a->type != b->type || a->tunnel != b->tunnel || a->mtu != b->mtu ||
	    a->legs_count != b->legs_count)
		return false;
	for (size_t i = 0; i < a->legs_count; i++) {
		const struct rt_leg *x = &a->legs[i], *y = &b->legs[i];

		if (x->ifindex != y->ifindex || x->weight != y->weight || x->dead != y->dead ||
		    !addr_equal(&x->gateway, &y->gateway))
			return false;
	}
	return true;
}

/* The first end of two lifetimes; 0 is none. */
static int64_t sooner(int64_t a, int64_t b)
{
	return !a || (b && b < a) ? b : a;
}

/* The legs of a second answer beside those of the first. A first that leads nowhere gives way. */
static void add_legs(struct rt_route *all, const struct rt_route *more)
{
	if (more->type != RT_ROUTE_UNICAST || more->tunnel)
		return;
	if (all->type != RT_ROUTE_UNICAST || all->tunnel) {
		*all = *more;
		return;
	}
	for (size_t i = 0; i < more->legs_count && all->legs_count < RT_LEGS_MAX; i++)
		all->legs[all->legs_count++] = more->legs[i];
}

static const struct policy_rules *rules_of(const struct policy *policy, const struct addr *dst)
{
	return dst->family == ADDR_IPV4 ? &policy->v4 : &policy->v6;
}

uint32_t policy_first(const struct policy *policy, uint8_t family)
{
	return family == ADDR_IPV4 ? policy->v4.first : policy->v6.first;
}

/*
 * Of IPv4 default routes of one metric (`ip route append`) the kernel takes for its own packets one whose
 * gateway answers, but the first for those that it forwards (net/ipv4/fib_semantics.c fib_select_default,
 * which only ip_route_output_key_hash_rcu leads to).
 */
static int ask_forwarded_default(const struct policy *policy, struct rt_query *query, const struct addr *dst,
				 struct rt_route *out)
{
	const struct rt_ingress *ingress = someone(policy->ingress, policy->ingress_count);
	struct rt_route route;
	int err;

	if (!ingress || dst->family != ADDR_IPV4 || out->type != RT_ROUTE_UNICAST || out->dst.length)
		return 0;
	err = rt_query_fib_from(query, dst, ingress, &route);
	if (!err && route.type == RT_ROUTE_UNICAST)
		*out = route;
	return err == -EXDEV ? 0 : err;
}

static int ask_as_own(const struct policy *policy, struct rt_query *query, const struct addr *dst,
		      struct rt_route *out)
{
	int err = rt_query_fib(query, dst, out);

	return err ? err : ask_forwarded_default(policy, query, dst, out);
}

/* As a packet of this node's own, where nothing depends on the interface. */
static int ask_plainly(const struct policy *policy, struct rt_query *query, const struct addr *dst,
		       struct rt_route *out, struct rules_cause *cause)
{
	static const struct rules_ingress any = {"", ""};
	const struct policy_rules *rules = rules_of(policy, dst);
	int err = ask_as_own(policy, query, dst, out);

	if (!err)
		*cause = rules_vary(rules->all, rules->count, dst, &any, out);
	return err;
}

/* Asks for each interface, and stops where the answers are known to differ for another reason. */
static int ask_all(const struct policy *policy, struct rt_query *query, const struct addr *dst,
		   struct rt_route *out, struct rules_cause *cause, uint32_t priority)
{
	const struct policy_rules *rules = rules_of(policy, dst);
	struct rt_route route, all;
	int64_t lifetime = 0;

	for (size_t i = 0; i < policy->ingress_count; i++) {
		const struct rt_ingress *ingress = &policy->ingress[i];
		const struct rules_ingress view = {ingress->name, ingress->vrf};
		int err = rt_query_fib_from(query, dst, ingress, &route);

		if (err)
			return err;
		if (i && !same_legs(&all, &route) && !cause->by)
			*cause = (struct rules_cause){RULES_BY_INGRESS, priority};
		lifetime = i ? sooner(lifetime, route.lifetime) : route.lifetime;
		if (!i)
			all = route;
		else if (cause->by)
			add_legs(&all, &route);
		if (!cause->by)
			*cause = rules_vary(rules->all, rules->count, dst, &view, &route);
	}
	*out = all;
	out->lifetime = lifetime;
	return 0;
}

int policy_ask(const struct policy *policy, struct rt_query *query, const struct addr *dst,
	       struct rt_route *out, struct rules_cause *cause)
{
	const struct policy_rules *rules = rules_of(policy, dst);
	struct rules_cause found = {RULES_BY_NOTHING, 0};
	const struct rt_rule *rule;
	int err;

	rule = rules->trivial ? NULL : rules_by_ingress(rules->all, rules->count, dst);
	if (rules->trivial) {
		err = ask_as_own(policy, query, dst, out);
	} else if (!rule || !policy->ingress || !policy->ingress_count) {
		err = ask_plainly(policy, query, dst, out, &found);
	} else {
		err = ask_all(policy, query, dst, out, &found, rule->priority);
		/* The kernel would not have anybody there: then only each packet can tell. */
		if (err == -EXDEV) {
			found = (struct rules_cause){RULES_BY_INGRESS, rule->priority};
			err = rt_query_fib(query, dst, out);
		}
	}
	if (!err)
		*cause = found;
	return err;
}
