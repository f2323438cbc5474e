/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a packet costs: the director beside yardsticks, in one run on one CPU.
 *
 *	run [LOADS [ROUNDS]]
 *
 * All programs are loaded LOADS times (live: LIVE_LOADS times); each time every case is checked, and then all
 *are run one after the other in ROUNDS rounds of some thousand packets. The net time of a case in a round is
 *its time less that of the empty program in the same round, and the ratio that to IPv4's router in the same
 *round: a machine that is now fast and now slow does not show in it. What is printed are medians over all
 *rounds. Lines, for bench.py:
 *
 *	case NAME FAMILY FLOWS NET_NS RATIO MISSES_PERCENT
 *	live NAME PACKETS_PER_SECOND RATIO
 *	flood NAME RATIO			(flood.h)
 *	astray FLOWS OF
 *
 * Exit status: 0; 2 where it cannot be measured, or a case does not do what it should.
 */
#include <sched.h>

#include "cases.h"
#include "die.h"
#include "flood.h"

#define CASES_MAX    128
#define LOADS	     4
#define ROUNDS	     8
#define LIVE_LOADS   12 /* where tables come to lie differs from load to load, and shows: 0.03 */
#define LIVE_ROUNDS  4
#define LIVE_PACKETS 300000

struct samples {
	double *values;
	double *ratios;
	uint32_t count;
	uint64_t packets;
	uint64_t misses;
};

static int by_value(const void *left, const void *right)
{
	const double a = *(const double *)left, b = *(const double *)right;

	return (a > b) - (a < b);
}

static double median(double *values, uint32_t count)
{
	qsort(values, count, sizeof(*values), by_value);
	return values[count / 2];
}

/* In front of whatever else wants this CPU: a run of a few milliseconds is not cut in pieces. */
static void take_this_cpu(void)
{
	const struct sched_param first = {.sched_priority = 1};
	cpu_set_t here;

	CPU_ZERO(&here);
	CPU_SET(sched_getcpu(), &here);
	if (sched_setaffinity(0, sizeof(here), &here))
		die("sched_setaffinity");
	if (sched_setscheduler(0, SCHED_FIFO, &first))
		die("sched_setscheduler");
}

/* Fresh flows: those of no round before. */
static void run_case(struct bed *bed, const struct bench_case *one, uint32_t round, struct bed_run *out)
{
	struct bench_plan plan;

	case_plan(one, &plan);
	if (one->fresh)
		plan.first = round * BENCH_CHUNK * (BENCH_CHUNKS + 1);
	bed_run(bed, one->family, &plan, out);
}

/* The values of the round to that of IPv4's router. */
static void relate(struct samples *all)
{
	double router = 0;

	for (uint32_t i = 0; i < bench_cases_count && router == 0; i++)
		if (bench_cases[i].target == BENCH_FIB)
			router = all[i].values[all[i].count];
	for (uint32_t i = 0; i < bench_cases_count; i++) {
		all[i].ratios[all[i].count] = all[i].values[all[i].count] / router;
		all[i].count++;
	}
}

static void run_round(struct bed *bed, uint32_t round, struct samples *all)
{
	struct bed_run run, empty = {0};

	for (uint32_t i = 0; i < bench_cases_count; i++) {
		const struct bench_case *one = &bench_cases[i];

		run_case(bed, one, round, &run);
		if (one->target == BENCH_EMPTY)
			empty = run;
		all[i].values[all[i].count] = one->target == BENCH_EMPTY ? run.ns : run.ns - empty.ns;
		all[i].packets += run.packets;
		all[i].misses += run.misses;
	}
	relate(all);
}

static void prepare(struct bed *bed)
{
	struct bench_plan plan;

	for (uint32_t i = 0; i < bench_cases_count; i++) {
		case_check(&bench_cases[i], bed);
		case_plan(&bench_cases[i], &plan);
		if (plan.target == BENCH_FLOW_TABLE)
			bed_warm(bed, bench_cases[i].family, &plan);
	}
}

