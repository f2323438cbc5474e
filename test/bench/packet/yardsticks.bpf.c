/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the director is measured against, each doing its one thing for TCP and nothing beside it.
 *
 *	empty		nothing: what the prologue costs
 *	swap		the floor of l2: read the headers, swap the MACs
 *	constant	the floor of l3: constant addresses, IP's and TCP's checksum kept right
 *	fib		a router: bpf_fib_lookup for every packet
 *	flow_table	a balancer that remembers each flow: a hash of VIPs, an LRU hash of flows
 */
#include <stddef.h>

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "plan.h"

#define BENCH_AF_INET  2
#define BENCH_AF_INET6 10

#define BENCH_CONSTANT_ADDRESS bpf_htonl(0xc633640b) /* 198.51.100.11 */

/* Flows that the table did not know. */
__u64 misses = 0;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, BENCH_TABLE_VIPS);
	__type(key, struct bench_vip);
	__type(value, struct bench_table_use);
} table_vips SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 2);
	__type(key, struct bench_flow);
	__type(value, __u32);
} table_flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, BENCH_TABLE_BACKENDS);
	__type(key, __u32);
	__type(value, struct bench_backend);
} table_backends SEC(".maps");

struct bench_headers {
	struct ethhdr *eth;
	union {
		struct iphdr *v4;
		struct ipv6hdr *v6;
	};
	struct tcphdr *tcp;
	int ipv6; /* known when compiled: each program does its work once per family */
};

static __always_inline __be16 bench_ethertype(struct xdp_md *ctx)
{
	struct ethhdr *eth = (void *)(long)ctx->data;

	return (void *)(eth + 1) > (void *)(long)ctx->data_end ? 0 : eth->h_proto;
}

/* TCP in IP without options or extensions; 0 for anything else. */
static __always_inline int bench_parse(struct xdp_md *ctx, int ipv6, struct bench_headers *out)
{
	struct ethhdr *eth = (void *)(long)ctx->data;

	out->eth = eth;
	out->v4 = (void *)(eth + 1);
	out->tcp = ipv6 ? (void *)(out->v6 + 1) : (void *)(out->v4 + 1);
	out->ipv6 = ipv6;
	if ((void *)(out->tcp + 1) > (void *)(long)ctx->data_end)
		return 0;
	if (ipv6)
		return out->v6->nexthdr == IPPROTO_TCP && out->v6->hop_limit > 1;
	return out->v4->protocol == IPPROTO_TCP && out->v4->ihl == 5 && out->v4->ttl > 1;
}

#define BENCH_PROGRAM(name, body)               \
	SEC("xdp") int name(struct xdp_md *ctx) \
	{                                       \
		switch (bench_ethertype(ctx)) { \
		case bpf_htons(ETH_P_IP):       \
			return body(ctx, 0);    \
		case bpf_htons(ETH_P_IPV6):     \
			return body(ctx, 1);    \
		}                               \
		return XDP_PASS;                \
	}

static __always_inline void bench_macs(struct ethhdr *eth, const __u8 *dst, const __u8 *src)
{
	__builtin_memcpy(__builtin_assume_aligned(eth->h_dest, 2), dst, ETH_ALEN);
	__builtin_memcpy(__builtin_assume_aligned(eth->h_source, 2), src, ETH_ALEN);
}

