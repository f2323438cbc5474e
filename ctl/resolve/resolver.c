/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How a backend is reached: state, mode and next hops, from the FIB's answer.
 *
 * Three questions in order: does the route lead anywhere (take_route), which of its legs could
 * carry a frame (take_legs), and which neighbours answer (take_neighbours); and by what device (take_egress).
 * The first that fails ends it with words for the operator. Called by apply_member.c for each backend of each
 * service that an event may touch. Nothing outlives a call.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "resolver.h"

const char *backend_state_name(enum backend_state state)
{
	static const char *const names[] = {
		[STATE_ACTIVE] = "active", [STATE_RESOLVING] = "resolving",	[STATE_DRAINING] = "draining",
		[STATE_DOWN] = "down",	   [STATE_UNREACHABLE] = "unreachable",
	};

	return names[state];
}

bool backend_state_serves(enum backend_state state)
{
	return state == STATE_ACTIVE || state == STATE_RESOLVING;
}

bool backend_state_keeps(enum backend_state state)
{
	return backend_state_serves(state) || state == STATE_DRAINING;
}

__attribute__((format(printf, 3, 4))) static void become(struct resolution *out, enum backend_state state,
							 const char *format, ...)
{
	va_list args;

	out->state = state;
	if (state == STATE_UNREACHABLE)
		out->mode = SH_MODE_NONE;
	va_start(args, format);
	(void)vsnprintf(out->reason, sizeof(out->reason), format, args);
	va_end(args);
}

/* ---- the route ------------------------------------------------------------------------------ */

static void say_unroutable(const struct resolve_input *input, struct resolution *out)
{
	static const char *const words[] = {
		[RT_ROUTE_UNICAST] = "has no next hop",
		[RT_ROUTE_BLACKHOLE] = "is a blackhole",
		[RT_ROUTE_UNREACHABLE] = "says unreachable",
		[RT_ROUTE_PROHIBIT] = "says prohibited",
		[RT_ROUTE_THROW] = "leads to no other rule",
		[RT_ROUTE_OTHER] = "is for broadcast or multicast, not for a host",
	};
	char text[ADDR_TEXT_SIZE];

	if (input->route->type == RT_ROUTE_NONE)
		become(out, STATE_UNREACHABLE, "no route to %s", addr_format(&input->backend, text));
	else
		become(out, STATE_UNREACHABLE, "the route to %s %s", addr_format(&input->backend, text),
		       words[input->route->type]);
}

static enum sh_mode choose_mode(const struct resolve_input *input)
{
	static const enum sh_mode modes[] = {
		[FORWARD_L2] = SH_MODE_L2,
		[FORWARD_L3] = SH_MODE_L3,
		[FORWARD_IPIP] = SH_MODE_IPIP,
		[FORWARD_GUE] = SH_MODE_GUE,
	};
	enum forward forward = input->forward;

	if (forward == FORWARD_AUTO) {
		forward = FORWARD_L2;
		for (size_t i = 0; i < input->route->legs_count; i++) {
			if (input->route->legs[i].gateway.family)
				forward = input->remote;
		}
	}
	return modes[forward];
}

/* Can the kernel's stack forward to the backend what the cached path cannot? Not l2: the VIP is no address
 * that it would forward to the backend. Nor an IPv6 packet in an IPv4 one from our own address: a martian. */
static bool kernel_forwards(const struct resolve_input *input, enum sh_mode mode)
{
	if (mode == SH_MODE_L2)
		return false;
	return mode == SH_MODE_L3 || input->backend.family == ADDR_IPV6 || input->vip.family == ADDR_IPV4;
}

static const char *family_name(const struct addr *addr)
{
	return addr->family == ADDR_IPV4 ? "IPv4" : "IPv6";
}

/* Takes on the mode. False where the answer is complete: there are no legs to look at. */
static bool take_route(const struct resolve_input *input, struct resolution *out)
{
	char vip[ADDR_TEXT_SIZE], backend[ADDR_TEXT_SIZE];

	if (input->route->type == RT_ROUTE_LOCAL) {
		out->mode = SH_MODE_LOCAL;
		return false;
	}
	if (input->route->type != RT_ROUTE_UNICAST || input->route->legs_count == 0) {
		say_unroutable(input, out);
		return false;
	}
	out->mode = choose_mode(input);
	if (out->mode == SH_MODE_L3 && input->vip.family != input->backend.family) {
		become(out, STATE_UNREACHABLE,
		       "l3 cannot turn %s (%s) into %s (%s); use backends of the VIP's family, or ipip or "
		       "gue",
		       addr_format(&input->vip, vip), family_name(&input->vip),
		       addr_format(&input->backend, backend), family_name(&input->backend));
		return false;
	}
	if (input->route->tunnel) {
		/* Neither the cache nor bpf_fib_lookup encapsulates: its answer there is UNSUPP_LWT. */
		become(out, STATE_UNREACHABLE,
		       "the route %s has a light-weight tunnel, which the packet path cannot take",
		       prefix_format(&input->route->dst, backend));
		return false;
	}
	return true;
}

