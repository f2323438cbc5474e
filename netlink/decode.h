/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Decoders: one rtnetlink message in, one plain struct out.
 *
 * Pure functions without I/O. They read only the nlmsg_len bytes of the message, which the
 * caller has checked to lie in its buffer. Attributes that they don't know are skipped, so that
 * a newer kernel is no error. They return
 *	0		*out is filled in
 *	DECODE_SKIP	well formed, but nothing for us (another family, a bridge port, ...)
 *	-EINVAL		truncated, or an attribute of a wrong size
 * and leave *out untouched in the last two cases. Kernel side: net/core/rtnetlink.c,
 * net/core/neighbour.c, net/core/fib_rules.c, net/ipv4/fib_semantics.c, net/ipv6/route.c,
 * net/ipv4/nexthop.c.
 */
#ifndef NETLINK_DECODE_H
#define NETLINK_DECODE_H

#include <linux/netlink.h>
#include <netlink/attr.h>

#include <shunt/rt.h>

#define DECODE_SKIP 1

int decode_link(const struct nlmsghdr *message, struct rt_link *out);
int decode_addr(const struct nlmsghdr *message, struct rt_addr *out);
int decode_fdb(const struct nlmsghdr *message, struct rt_fdb *out);
int decode_neigh(const struct nlmsghdr *message, struct rt_neigh *out);
int decode_route(const struct nlmsghdr *message, struct rt_route *out);
int decode_rule(const struct nlmsghdr *message, struct rt_rule *out);

#define NEXTHOP_MEMBERS_MAX RT_LEGS_MAX

/* A nexthop object: a leg of its own, or a group of others. */
struct nexthop {
	uint32_t id;
	bool blackhole;
	bool tunnel;
	struct rt_leg leg;    /* where members_count is 0; weight 1 */
	size_t members_count; /* a group: at most NEXTHOP_MEMBERS_MAX, else `members_cut` */
	bool members_cut;
	struct {
		uint32_t id;
		uint32_t weight; /* 1..65536: kernel 6.13 and later take more than 256 */
	} members[NEXTHOP_MEMBERS_MAX];
};

int decode_nexthop(const struct nlmsghdr *message, struct nexthop *out);

/* ---- what the decoders share (decode.c) --------------------------------------------------- */

/*
 * Splits the attributes behind a fixed header of `header_size` bytes (a multiple of 4) into table[0..max],
 * checked against `policy`. Unlike nlmsg_parse alone it refuses bytes left over at the end: a cut message is
 * not a message with fewer attributes.
 */
int decode_attributes(const struct nlmsghdr *message, size_t header_size, struct nlattr **table, int max,
		      const struct nla_policy *policy);
/* The same for bare bytes of attributes: those behind a struct rtnexthop. */
int decode_attribute_bytes(const void *bytes, size_t size, struct nlattr **table, int max,
			   const struct nla_policy *policy);
/* The same for what a nested attribute holds. */
int decode_nested(const struct nlattr *attribute, struct nlattr **table, int max,
		  const struct nla_policy *policy);

/* An address of 4 or 16 bytes; `af` is AF_INET or AF_INET6 and must agree. */
int decode_address(const struct nlattr *attribute, int af, struct addr *out);
/* A prefix; a missing attribute with length 0 is the default of that family. */
int decode_prefix(const struct nlattr *attribute, int af, uint8_t length, struct prefix *out);
/* The gateway out of RTA_VIA (struct rtvia): its family may differ from the route's. */
int decode_via(const struct nlattr *attribute, struct addr *out);
/* IFLA_LINKINFO into the kind and what belongs to it. */
int decode_link_info(const struct nlattr *attribute, struct rt_link *link);
/* RTNH_F_DEAD or RTNH_F_LINKDOWN. */
bool decode_dead(unsigned int flags);

#endif
