/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The test bed: a network namespace of the runner's own with one veth pair, and in it all programs loaded,
 * each within reach of the prologue. It is made anew several times in a run, as where the kernel places the
 * maps' pages counts.
 */
#ifndef BENCH_BED_H
#define BENCH_BED_H

#include <stdint.h>

#include "frames.h"

struct bed;

/* What one test run gave. */
struct bed_run {
	double ns; /* per packet, median over the chunks that count */
	uint64_t packets;
	uint64_t misses; /* of the flow-table variant */
};

/* Once: the namespace, the pair, routes and permanent neighbours for the router yardstick. */
void bed_network(void);

struct bed *bed_new(void);
void bed_free(struct bed *bed);

/* Runs BENCH_CHUNKS * BENCH_CHUNK packets of the plan. */
void bed_run(struct bed *bed, uint8_t family, const struct bench_plan *plan, struct bed_run *out);

/* One packet of flow `flow`: what comes out. Returns the verdict. */
uint32_t bed_one(struct bed *bed, uint8_t family, const struct bench_plan *plan, uint32_t flow,
		 struct frame *out);

/* Every flow of the plan once, so that tables know them. */
void bed_warm(struct bed *bed, uint8_t family, const struct bench_plan *plan);

/* Frames sent into the pair and come back through the target, all on this CPU. Packets a second, of those
 * that arrived. */
double bed_live(struct bed *bed, const struct bench_plan *plan, uint64_t packets);

#endif