/* ---- the legs ------------------------------------------------------------------------------- */

/* Why a leg cannot carry frames, the worst last: of all legs the mildest is told. */
enum fault {
	FAULT_NONE = 0,
	FAULT_NO_MAC,
	FAULT_GATEWAY,
	FAULT_DEAD,
	FAULT_CARRIER,
	FAULT_DOWN,
	FAULT_MISSING
};

static bool takes_frames(const struct rt_link *link)
{
	static const uint8_t none[6];

	return !link->loopback && memcmp(link->mac, none, sizeof(none)) != 0;
}

static enum fault leg_fault(const struct rt_leg *leg, const struct rt_link *link, enum sh_mode mode)
{
	if (!link)
		return FAULT_MISSING;
	if (!link->up)
		return FAULT_DOWN;
	if (!link->carrier)
		return FAULT_CARRIER;
	if (leg->dead)
		return FAULT_DEAD;
	if (mode == SH_MODE_L2 && leg->gateway.family)
		return FAULT_GATEWAY;
	return takes_frames(link) ? FAULT_NONE : FAULT_NO_MAC;
}

static void say_fault(const struct resolve_input *input, enum fault fault, const struct rt_leg *leg,
		      struct resolution *out)
{
	const struct rt_link *link = rt_state_link(input->state, leg->ifindex);
	char gateway[ADDR_TEXT_SIZE];

	switch (fault) {
	case FAULT_MISSING:
		become(out, STATE_UNREACHABLE, "the route's link, number %d, does not exist", leg->ifindex);
		break;
	case FAULT_DOWN:
		become(out, STATE_UNREACHABLE, "link %s is down", link->name);
		break;
	case FAULT_CARRIER:
		become(out, STATE_UNREACHABLE, "link %s has no carrier", link->name);
		break;
	case FAULT_DEAD:
		become(out, STATE_UNREACHABLE, "the kernel has marked the next hop on %s dead", link->name);
		break;
	case FAULT_GATEWAY:
		become(out, STATE_UNREACHABLE,
		       "forward is l2 but the route goes via %s on %s; use l3 or auto",
		       addr_format(&leg->gateway, gateway), link->name);
		break;
	default:
		if (!kernel_forwards(input, out->mode))
			become(out, STATE_UNREACHABLE, "link %s has no MAC addresses; use l3", link->name);
		else
			become(out, STATE_RESOLVING, "link %s has no MAC addresses: the kernel forwards",
			       link->name);
		break;
	}
}

static int compare_leg(const void *a, const void *b)
{
	const struct rt_neigh_key *left = &((const struct resolved_leg *)a)->nexthop;
	const struct rt_neigh_key *right = &((const struct resolved_leg *)b)->nexthop;

	if (left->ifindex != right->ifindex)
		return left->ifindex < right->ifindex ? -1 : 1;
	return addr_compare(&left->addr, &right->addr);
}

/* Sorts the legs and adds up those that are one next hop. */
static void merge_legs(struct resolution *out)
{
	size_t kept = 0;

	qsort(out->legs, out->legs_count, sizeof(out->legs[0]), compare_leg);
	for (size_t i = 1; i < out->legs_count; i++) {
		if (compare_leg(&out->legs[kept], &out->legs[i]) == 0)
			out->legs[kept].weight += out->legs[i].weight;
		else
			out->legs[++kept] = out->legs[i];
	}
	out->legs_count = kept + 1;
}

/* Takes on the legs that could carry frames. False where there is none, with the reason. */
static bool take_legs(const struct resolve_input *input, struct resolution *out)
{
	enum fault mildest = FAULT_NONE;
	const struct rt_leg *faulty = NULL;

	for (size_t i = 0; i < input->route->legs_count && i < RT_LEGS_MAX; i++) {
		const struct rt_leg *leg = &input->route->legs[i];
		enum fault fault = leg_fault(leg, rt_state_link(input->state, leg->ifindex), out->mode);

		if (fault == FAULT_NONE) {
			out->legs[out->legs_count++] = (struct resolved_leg){
				.nexthop = {leg->ifindex,
					    leg->gateway.family ? leg->gateway : input->backend},
				.weight = leg->weight ? leg->weight : 1,
			};
		} else if (!faulty || fault < mildest) {
			mildest = fault;
			faulty = leg;
		}
	}
	if (out->legs_count == 0 && faulty)
		say_fault(input, mildest, faulty, out);
	if (out->legs_count > 0)
		merge_legs(out);
	return out->legs_count > 0;
}

