/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The table of cases, and what each does to a packet, told a second time with frames.h.
 */
#include "cases.h"

#include <arpa/inet.h>
#include <linux/bpf.h>

#include "die.h"

#define CHECKED 64 /* flows of each case */

#define V4 SH_FAMILY_IPV4
#define V6 SH_FAMILY_IPV6
#define K  1000U
#define M  1000000U

#define FLOWS3(name, family, vip, target, effect)                          \
	{name, family, target, vip, 1, false, false, effect},              \
		{name, family, target, vip, 10 * K, false, false, effect}, \
	{                                                                  \
		name, family, target, vip, M, false, false, effect         \
	}

#define BOTH(family)                                                                                  \
	{"empty", family, BENCH_EMPTY, DIRECTOR_L3, 1, false, false, CASE_UNCHANGED},                 \
		{"swap", family, BENCH_SWAP, DIRECTOR_L3, 1, false, false, CASE_SWAPPED},             \
		{"fib", family, BENCH_FIB, DIRECTOR_L3, 1, false, false, CASE_ROUTED},                \
		FLOWS3("l2", family, DIRECTOR_L2, BENCH_DIRECTOR, CASE_L2),                           \
		FLOWS3("l3", family, DIRECTOR_L3, BENCH_DIRECTOR, CASE_L3),                           \
		FLOWS3("ipip", family, DIRECTOR_IPIP, BENCH_DIRECTOR, CASE_IPIP),                     \
		FLOWS3("gue", family, DIRECTOR_GUE, BENCH_DIRECTOR, CASE_GUE),                        \
		{"l2 new", family, BENCH_DIRECTOR, DIRECTOR_L2, M, true, false, CASE_L2},             \
		{"l3 new", family, BENCH_DIRECTOR, DIRECTOR_L3, M, true, false, CASE_L3},             \
		{"l2 moving", family, BENCH_DIRECTOR, DIRECTOR_MOVING, M, false, false, CASE_L2},     \
		{"l2 moving new", family, BENCH_DIRECTOR, DIRECTOR_MOVING, M, true, true, CASE_L2},   \
		{"not ours", family, BENCH_DIRECTOR, DIRECTOR_NONE, M, false, false, CASE_UNCHANGED}, \
		FLOWS3("flow table", family, DIRECTOR_L3, BENCH_FLOW_TABLE, CASE_L3)

const struct bench_case bench_cases[] = {
	BOTH(V4),
	{"constant", V4, BENCH_CONSTANT, DIRECTOR_L3, 1, false, false, CASE_CONSTANT},
	BOTH(V6),
};
const uint32_t bench_cases_count = sizeof(bench_cases) / sizeof(*bench_cases);

static struct frame_kind kind_of(const struct bench_case *one)
{
	return (struct frame_kind){.family = one->family, .begins = one->begins, .vip = one->vip};
}

void case_plan(const struct bench_case *one, struct bench_plan *out)
{
	struct frame_kind kind = kind_of(one);

	frame_plan(&kind, out);
	out->target = one->target;
	out->flows = one->flows;
	out->in_order = one->fresh;
}

/* The number of the backend whose address or MAC the packet has now, or of none. */
static uint32_t backend_by_mac(const struct frame *frame)
{
	return frame->bytes[5];
}

static uint32_t backend_by_address(const struct frame *frame, uint8_t family)
{
	return frame->bytes[family == V4 ? 33 : 53];
}

static void expect_backend(const struct bench_case *one, const struct frame *came, struct frame *want)
{
	uint32_t number = one->effect == CASE_L2 ? backend_by_mac(came)
						 : backend_by_address(came, one->family);
	struct sh_ip address = frame_backend(one->family, number);
	uint8_t dst[6], src[6];

	if (number < DIRECTOR_FIRST || number >= DIRECTOR_FIRST + DIRECTOR_BACKENDS)
		return;
	frame_own_mac(src);
	frame_backend_mac(one->effect == CASE_L2 ? number : 0, dst);
	frame_macs(want, dst, src);
	if (one->effect == CASE_L3)
		frame_redirect(want, one->family, &address);
	else if (one->effect != CASE_L2)
		frame_wrap(want, one->family, &address, one->effect == CASE_GUE, came);
}

/* A constant destination, TCP's checksum kept as right or wrong as it was. */
static void expect_constant(const struct bench_case *one, struct frame *want)
{
	static const uint8_t dst[6] = {2, 0, 0, 0, 0, 1}, src[6] = {2, 0, 0, 0, 0, 2};
	struct sh_ip to = frame_backend(one->family, 11);
	uint8_t *check = frame_l4(want, one->family) + 16;
	uint16_t before = frame_tcp_sum(want, one->family), after, now;
	uint32_t sum;

	frame_macs(want, dst, src);
	frame_redirect(want, one->family, &to);
	after = frame_tcp_sum(want, one->family);
	memcpy(&now, check, sizeof(now));
	sum = now + before + (uint16_t)~after;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	now = (uint16_t)sum;
	memcpy(check, &now, sizeof(now));
}

static void expect(const struct bench_case *one, const struct frame *came, struct frame *want)
{
	uint8_t dst[6], src[6];

	frame_own_mac(src);
	frame_backend_mac(0, dst);
	switch (one->effect) {
	case CASE_UNCHANGED:
		break;
	case CASE_SWAPPED:
		memcpy(dst, want->bytes + 6, sizeof(dst));
		memcpy(src, want->bytes, sizeof(src));
		frame_macs(want, dst, src);
		break;
	case CASE_CONSTANT:
		expect_constant(one, want);
		break;
	case CASE_ROUTED:
		frame_macs(want, dst, src);
		frame_route(want, one->family);
		break;
	case CASE_L2:
	case CASE_L3:
	case CASE_IPIP:
	case CASE_GUE:
		expect_backend(one, came, want);
		break;
	}
}

static void show(const char *what, const struct frame *frame)
{
	fprintf(stderr, "  %s ", what);
	for (uint32_t i = 0; i < frame->size; i++)
		fprintf(stderr, "%02x", frame->bytes[i]);
	fprintf(stderr, "\n");
}

void case_check(const struct bench_case *one, struct bed *bed)
{
	uint32_t wanted = one->effect == CASE_UNCHANGED ? XDP_PASS : XDP_TX;
	struct frame_kind kind = kind_of(one);
	struct frame came, want;
	struct bench_plan plan;

	case_plan(one, &plan);
	for (uint32_t i = 0; i < CHECKED; i++) {
		uint32_t flow = (uint32_t)((uint64_t)i * 15731 % one->flows);
		uint32_t verdict = bed_one(bed, one->family, &plan, flow, &came);

		frame_of(&kind, flow, &want);
		expect(one, &came, &want);
		if (verdict == wanted && came.size == want.size && !memcmp(came.bytes, want.bytes, want.size))
			continue;
		fprintf(stderr, "packet bench: %s, family %u, flow %u: verdict %u, not %u, or bytes\n",
			one->name, one->family, flow, verdict, wanted);
		show("came", &came);
		show("want", &want);
		exit(2);
	}
}
