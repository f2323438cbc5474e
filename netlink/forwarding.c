/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Whether the kernel forwards IPv6: net.ipv6.conf.all.forwarding, as netconf tells it.
 *
 * ctl/ asks once at start and where a sysctl changed: a host that forwards nothing chooses among routes by
 * its neighbours' states (net/ipv6/route.c rt6_score_route with RT6_LOOKUP_F_REACHABLE), a router does not.
 */
#include "query.h"

#include <errno.h>
#include <linux/netconf.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>
#include <sys/socket.h>

#include "decode.h"

static const struct nla_policy netconf_policy[NETCONFA_MAX + 1] = {
	[NETCONFA_FORWARDING] = {.type = NLA_U32},
};

int rt_query_forwarding6(struct rt_query *query, bool *out)
{
	struct netconfmsg header = {.ncm_family = AF_INET6};
	struct nlattr *table[NETCONFA_MAX + 1];
	const struct nlmsghdr *answer;
	struct nl_msg *request;
	int err;

	request = rtsock_begin(&query->sock, RTM_GETNETCONF, 0, &header, sizeof(header));
	if (nla_put_u32(request, NETCONFA_IFINDEX, (uint32_t)NETCONFA_IFINDEX_ALL) < 0)
		return -ENOMEM;
	err = rtsock_ask(&query->sock, &answer);
	if (err)
		return err;
	if (!answer || answer->nlmsg_type != RTM_NEWNETCONF ||
	    decode_attributes(answer, NLMSG_ALIGN(sizeof(header)), table, NETCONFA_MAX, netconf_policy) ||
	    !table[NETCONFA_FORWARDING])
		return -EBADMSG;
	*out = nla_get_u32(table[NETCONFA_FORWARDING]) != 0;
	return 0;
}
