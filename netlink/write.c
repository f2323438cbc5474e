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

/* Somebody else may make or delete the entry while we look. */
#define MANAGE_TRIES 4

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

/* Where there is none it is made by NLM_F_EXCL, and where there is one it is not made: -EEXIST or -ENOENT
 * where that changed since we looked. */
static int manage_once(struct rt_query *query, int ifindex, const struct addr *addr, struct rt_neigh *neigh)
{
	int err = neigh_get(query, ifindex, addr, neigh);

	if (err && err != -ENOENT)
		return err;
	if (!err && (neigh->managed || neigh->state == RT_NEIGH_PERMANENT))
		return 0;
	err = neigh_use(query, ifindex, addr, err ? NLM_F_CREATE | NLM_F_EXCL : 0, true);
	/* An older kernel skips the attribute that it does not know: read back what it took. */
	return err ? err : neigh_get(query, ifindex, addr, neigh);
}

/*
 * The kernel takes PERMANENT off an entry that is used this way (net/core/neighbour.c __neigh_update), so we
 * look first. An entry that was there, and is made PERMANENT between look and use, loses that: the kernel
 * has no request that would tell.
 */
int rt_neigh_manage(struct rt_query *query, int ifindex, const struct addr *addr, bool *managed)
{
	struct rt_neigh neigh = {.state = RT_NEIGH_NONE};
	int err = -EEXIST;

	if (!addr_size(addr))
		return -EAFNOSUPPORT;
	for (int i = 0; i < MANAGE_TRIES && (err == -EEXIST || err == -ENOENT); i++)
		err = manage_once(query, ifindex, addr, &neigh);
	if (err == -EEXIST || err == -ENOENT)
		err = -EAGAIN; /* it comes and goes */
	if (!err && neigh.state == RT_NEIGH_PERMANENT)
		err = -EEXIST;
	if (err)
		return err;
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
