/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Flows are numbered (frames.h): what floods comes first, then those that are there, kind by kind.
 *
 * Times are ratios to the router's of the same round, as everywhere in this run.
 */
#include "flood.h"

#include <linux/bpf.h>

#include "cases.h"
#include "die.h"

#define ROUNDS 5

const char *const flood_names[FLOOD_KINDS] = {
	[FLOOD_STEADY] = "steady",
	[FLOOD_REMEMBERED] = "moving, begun there",
	[FLOOD_BEFORE] = "moving, begun before",
};

static uint32_t first_flow(enum flood_kind kind)
{
	return FLOOD_SYNS + kind * FLOOD_FLOWS;
}

static void plan_of(enum flood_kind kind, bool begins, struct bench_plan *out)
{
	const struct bench_case one = {
		.family = SH_FAMILY_IPV4,
		.target = BENCH_DIRECTOR,
		.vip = kind == FLOOD_STEADY ? DIRECTOR_L2 : DIRECTOR_MOVING,
		.flows = FLOOD_FLOWS,
		.begins = begins,
	};

	case_plan(&one, out);
	out->first = first_flow(kind);
}

/* The last byte of the MAC that a packet of the flow leaves for. */
static uint8_t backend_of(struct bed *bed, enum flood_kind kind, bool begins, uint32_t flow)
{
	struct bench_plan plan;
	struct frame came;

	plan_of(kind, begins, &plan);
	if (bed_one(bed, SH_FAMILY_IPV4, &plan, plan.first + flow, &came) != XDP_TX)
		die("a flow's packet is not forwarded");
	return came.bytes[5];
}

/* Begins the flows that are to be remembered: a SYN, and a packet more. */
static void begin(struct bed *bed, uint8_t backends[FLOOD_KINDS][FLOOD_FLOWS])
{
	for (uint32_t flow = 0; flow < FLOOD_FLOWS; flow++) {
		uint8_t begun = backend_of(bed, FLOOD_REMEMBERED, true, flow);

		for (enum flood_kind kind = 0; kind < FLOOD_KINDS; kind++)
			backends[kind][flow] = backend_of(bed, kind, false, flow);
		if (backends[FLOOD_REMEMBERED][flow] != begun)
			die("a flow is not remembered");
	}
}

static uint32_t count_astray(struct bed *bed, uint8_t backends[FLOOD_KINDS][FLOOD_FLOWS])
{
	uint32_t astray = 0;

	for (enum flood_kind kind = 0; kind < FLOOD_KINDS; kind++)
		for (uint32_t flow = 0; flow < FLOOD_FLOWS; flow++)
			astray += backend_of(bed, kind, false, flow) != backends[kind][flow];
	return astray;
}

static double net_ns(struct bed *bed, const struct bench_plan *plan, double empty)
{
	struct bed_run run;

	bed_run(bed, SH_FAMILY_IPV4, plan, &run);
	return run.ns - empty;
}

static int by_value(const void *left, const void *right)
{
	const double a = *(const double *)left, b = *(const double *)right;

	return (a > b) - (a < b);
}

static void measure(struct bed *bed, double out[FLOOD_KINDS])
{
	struct bench_case yardstick = {.family = SH_FAMILY_IPV4, .vip = DIRECTOR_L3, .flows = 1};
	double ratios[FLOOD_KINDS][ROUNDS];
	struct bench_plan plan;

	for (int round = 0; round < ROUNDS; round++) {
		double empty, router;

		yardstick.target = BENCH_EMPTY;
		case_plan(&yardstick, &plan);
		empty = net_ns(bed, &plan, 0);
		yardstick.target = BENCH_FIB;
		case_plan(&yardstick, &plan);
		router = net_ns(bed, &plan, empty);
		for (enum flood_kind kind = 0; kind < FLOOD_KINDS; kind++) {
			plan_of(kind, false, &plan);
			ratios[kind][round] = net_ns(bed, &plan, empty) / router;
		}
	}
	for (enum flood_kind kind = 0; kind < FLOOD_KINDS; kind++) {
		qsort(ratios[kind], ROUNDS, sizeof(ratios[kind][0]), by_value);
		out[kind] = ratios[kind][ROUNDS / 2];
	}
}

void flood_run(struct bed *bed, struct flood *out)
{
	static uint8_t backends[FLOOD_KINDS][FLOOD_FLOWS];
	double before[FLOOD_KINDS], after[FLOOD_KINDS];
	struct bench_plan syns;

	begin(bed, backends);
	measure(bed, before);
	plan_of(FLOOD_REMEMBERED, true, &syns);
	syns.flows = FLOOD_SYNS;
	syns.first = 0;
	bed_warm(bed, SH_FAMILY_IPV4, &syns);
	measure(bed, after);
	out->astray = count_astray(bed, backends);
	for (enum flood_kind kind = 0; kind < FLOOD_KINDS; kind++)
		out->slower[kind] = after[kind] / before[kind];
}
