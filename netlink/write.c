/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What shunt writes through rtnetlink: managed neighbours, and host addresses.
 *
 * ctl/ calls it to keep next hops resolved and to hold VIPs on lo. Nothing is kept here: what was
 * written comes back as an event, and whoever wants to be sure reads that. Kernel side:
 * net/core/neighbour.c neigh_add, net/ipv4/devinet.c, net/ipv6/addrconf.c.
 */
#include "query.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>
#include <sys/socket.h>

#include "decode.h"

/* ---- neighbours ---------------------------------------------------------------------------- */

static int neigh_get(struct rt_query *query, int ifindex, const struct addr *addr, struct rt_neigh *out)
{
	struct ndmsg header = {.ndm_family = (uint8_t)addr_af(addr), .ndm_ifindex = ifindex};
	const struct nlmsghdr *answer;
	struct nl_msg *request;
	int err;

	request = rtsock_begin(&query->sock, RTM_GETNEIGH, 0, &header, sizeof(header));
	if (nla_put(request, NDA_DST, (int)addr_size(addr), addr->bytes) < 0)
		return -ENOMEM;
	err = rtsock_ask(&query->sock, &answer);
	if (err)
		return err;
	return answer && !decode_neigh(answer, out) ? 0 : -EBADMSG;
}

/*
 * NTF_USE and NTF_EXT_MANAGED leave the entry's state and MAC alone and start a resolution where
 * it has none. NTF_USE without the other ends the managing.
 */
static int neigh_use(struct rt_query *query, int ifindex, const struct addr *addr, int flags, bool managed)
{
	struct ndmsg header = {
		.ndm_family = (uint8_t)addr_af(addr),
		.ndm_ifindex = ifindex,
		.ndm_flags = NTF_USE,
	};
	const struct nlmsghdr *answer;
	struct nl_msg *request;

	request = rtsock_begin(&query->sock, RTM_NEWNEIGH, flags | NLM_F_ACK, &header, sizeof(header));
	if (nla_put(request, NDA_DST, (int)addr_size(addr), addr->bytes) < 0)
		return -ENOMEM;
	if (managed && nla_put_u32(request, NDA_FLAGS_EXT, NTF_EXT_MANAGED) < 0)
		return -ENOMEM;
	return rtsock_ask(&query->sock, &answer);
}

int rt_neigh_manage(struct rt_query *query, int ifindex, const struct addr *addr, bool *managed)
{
	struct rt_neigh neigh = {.state = RT_NEIGH_NONE};
	int err;

	if (!addr_size(addr))
		return -EAFNOSUPPORT;
	/* The kernel would take PERMANENT off an entry that is used this way. */
	err = neigh_get(query, ifindex, addr, &neigh);
	if (err && err != -ENOENT)
		return err;
	if (neigh.state == RT_NEIGH_PERMANENT)
		return -EEXIST;
	if (!neigh.managed) {
		err = neigh_use(query, ifindex, addr, NLM_F_CREATE, true);
		/* An older kernel skips the attribute that it does not know: read back what it took. */
		if (!err)
			err = neigh_get(query, ifindex, addr, &neigh);
		if (err)
			return err;
	}
	*managed = neigh.managed;
	return 0;
}

int rt_neigh_unmanage(struct rt_query *query, int ifindex, const struct addr *addr)
{
	struct rt_neigh neigh;
	int err;

	if (!addr_size(addr))
		return -EAFNOSUPPORT;
	err = neigh_get(query, ifindex, addr, &neigh);
	if (!err && neigh.managed)
		err = neigh_use(query, ifindex, addr, 0, false);
	return err == -ENOENT || err == -ENODEV ? 0 : err;
}

/* ---- addresses ----------------------------------------------------------------------------- */

static int host_address(struct rt_query *query, int type, int flags, int ifindex, const struct addr *addr,
			uint8_t protocol)
{
	struct ifaddrmsg header = {
		.ifa_family = (uint8_t)addr_af(addr),
		.ifa_prefixlen = (uint8_t)(addr_size(addr) * 8),
		.ifa_flags = addr->family == ADDR_IPV6 ? IFA_F_NODAD : 0,
		.ifa_scope = RT_SCOPE_UNIVERSE,
		.ifa_index = (uint32_t)ifindex,
	};
	const struct nlmsghdr *answer;
	struct nl_msg *request;

	if (!addr_size(addr))
		return -EAFNOSUPPORT;
	request = rtsock_begin(&query->sock, type, flags | NLM_F_ACK, &header, sizeof(header));
	if (nla_put(request, IFA_LOCAL, (int)addr_size(addr), addr->bytes) < 0 ||
	    nla_put(request, IFA_ADDRESS, (int)addr_size(addr), addr->bytes) < 0)
		return -ENOMEM;
	if (protocol && nla_put_u8(request, IFA_PROTO, protocol) < 0)
		return -ENOMEM;
	return rtsock_ask(&query->sock, &answer);
}

int rt_addr_add(struct rt_query *query, int ifindex, const struct addr *addr, uint8_t protocol)
{
	int err = host_address(query, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, ifindex, addr, protocol);

	return err == -EEXIST ? 0 : err;
}

int rt_addr_remove(struct rt_query *query, int ifindex, const struct addr *addr)
{
	int err = host_address(query, RTM_DELADDR, 0, ifindex, addr, 0);

	/* With its link the address is gone too. */
	return err == -EADDRNOTAVAIL || err == -ENODEV ? 0 : err;
}
