/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Before each packet of a measurement: undo what the last run did to it, then go on to the program
 * that is measured.
 *
 * A test run with `repeat` hands each run the packet that the last one left. Here the head is moved back, all
 * headers are written anew, for a flow picked at random, and the clock is read every BENCH_CHUNK packets.
 * What that costs is measured with an empty program and subtracted, so it is the same work for each: the head
 * is "moved" where it need not be, too.
 *
 * Words are written as wide as fields are, and both MACs as two words, so that no program waits for two
 * stores to become one load: a packet from a device would not make it wait either.
 *
 * In the live measurement `generate` sends such packets and `arrive` counts what comes back.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "plan.h"

#define AT_IPV4	   14
#define AT_IPV4_L4 34
#define AT_IPV6	   14
#define AT_IPV6_L4 54
#define TCP_BYTES  20

struct bench_plan plan = {};
struct bench_clock clock = {};
struct bench_arrivals arrivals = {};

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, BENCH_TARGET_COUNT);
	__type(key, __u32);
	__type(value, __u32);
} next SEC(".maps");

static __always_inline void bench_tick(void)
{
	__u64 packets = clock.packets++;
	__u64 chunk = packets / BENCH_CHUNK;

	if (packets % BENCH_CHUNK || chunk > BENCH_CHUNKS)
		return;
	clock.at[chunk] = bpf_ktime_get_ns();
}

static __always_inline __u32 bench_flow_number(void)
{
	if (plan.in_order)
		return plan.first + clock.packets - 1;
	return plan.first + ((__u64)bpf_get_prandom_u32() * plan.flows >> 32);
}

static __always_inline void bench_copy2(__u8 *to, const __u8 *from, __u32 bytes)
{
	for (__u32 i = 0; i < bytes; i += 2)
		*(__u16 *)(to + i) = *(const __u16 *)(from + i);
}

static __always_inline void bench_copy4(__u8 *to, const __u8 *from, __u32 bytes)
{
	for (__u32 i = 0; i < bytes; i += 4)
		*(__u32 *)(to + i) = *(const __u32 *)(from + i);
}

/* The MACs and the ethertype. */
static __always_inline void bench_copy_ethernet(__u8 *to, const __u8 *from)
{
	*(__u64 *)to = *(const __u64 *)from;
	*(__u32 *)(to + 8) = *(const __u32 *)(from + 8);
	*(__u16 *)(to + 12) = *(const __u16 *)(from + 12);
}

static __always_inline __u16 bench_port(__u32 flow)
{
	return bpf_htons(BENCH_CLIENT_PORT + (flow >> BENCH_CLIENT_BITS));
}

static __always_inline void bench_write_ipv4(__u8 *frame, __u32 flow)
{
	const __u8 *from = plan.frame;
	__u32 client = *(const __u32 *)(from + AT_IPV4 + 12) |
		       bpf_htonl(flow & ((1 << BENCH_CLIENT_BITS) - 1));
	__u64 sum = plan.sum + (__u64)client;

	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	bench_copy_ethernet(frame, from);
	bench_copy2(frame + AT_IPV4, from + AT_IPV4, 10);
	*(__u16 *)(frame + AT_IPV4 + 10) = ~sum;
	*(__u32 *)(frame + AT_IPV4 + 12) = client;
	*(__u32 *)(frame + AT_IPV4 + 16) = *(const __u32 *)(from + AT_IPV4 + 16);
	bench_copy4(frame + AT_IPV4_L4, from + AT_IPV4_L4, TCP_BYTES);
	*(__u32 *)(frame + AT_IPV4_L4) = (__u32) * (const __u16 *)(from + AT_IPV4_L4 + 2) << 16 |
					 bench_port(flow);
}

static __always_inline void bench_write_ipv6(__u8 *frame, __u32 flow)
{
	const __u8 *from = plan.frame;
	__u32 low = *(const __u32 *)(from + AT_IPV6 + 20) | bpf_htonl(flow & ((1 << BENCH_CLIENT_BITS) - 1));

	bench_copy_ethernet(frame, from);
	bench_copy4(frame + AT_IPV6, from + AT_IPV6, 20);
	*(__u32 *)(frame + AT_IPV6 + 20) = low;
	bench_copy4(frame + AT_IPV6 + 24, from + AT_IPV6 + 24, 16 + TCP_BYTES);
	*(__u32 *)(frame + AT_IPV6_L4) = (__u32) * (const __u16 *)(from + AT_IPV6_L4 + 2) << 16 |
					 bench_port(flow);
}

/* The packet anew; 0 where its room is not as planned. */
static __always_inline int bench_restore(struct xdp_md *ctx, int ipv6)
{
	long size = (long)ctx->data_end - (long)ctx->data;
	__u8 *frame;

	barrier_var(size); /* a number from here on, as the verifier wants it */
	if (bpf_xdp_adjust_head(ctx, (int)(size - (long)plan.frame_size)))
		return 0;
	frame = (void *)(long)ctx->data;
	if (frame + (ipv6 ? AT_IPV6_L4 : AT_IPV4_L4) + TCP_BYTES > (__u8 *)(long)ctx->data_end)
		return 0;
	if (ipv6)
		bench_write_ipv6(frame, bench_flow_number());
	else
		bench_write_ipv4(frame, bench_flow_number());
	return 1;
}

SEC("xdp")
int prologue_ipv4(struct xdp_md *ctx)
{
	bench_tick();
	if (bench_restore(ctx, 0))
		bpf_tail_call(ctx, &next, plan.target);
	return XDP_ABORTED;
}

SEC("xdp")
int prologue_ipv6(struct xdp_md *ctx)
{
	bench_tick();
	if (bench_restore(ctx, 1))
		bpf_tail_call(ctx, &next, plan.target);
	return XDP_ABORTED;
}

SEC("xdp")
int generate(struct xdp_md *ctx)
{
	bench_tick();
	return bench_restore(ctx, 0) ? XDP_TX : XDP_ABORTED;
}

SEC("xdp")
int arrive(struct xdp_md *ctx __attribute__((unused)))
{
	__u64 count = arrivals.count++;

	if (count % BENCH_CHUNK == 0) {
		arrivals.last = count;
		arrivals.last_at = bpf_ktime_get_ns();
	}
	if (count == BENCH_WARMED)
		arrivals.first_at = arrivals.last_at;
	return XDP_DROP;
}

char _license[] SEC("license") = "Dual BSD/GPL";
