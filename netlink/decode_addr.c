/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * RTM_NEWADDR and RTM_DELADDR into struct rt_addr.
 *
 * Called for dumps (dump.c) and events (watch.c). On a point-to-point link IFA_ADDRESS is the
 * other end and IFA_LOCAL the address of this node; IPv6 usually has IFA_ADDRESS alone.
 */
#include "decode.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <netlink/msg.h>
#include <sys/socket.h>

static const struct nla_policy addr_policy[IFA_MAX + 1] = {
	[IFA_PROTO] = {.type = NLA_U8},
};

int decode_addr(const struct nlmsghdr *message, struct rt_addr *out)
{
	struct nlattr *table[IFA_MAX + 1];
	const struct ifaddrmsg *header = nlmsg_data(message);
	const struct nlattr *own;
	struct rt_addr addr = {0};
	int err;

	err = decode_attributes(message, sizeof(*header), table, IFA_MAX, addr_policy);
	if (err)
		return err;
	if (header->ifa_family != AF_INET && header->ifa_family != AF_INET6)
		return DECODE_SKIP;
	own = table[IFA_LOCAL] ? table[IFA_LOCAL] : table[IFA_ADDRESS];
	if (!own)
		return -EINVAL;
	err = decode_address(own, header->ifa_family, &addr.addr);
	if (err)
		return err;
	if (header->ifa_prefixlen > addr_size(&addr.addr) * 8)
		return -EINVAL;
	addr.ifindex = (int)header->ifa_index;
	addr.length = header->ifa_prefixlen;
	if (table[IFA_PROTO])
		addr.protocol = nla_get_u8(table[IFA_PROTO]);
	*out = addr;
	return 0;
}
