/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What to do about a packet that is dropped or passed, by its reason. See explain.h.
 */
#include <shunt/abi.h>

#include "explain.h"

static const char *const advice[SH_REASON_COUNT] = {
	[SH_FIB_TX] =
		"works, at the price of a look-up for each packet: `shunt show backends` says why no path "
		"is cached",
	[SH_FIB_REDIRECT] =
		"works, at the price of a look-up for each packet: `shunt show backends` says why no "
		"path is cached",
	[SH_KERNEL] = "the kernel looks for the neighbour and forwards it, where net.ipv4.ip_forward "
		      "(net.ipv6.conf.all.forwarding) is on: `shunt doctor`; `ip neigh` shows whether the "
		      "neighbour answers",
	[SH_PASS_NOT_IP] = "the kernel's own affair",
	[SH_PASS_NOT_OURS] =
		"no service has this address, port and protocol: `shunt show services` lists those "
		"there are; the kernel goes on with the packet",
	[SH_PASS_NOT_US] = "the interface's own MAC is not known to the program yet: `shunt verify`",
	[SH_PASS_TUNNEL] =
		"the address inside is no VIP that this node serves: the kernel goes on with the packet",
	[SH_DROP_NO_BACKEND] =
		"no backend of the service takes flows: `shunt show backends` says why of each",
	[SH_DROP_NO_NEIGHBOUR] =
		"the backend does not answer ARP or ND: is it up and on this link? `ip neigh` "
		"shows it",
	[SH_DROP_NO_ROUTE] =
		"give the backend a route: `ip route get BACKEND` says what the kernel knows; by l2 it "
		"must be on the link itself",
	[SH_TOLD_TOO_BIG] =
		"the sender's next packets are smaller, where nothing on its way drops ICMP; the MTU of the "
		"path, of its route or link, less the 20 to 48 bytes of a tunnel is what passes",
	[SH_TOLD_TTL] =
		"as any router does: a traceroute to this port shows this node by it; a client whose packets "
		"come with so little is too many routers away",
	[SH_PASS_TTL] =
		"this node has no address to tell the sender from, or the sender is no host: the kernel may "
		"tell, but not where it has a blackhole route to the VIP",
	[SH_DROP_TTL_LIMIT] = "each CPU tells 1,000 senders a second: this one may be told the next time",
	[SH_DROP_TOO_BIG] = "raise the MTU of the path, of its route or link, or let senders set DF, so that "
			    "they can be told; a tunnel takes 20 to 48 bytes",
	[SH_DROP_SMALL_MTU] =
		"raise the MTU of the path, of its route or link: IPv6 needs 1280 bytes, and a tunnel 20 to "
		"48 more",
	[SH_DROP_NO_SOURCE] =
		"give this node an address of the backend's family, or name one: `tunnel: {source: "
		"...}` in the file",
	[SH_DROP_LOOP] =
		"another director sent it here: by l2 the VIP's packets must come to one of them alone",
	[SH_DROP_EGRESS] =
		"the interface on the way to the backend is gone or takes no frames from XDP: `ip link`, "
		"`shunt show nexthops`",
};

const char *explain_advice(enum interface_program program, unsigned reason)
{
	if (program == INTERFACE_BACKEND && reason == SH_PASS_NOT_OURS)
		return "nothing to restore, and l2 needs nothing restored: the kernel takes the packet where "
		       "the VIP is on this node, `shunt show aliases`";
	return reason < SH_REASON_COUNT && advice[reason] ? advice[reason] : "";
}