/* ---- the neighbours ------------------------------------------------------------------------- */

static enum rt_neigh_state neighbour_state(const struct rt_state *state, const struct rt_neigh_key *key)
{
	const struct rt_neigh *neigh = rt_state_neigh(state, key->ifindex, &key->addr);

	return neigh ? neigh->state : RT_NEIGH_NONE;
}

/* Of `count` next hops that failed, or that are not known yet, the first is named. */
static void say_neighbour(const struct rt_state *state, const struct resolved_leg *leg, bool failed,
			  size_t count, struct resolution *out)
{
	const char *link = rt_state_link(state, leg->nexthop.ifindex)->name;
	char text[ADDR_TEXT_SIZE];

	addr_format(&leg->nexthop.addr, text);
	if (!failed)
		become(out, STATE_RESOLVING, "the MAC of next hop %s on %s is not known yet", text, link);
	else if (count == 1)
		become(out, STATE_UNREACHABLE, "next hop %s on %s does not answer (neighbour FAILED)", text,
		       link);
	else
		become(out, STATE_UNREACHABLE,
		       "none of %zu next hops answers (neighbours FAILED), the first is %s on %s", count,
		       text, link);
}

static void take_neighbours(const struct resolve_input *input, struct resolution *out)
{
	const struct resolved_leg *unknown = NULL;
	bool any = false;

	for (size_t i = 0; i < out->legs_count; i++) {
		struct resolved_leg *leg = &out->legs[i];
		enum rt_neigh_state state = neighbour_state(input->state, &leg->nexthop);

		leg->usable = state == RT_NEIGH_VALID || state == RT_NEIGH_PERMANENT;
		any |= leg->usable;
		if (!unknown && state != RT_NEIGH_FAILED)
			unknown = leg;
	}
	if (!any)
		say_neighbour(input->state, unknown ? unknown : &out->legs[0], !unknown, out->legs_count,
			      out);
}

/* ---- the way out ---------------------------------------------------------------------------- */

/* What is to be said of the first leg that XDP cannot send by, or not from everywhere. */
struct hindrance {
	char words[REASON_SIZE - sizeof(": the kernel forwards")];
	enum egress_fault fault;
};

static void look_at_egress(const struct resolve_input *input, enum sh_mode mode, struct resolved_leg *leg,
			   struct hindrance *first)
{
	const struct rt_neigh_key *key = &leg->nexthop;
	struct egress egress;

	egress_find(input->state, input->natives, key->ifindex,
		    rt_state_neigh(input->state, key->ifindex, &key->addr)->mac, &egress);
	if (!first->words[0]) {
		first->fault = egress.fault;
		egress_words(input->state, &egress, first->words, sizeof(first->words));
	}
	if (egress.fault && !kernel_forwards(input, mode))
		leg->usable = false;
}

/* Of legs whose neighbours are known. */
static void take_egress(const struct resolve_input *input, struct resolution *out)
{
	struct hindrance first = {0};
	bool any = false;

	for (size_t i = 0; i < out->legs_count; i++) {
		if (out->legs[i].usable)
			look_at_egress(input, out->mode, &out->legs[i], &first);
		any |= out->legs[i].usable;
	}
	if (!first.words[0])
		return;
	if (kernel_forwards(input, out->mode))
		become(out, STATE_ACTIVE, "%s: the kernel forwards", first.words);
	else if (any)
		become(out, STATE_ACTIVE, "%s", first.words);
	else
		become(out, first.fault == EGRESS_UNLEARNT ? STATE_RESOLVING : STATE_UNREACHABLE, "%s%s",
		       first.words, first.fault == EGRESS_UNLEARNT ? "" : "; use l3");
}

/* Rules tell the packets apart: which of the legs is for whom is not known here. */
static void take_cause(const struct resolve_input *input, struct resolution *out)
{
	out->each_packet = true;
	if (out->state == STATE_ACTIVE)
		become(out, STATE_ACTIVE, "rule %u goes by %s: each packet is looked up in the FIB",
		       input->cause.priority, rules_by_name(input->cause.by));
}

void resolve(const struct resolve_input *input, struct resolution *out)
{
	memset(out, 0, sizeof(*out));
	out->mtu = input->route->mtu;
	if (take_route(input, out) && take_legs(input, out)) {
		take_neighbours(input, out);
		if (out->state == STATE_ACTIVE)
			take_egress(input, out);
	}
	if (input->cause.by && out->mode != SH_MODE_LOCAL)
		take_cause(input, out);
	if ((input->weight == 0 || input->drained) && out->state != STATE_UNREACHABLE)
		become(out, STATE_DRAINING, input->drained ? "drained by the operator" : "weight is 0");
}
