/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* One rtnetlink message of each kind, with everything in it that its decoder knows, and something that it
 * doesn't. */
#ifndef TEST_NLSAMPLES_H
#define TEST_NLSAMPLES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>
#include <sys/socket.h>

#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <net/if_arp.h>
#include <linux/if_link.h>
#include <linux/lwtunnel.h>
#include <linux/neighbour.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>

#include <shunt/rt.h>

#include "nlbytes.h"

#define UNKNOWN_TYPE 1000

static const uint8_t sample_mac[6] = {0x02, 0, 0, 0, 0, 0x01};
static const uint8_t sample_v4[4] = {192, 0, 2, 1}, sample_gw4[4] = {192, 0, 2, 254};
static const uint8_t sample_v6[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 1},
		     sample_gw6[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 0xfe};

static inline void is_addr(const struct addr *addr, const char *text)
{
	char got[ADDR_TEXT_SIZE];

	assert_string_equal(addr_format(addr, got), text);
}

static inline void is_prefix(const struct prefix *prefix, const char *text)
{
	char got[ADDR_TEXT_SIZE];

	assert_string_equal(prefix_format(prefix, got), text);
}

static inline void sample_link(struct nlbytes *m)
{
	struct ifinfomsg header = {.ifi_family = AF_UNSPEC,
				   .ifi_type = ARPHRD_ETHER,
				   .ifi_index = 7,
				   .ifi_flags = IFF_UP | 0x10000 /* IFF_LOWER_UP */};
	uint32_t info, xdp;

	nlbytes_begin(m, RTM_NEWLINK, &header, sizeof(header));
	nlbytes_puts(m, IFLA_IFNAME, "eth7");
	nlbytes_put(m, IFLA_ADDRESS, sample_mac, sizeof(sample_mac));
	nlbytes_put32(m, UNKNOWN_TYPE, 1);
	nlbytes_put32(m, IFLA_MTU, 1500);
	nlbytes_put32(m, IFLA_LINK, 3);
	nlbytes_put32(m, IFLA_LINK_NETNSID, 0);
	nlbytes_put32(m, IFLA_MASTER, 9);
	info = nlbytes_open(m, IFLA_LINKINFO);
	nlbytes_puts(m, IFLA_INFO_KIND, "veth");
	nlbytes_put32(m, UNKNOWN_TYPE, 1);
	nlbytes_close(m, info);
	xdp = nlbytes_open(m, IFLA_XDP | NLA_F_NESTED);
	nlbytes_put8(m, IFLA_XDP_ATTACHED, XDP_ATTACHED_DRV);
	nlbytes_put32(m, IFLA_XDP_PROG_ID, 42);
	nlbytes_close(m, xdp);
}

static inline void sample_addr(struct nlbytes *m)
{
	struct ifaddrmsg header = {.ifa_family = AF_INET, .ifa_prefixlen = 24, .ifa_index = 7};

	nlbytes_begin(m, RTM_NEWADDR, &header, sizeof(header));
	nlbytes_put(m, IFA_ADDRESS, sample_gw4, sizeof(sample_gw4));
	nlbytes_put(m, IFA_LOCAL, sample_v4, sizeof(sample_v4));
	nlbytes_put32(m, UNKNOWN_TYPE, 1);
	nlbytes_put8(m, IFA_PROTO, 66);
}

static inline void sample_neigh(struct nlbytes *m)
{
	struct ndmsg header = {.ndm_family = AF_INET6, .ndm_ifindex = 7, .ndm_state = NUD_STALE};

	nlbytes_begin(m, RTM_NEWNEIGH, &header, sizeof(header));
	nlbytes_put(m, NDA_DST, sample_v6, sizeof(sample_v6));
	nlbytes_put(m, NDA_LLADDR, sample_mac, sizeof(sample_mac));
	nlbytes_put32(m, UNKNOWN_TYPE, 1);
	nlbytes_put32(m, NDA_FLAGS_EXT, NTF_EXT_MANAGED);
}

