/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What is measured, as a table, and the check that a case does what it is measured for.
 */
#ifndef BENCH_CASES_H
#define BENCH_CASES_H

#include "bed.h"
#include "director.h"

enum case_effect {
	CASE_UNCHANGED, /* passed as it came */
	CASE_SWAPPED,
	CASE_CONSTANT,
	CASE_ROUTED, /* one hop less, to the router's MAC */
	CASE_L2,     /* to the MAC of a backend */
	CASE_IPIP,   /* whole, in a tunnel to a backend */
	CASE_GUE,
	CASE_L3, /* routed, with a backend's address for the VIP's */
};

struct bench_case {
	const char *name;
	uint8_t family;
	uint32_t target; /* enum bench_target */
	uint32_t vip;	 /* enum director_service */
	uint32_t flows;
	bool begins; /* SYNs; of flows that are all new where `fresh` */
	bool fresh;
	enum case_effect effect;
};

extern const struct bench_case bench_cases[];
extern const uint32_t bench_cases_count;

void case_plan(const struct bench_case *one, struct bench_plan *out);

/* Some packets through the case: verdict and bytes must be as the table says, else the run ends. */
void case_check(const struct bench_case *one, struct bed *bed);

#endif
