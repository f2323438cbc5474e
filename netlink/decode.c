/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the decoders share: splitting attributes without ever reading past the message, and
 * addresses out of attributes.
 *
 * Called by the decode_*.c files only. Nothing is kept.
 */
#include "decode.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>
#include <string.h>

/* nla_parse stops silently at an attribute that doesn't fit. Here that is an error. */
static bool left_over(const struct nlattr *first, int size)
{
	const struct nlattr *attribute;
	int rest;

	nla_for_each_attr(attribute, first, size, rest);
	return rest > 0;
}

static int parse(const struct nlattr *first, int size, struct nlattr **table, int max,
		 const struct nla_policy *policy)
{
	/* libnl 3.7 declares the head as non-const, but does not write to it. */
	union {
		const struct nlattr *in;
		struct nlattr *out;
	} head = {.in = first};

	if (left_over(first, size))
		return -EINVAL;
	return nla_parse(table, max, head.out, size, policy) < 0 ? -EINVAL : 0;
}

int decode_attributes(const struct nlmsghdr *message, size_t header_size, struct nlattr **table, int max,
		      const struct nla_policy *policy)
{
	size_t start = NLMSG_HDRLEN + header_size;

	if (message->nlmsg_len < start)
		return -EINVAL;
	return parse((const struct nlattr *)((const char *)message + start),
		     (int)(message->nlmsg_len - start), table, max, policy);
}

int decode_attribute_bytes(const void *bytes, size_t size, struct nlattr **table, int max,
			   const struct nla_policy *policy)
{
	return parse(bytes, (int)size, table, max, policy);
}

int decode_nested(const struct nlattr *attribute, struct nlattr **table, int max,
		  const struct nla_policy *policy)
{
	return parse(nla_data(attribute), nla_len(attribute), table, max, policy);
}

int decode_address(const struct nlattr *attribute, int af, struct addr *out)
{
	struct addr addr;
	int err;

	err = addr_from_bytes(nla_data(attribute), (size_t)nla_len(attribute), &addr);
	if (err)
		return err;
	if (addr_af(&addr) != af)
		return -EINVAL;
	*out = addr;
	return 0;
}

int decode_prefix(const struct nlattr *attribute, int af, uint8_t length, struct prefix *out)
{
	struct prefix prefix = {.length = length};
	int err;

	if (attribute) {
		err = decode_address(attribute, af, &prefix.addr);
		if (err)
			return err;
	} else {
		prefix.addr.family = af == AF_INET ? ADDR_IPV4 : ADDR_IPV6;
	}
	if (length > addr_size(&prefix.addr) * 8 || (length && !attribute))
		return -EINVAL;
	*out = prefix;
	return 0;
}

int decode_via(const struct nlattr *attribute, struct addr *out)
{
	struct rtvia via;
	struct addr addr;
	int err;

	if (nla_len(attribute) < (int)sizeof(via))
		return -EINVAL;
	memcpy(&via, nla_data(attribute), sizeof(via));
	err = addr_from_bytes((const char *)nla_data(attribute) + sizeof(via),
			      (size_t)nla_len(attribute) - sizeof(via), &addr);
	if (err)
		return err;
	if (addr_af(&addr) != via.rtvia_family)
		return -EINVAL;
	*out = addr;
	return 0;
}

bool decode_dead(unsigned int flags)
{
	return (flags & (RTNH_F_DEAD | RTNH_F_LINKDOWN)) != 0;
}
