/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Policy routing: may the packets of one backend be routed in different ways?
 *
 * Pure: rules and an answer of the FIB in, a cause out. The kernel is asked once for all packets to a
 * backend, so its answer can be kept only where nothing but the destination decides, and the interface
 * that packets come in by, which it can be asked about. Rules are as net/core/fib_rules.c follows them.
 */
#ifndef SHUNT_RULES_H
#define SHUNT_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <shunt/rt.h>

/* By what a rule selects that is not the same for all packets to a backend. */
enum rules_by {
	RULES_BY_NOTHING = 0,
	RULES_BY_SOURCE,
	RULES_BY_MARK,
	RULES_BY_TOS,
	RULES_BY_PROTOCOL,
	RULES_BY_PORT,
	RULES_BY_FLOW_LABEL,
	RULES_BY_UNKNOWN, /* a selector that this program does not know */
	RULES_BY_INGRESS, /* the answers for the interfaces differ */
};

/* Why packets of one backend are to be asked about one by one; by RULES_BY_NOTHING: they are not. */
struct rules_cause {
	enum rules_by by;
	uint32_t priority; /* of the rule; of RULES_BY_INGRESS the first that names an interface */
};

/* "source address", ...: after "a rule by". */
const char *rules_by_name(enum rules_by by);

/* An interface that packets come in by. */
struct rules_ingress {
	const char *name;
	const char *vrf; /* that it belongs to, or "" */
};

/* Is there no rule that could tell one packet from another? Then the FIB's plain answer is everyone's. */
bool rules_trivial(const struct rt_rule *rules, size_t count);

/* The table in which every packet, whatever its destination, is looked up first, behind the local one; 0
 * where rules tell destinations apart, lead past a table or suppress what it says. */
uint32_t rules_first(const struct rt_rule *rules, size_t count);

/* The first rule by interface that concerns packets to `dst` and that matches what comes in by some of
 * `ingress` and not by others, or what is made on this node and not what is forwarded; NULL where there is
 * none. */
const struct rt_rule *rules_by_ingress(const struct rt_rule *rules, size_t count, const struct addr *dst);

/*
 * Follows the rules (in the kernel's order, which is that of a dump) for packets to `dst` from `ingress`, to
 * the one that `answer` came from. The first on the way that matches some packets and others not is the
 * cause.
 *
 *	to		of the backend or not
 *	iif		as `ingress`, its VRF, or not; lo: never, as packets are forwarded
 *	oif, tun_id	never: a forwarded packet has none yet
 *	uidrange	of root, as which the kernel forwards
 *	l3mdev		where `ingress` is in a VRF
 *	from, fwmark, tos, dscp, ipproto, ports, flow label: some
 *
 * A mark is one of these although XDP comes before any mark: what the kernel forwards in its place may
 * have got one.
 */
struct rules_cause rules_vary(const struct rt_rule *rules, size_t count, const struct addr *dst,
			      const struct rules_ingress *ingress, const struct rt_route *answer);

#endif
