/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * RTM_NEWNEIGH and RTM_DELNEIGH into struct rt_neigh.
 *
 * Called for dumps and single answers (query.c, write.c) and for events (watch.c). The NUD_*
 * states are reduced to what decides: STALE, DELAY and PROBE hold a MAC that the kernel itself
 * still sends to. Skipped: bridge forwarding entries (AF_BRIDGE), proxy entries, and multicast
 * groups, which can be neither a gateway nor a backend.
 */
#include "decode.h"

#include <errno.h>
#include <linux/neighbour.h>
#include <netlink/msg.h>
#include <string.h>
#include <sys/socket.h>

static const struct nla_policy neigh_policy[NDA_MAX + 1] = {
	[NDA_FLAGS_EXT] = {.type = NLA_U32},
};

static enum rt_neigh_state neigh_state(uint16_t nud)
{
	if (nud & NUD_PERMANENT)
		return RT_NEIGH_PERMANENT;
	if (nud & (NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_NOARP))
		return RT_NEIGH_VALID;
	if (nud & NUD_FAILED)
		return RT_NEIGH_FAILED;
	if (nud & NUD_INCOMPLETE)
		return RT_NEIGH_INCOMPLETE;
	return RT_NEIGH_NONE;
}

static bool is_multicast(const struct addr *addr)
{
	return addr->family == ADDR_IPV4 ? (addr->bytes[0] & 0xf0) == 0xe0 : addr->bytes[0] == 0xff;
}

static bool has_mac(const struct rt_neigh *neigh)
{
	return neigh->state == RT_NEIGH_VALID || neigh->state == RT_NEIGH_PERMANENT;
}

int decode_neigh(const struct nlmsghdr *message, struct rt_neigh *out)
{
	struct nlattr *table[NDA_MAX + 1];
	const struct ndmsg *header = nlmsg_data(message);
	struct rt_neigh neigh = {0};
	const struct nlattr *mac;
	int err;

	err = decode_attributes(message, sizeof(*header), table, NDA_MAX, neigh_policy);
	if (err)
		return err;
	if (header->ndm_family != AF_INET && header->ndm_family != AF_INET6)
		return DECODE_SKIP;
	if (!table[NDA_DST])
		return -EINVAL;
	err = decode_address(table[NDA_DST], header->ndm_family, &neigh.addr);
	if (err)
		return err;
	if ((header->ndm_flags & NTF_PROXY) || is_multicast(&neigh.addr))
		return DECODE_SKIP;
	neigh.ifindex = header->ndm_ifindex;
	neigh.state = neigh_state(header->ndm_state);
	mac = table[NDA_LLADDR];
	/* The last MAC of a FAILED entry is nobody's: leave it out, so that it makes no change. */
	if (mac && has_mac(&neigh) && nla_len(mac) == (int)sizeof(neigh.mac))
		memcpy(neigh.mac, nla_data(mac), sizeof(neigh.mac));
	if (table[NDA_FLAGS_EXT])
		neigh.managed = (nla_get_u32(table[NDA_FLAGS_EXT]) & NTF_EXT_MANAGED) != 0;
	*out = neigh;
	return 0;
}