static inline void put_hop(struct nlbytes *m, const struct rtnexthop *hop, uint16_t type, const void *data,
			   uint16_t size)
{
	uint32_t at = m->used;

	nlbytes_raw(m, hop, sizeof(*hop));
	if (type)
		nlbytes_put(m, type, data, size);
	nlbytes_close(m, at);
}

static inline void sample_route(struct nlbytes *m)
{
	struct rtmsg header = {
		.rtm_family = AF_INET,
		.rtm_dst_len = 24,
		.rtm_table = RT_TABLE_MAIN,
		.rtm_protocol = RTPROT_BGP,
		.rtm_type = RTN_UNICAST,
	};
	struct rtnexthop first = {.rtnh_ifindex = 7, .rtnh_hops = 2};
	struct rtnexthop second = {.rtnh_ifindex = 8, .rtnh_hops = 255, .rtnh_flags = RTNH_F_LINKDOWN};
	struct rtnexthop third = {.rtnh_ifindex = 9, .rtnh_flags = RTNH_F_DEAD};
	struct {
		uint16_t family;
		uint8_t bytes[16];
	} via = {.family = AF_INET6};
	uint32_t at;

	memcpy(via.bytes, sample_gw6, sizeof(sample_gw6));
	nlbytes_begin(m, RTM_NEWROUTE, &header, sizeof(header));
	nlbytes_put32(m, RTA_TABLE, 1000);
	nlbytes_put(m, RTA_DST, sample_v4, sizeof(sample_v4));
	nlbytes_put32(m, RTA_PRIORITY, 20);
	nlbytes_put32(m, UNKNOWN_TYPE, 1);
	nlbytes_put32(m, RTA_NH_ID, 77);
	at = nlbytes_open(m, RTA_METRICS);
	nlbytes_put32(m, RTAX_MTU, 1400);
	nlbytes_close(m, at);
	at = nlbytes_open(m, RTA_MULTIPATH);
	put_hop(m, &first, RTA_GATEWAY, sample_gw4, sizeof(sample_gw4));
	put_hop(m, &second, RTA_VIA, &via, 18);
	put_hop(m, &third, 0, NULL, 0);
	nlbytes_close(m, at);
}

static inline void sample_rule(struct nlbytes *m)
{
	struct fib_rule_hdr header = {.family = AF_INET6,
				      .src_len = 64,
				      .dst_len = 128,
				      .tos = 8,
				      .table = 254,
				      .action = FR_ACT_TO_TBL};
	struct fib_rule_port_range ports = {.start = 80, .end = 443};

	nlbytes_begin(m, RTM_NEWRULE, &header, sizeof(header));
	nlbytes_put32(m, FRA_TABLE, 1000);
	nlbytes_put32(m, FRA_PRIORITY, 100);
	nlbytes_put(m, FRA_SRC, sample_v6, sizeof(sample_v6));
	nlbytes_put(m, FRA_DST, sample_gw6, sizeof(sample_gw6));
	nlbytes_put32(m, FRA_FWMARK, 0x10);
	nlbytes_put32(m, FRA_FWMASK, 0xff);
	nlbytes_puts(m, FRA_IIFNAME, "eth0");
	nlbytes_puts(m, FRA_OIFNAME, "eth1");
	nlbytes_put8(m, FRA_IP_PROTO, 6);
	nlbytes_put32(m, UNKNOWN_TYPE, 1);
	nlbytes_put(m, FRA_DPORT_RANGE, &ports, sizeof(ports));
}

static inline void sample_group(struct nlbytes *m)
{
	struct nhmsg header = {0};
	/* id, weight - 1 in two bytes, two of zero */
	static const struct {
		uint32_t id;
		uint8_t low, high;
		uint16_t zero;
	} members[] = {{10, 6, 0, 0}, {11, 0xff, 1, 0}};

	nlbytes_begin(m, RTM_NEWNEXTHOP, &header, sizeof(header));
	nlbytes_put32(m, NHA_ID, 20);
	nlbytes_put32(m, UNKNOWN_TYPE, 1);
	nlbytes_put(m, NHA_GROUP, members, sizeof(members));
}

#endif