/* What is measured live; the others' ratios are to the first. */
static const struct {
	const char *name;
	struct bench_case on;
} lives[] = {
	{"swap", {.family = SH_FAMILY_IPV4, .target = BENCH_SWAP, .flows = 1000000}},
	{"l2", {.family = SH_FAMILY_IPV4, .target = BENCH_DIRECTOR, .vip = DIRECTOR_L2, .flows = 1000000}},
	{"l2 with the largest ring",
	 {.family = SH_FAMILY_IPV4, .target = BENCH_DIRECTOR, .vip = DIRECTOR_LARGE, .flows = 1000000}},
};

#define LIVES (sizeof(lives) / sizeof(lives[0]))

static void run_live(struct samples live[static LIVES])
{
	struct bed *bed = bed_new();
	struct bench_plan plan;

	for (uint32_t round = 0; round < LIVE_ROUNDS; round++) {
		uint32_t at = live[0].count;

		for (uint32_t i = 0; i < LIVES; i++) {
			case_plan(&lives[i].on, &plan);
			live[i].values[at] = bed_live(bed, &plan, LIVE_PACKETS);
			live[i].ratios[at] = live[i].values[at] / live[0].values[at];
			live[i].count++;
		}
	}
	bed_free(bed);
}

static void print_live(struct samples live[static LIVES])
{
	for (uint32_t i = 0; i < LIVES; i++)
		printf("live\t%s\t%.0f\t%.3f\n", lives[i].name, median(live[i].values, live[i].count),
		       median(live[i].ratios, live[i].count));
}

/* Over all loads: medians, and how many went astray in all. */
static void print_floods(const struct flood *floods, uint32_t count)
{
	double *slower = calloc(count, sizeof(*slower));
	uint32_t astray = 0;

	if (!slower)
		die("calloc");
	for (enum flood_kind kind = 0; kind < FLOOD_KINDS; kind++) {
		for (uint32_t i = 0; i < count; i++)
			slower[i] = floods[i].slower[kind];
		printf("flood\t%s\t%.3f\n", flood_names[kind], median(slower, count));
	}
	for (uint32_t i = 0; i < count; i++)
		astray += floods[i].astray;
	printf("astray\t%u\t%u\n", astray, count * FLOOD_KINDS * FLOOD_FLOWS);
	free(slower);
}

static void samples_new(struct samples *samples, uint32_t most)
{
	samples->values = calloc(most, sizeof(*samples->values));
	samples->ratios = calloc(most, sizeof(*samples->ratios));
	if (!samples->values || !samples->ratios)
		die("calloc");
}

static void print_cases(struct samples *all)
{
	for (uint32_t i = 0; i < bench_cases_count; i++) {
		const struct bench_case *one = &bench_cases[i];

		printf("case\t%s\t%u\t%u\t%.2f\t%.3f\t%.2f\n", one->name, one->family, one->flows,
		       median(all[i].values, all[i].count), median(all[i].ratios, all[i].count),
		       100.0 * (double)all[i].misses / (double)all[i].packets);
	}
}

int main(int argc, char **argv)
{
	uint32_t loads = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : LOADS;
	uint32_t rounds = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : ROUNDS;
	struct samples all[CASES_MAX] = {0}, live[LIVES] = {0};
	struct flood *floods = calloc(loads, sizeof(*floods));

	if (!floods)
		die("calloc");
	for (uint32_t i = 0; i < bench_cases_count; i++)
		samples_new(&all[i], loads * rounds);
	for (uint32_t i = 0; i < LIVES; i++)
		samples_new(&live[i], LIVE_LOADS * LIVE_ROUNDS);
	take_this_cpu();
	bed_network();
	for (uint32_t load = 0; load < loads; load++) {
		struct bed *bed = bed_new();

		prepare(bed);
		for (uint32_t round = 0; round < rounds; round++)
			run_round(bed, round, all);
		flood_run(bed, &floods[load]);
		bed_free(bed);
	}
	for (uint32_t load = 0; load < LIVE_LOADS; load++)
		run_live(live);
	print_cases(all);
	print_live(live);
	print_floods(floods, loads);
	free(floods);
	return 0;
}