static __always_inline __u16 bench_sum(__u16 check, __u64 change)
{
	__u64 sum = (__u16)~check + change;

	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

/* The TTL goes down, and the destination becomes `to` (IPv4). */
static __always_inline void bench_route_ipv4(struct iphdr *ip, __be32 to)
{
	ip->check = bench_sum(ip->check, (__u64)(__u32)~ip->daddr + to + bpf_htons(0xfeff));
	ip->daddr = to;
	ip->ttl--;
}

SEC("xdp")
int empty(struct xdp_md *ctx __attribute__((unused)))
{
	return XDP_PASS;
}

static __always_inline int bench_swap(struct xdp_md *ctx, int ipv6)
{
	struct bench_headers in;
	__u8 was[ETH_ALEN];

	if (!bench_parse(ctx, ipv6, &in))
		return XDP_PASS;
	__builtin_memcpy(was, __builtin_assume_aligned(in.eth->h_dest, 2), ETH_ALEN);
	bench_macs(in.eth, __builtin_assume_aligned(in.eth->h_source, 2), was);
	return XDP_TX;
}

BENCH_PROGRAM(swap, bench_swap)

static __always_inline int bench_constant(struct xdp_md *ctx, int ipv6)
{
	static const __u8 dst[ETH_ALEN] = {2, 0, 0, 0, 0, 1}, src[ETH_ALEN] = {2, 0, 0, 0, 0, 2};
	struct bench_headers in;

	if (!bench_parse(ctx, ipv6, &in) || ipv6)
		return XDP_PASS;
	in.tcp->check = bench_sum(in.tcp->check, (__u64)(__u32)~in.v4->daddr + BENCH_CONSTANT_ADDRESS);
	bench_route_ipv4(in.v4, BENCH_CONSTANT_ADDRESS);
	bench_macs(in.eth, dst, src);
	return XDP_TX;
}

BENCH_PROGRAM(constant, bench_constant)

static __always_inline void bench_fib_ask(const struct bench_headers *in, struct bpf_fib_lookup *fib)
{
	fib->l4_protocol = IPPROTO_TCP;
	if (!in->ipv6) {
		fib->family = BENCH_AF_INET;
		fib->tos = in->v4->tos;
		fib->tot_len = bpf_ntohs(in->v4->tot_len);
		fib->ipv4_src = in->v4->saddr;
		fib->ipv4_dst = in->v4->daddr;
		return;
	}
	fib->family = BENCH_AF_INET6;
	fib->tot_len = bpf_ntohs(in->v6->payload_len) + sizeof(*in->v6);
	__builtin_memcpy(fib->ipv6_src, &in->v6->saddr, sizeof(fib->ipv6_src));
	__builtin_memcpy(fib->ipv6_dst, &in->v6->daddr, sizeof(fib->ipv6_dst));
}

static __always_inline int bench_fib(struct xdp_md *ctx, int ipv6)
{
	struct bpf_fib_lookup found = {.ifindex = ctx->ingress_ifindex};
	__u32 came_by = found.ifindex;
	struct bench_headers in;

	barrier_var(came_by);
	if (!bench_parse(ctx, ipv6, &in))
		return XDP_PASS;
	bench_fib_ask(&in, &found);
	if (bpf_fib_lookup(ctx, &found, sizeof(found), 0) != BPF_FIB_LKUP_RET_SUCCESS)
		return XDP_PASS;
	if (!ipv6)
		bench_route_ipv4(in.v4, in.v4->daddr);
	else
		in.v6->hop_limit--;
	bench_macs(in.eth, found.dmac, found.smac);
	return found.ifindex == came_by ? XDP_TX : bpf_redirect(found.ifindex, 0);
}

BENCH_PROGRAM(fib, bench_fib)

static __always_inline void bench_keys(const struct bench_headers *in, struct bench_vip *vip,
				       struct bench_flow *flow)
{
	vip->port = in->tcp->dest;
	vip->protocol = flow->protocol = IPPROTO_TCP;
	flow->ports = *(__u32 *)in->tcp;
	if (!in->ipv6) {
		vip->addr[0] = flow->vip[0] = in->v4->daddr;
		flow->client[0] = in->v4->saddr;
		return;
	}
	__builtin_memcpy(vip->addr, &in->v6->daddr, sizeof(vip->addr));
	__builtin_memcpy(flow->vip, &in->v6->daddr, sizeof(flow->vip));
	__builtin_memcpy(flow->client, &in->v6->saddr, sizeof(flow->client));
}

static __always_inline int bench_flow_table(struct xdp_md *ctx, int ipv6)
{
	struct bench_vip vip = {};
	struct bench_flow flow = {};
	struct bench_backend *backend;
	struct bench_headers in;
	struct bench_table_use *use;
	__u32 *known, dealt;

	if (!bench_parse(ctx, ipv6, &in))
		return XDP_PASS;
	bench_keys(&in, &vip, &flow);
	use = bpf_map_lookup_elem(&table_vips, &vip);
	if (!use)
		return XDP_PASS;
	known = bpf_map_lookup_elem(&table_flows, &flow);
	if (!known) {
		misses++;
		dealt = use->first + ((__u64)bpf_get_prandom_u32() * use->count >> 32);
		bpf_map_update_elem(&table_flows, &flow, &dealt, BPF_ANY);
		known = &dealt;
	}
	backend = bpf_map_lookup_elem(&table_backends, known);
	if (!backend)
		return XDP_DROP;
	if (!ipv6) {
		bench_route_ipv4(in.v4, backend->addr[0]);
	} else {
		__builtin_memcpy(&in.v6->daddr, backend->addr, sizeof(backend->addr));
		in.v6->hop_limit--;
	}
	bench_macs(in.eth, backend->dst_mac, backend->src_mac);
	return XDP_TX;
}

BENCH_PROGRAM(flow_table, bench_flow_table)

char _license[] SEC("license") = "Dual BSD/GPL";
