/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * RTM_NEWNEIGH and RTM_DELNEIGH of family AF_BRIDGE into struct rt_fdb.
 *
 * Called for dumps (dump.c) and events (watch.c). Only what a bridge itself would forward by counts: entries
 * without a master are a device's own filter, entries of a VLAN belong to a bridge that filters by VLAN
 * (egress.c leaves those to the kernel), and PERMANENT ones are the ports' own addresses, behind which
 * nobody is. Kernel side: net/bridge/br_fdb.c fdb_fill_info.
 */
#include "decode.h"

#include <errno.h>
#include <linux/neighbour.h>
#include <netlink/msg.h>
#include <string.h>
#include <sys/socket.h>

static const struct nla_policy fdb_policy[NDA_MAX + 1] = {
	[NDA_MASTER] = {.type = NLA_U32},
};

int decode_fdb(const struct nlmsghdr *message, struct rt_fdb *out)
{
	struct nlattr *table[NDA_MAX + 1];
	const struct ndmsg *header = nlmsg_data(message);
	struct rt_fdb fdb = {0};
	const struct nlattr *mac;
	int err;

	err = decode_attributes(message, sizeof(*header), table, NDA_MAX, fdb_policy);
	if (err)
		return err;
	mac = table[NDA_LLADDR];
	if (header->ndm_family != AF_BRIDGE || !mac || nla_len(mac) != (int)sizeof(fdb.mac))
		return DECODE_SKIP;
	if (!table[NDA_MASTER] || table[NDA_VLAN] || (header->ndm_state & NUD_PERMANENT))
		return DECODE_SKIP;
	fdb.bridge = (int)nla_get_u32(table[NDA_MASTER]);
	fdb.port = header->ndm_ifindex;
	memcpy(fdb.mac, nla_data(mac), sizeof(fdb.mac));
	*out = fdb;
	return 0;
}
