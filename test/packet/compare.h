/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a case states, what came of it, and the comparison of the two.
 */
#ifndef TEST_PACKET_COMPARE_H
#define TEST_PACKET_COMPARE_H

#include <stdbool.h>

#include <linux/bpf.h>

#include "world.h"

#define FRAME_MAX  2048
#define OUTS_MAX   8
#define EVENTS_MAX 4
#define TEXT_SIZE  256

struct frame {
	uint8_t bytes[FRAME_MAX];
	uint32_t size;
};

struct facts {
	char name[TEXT_SIZE];
	enum world_program program;
	uint32_t ifindex;
	struct frame in;
	uint32_t verdict;
	enum sh_reason reason;
	struct frame outs[OUTS_MAX]; /* any of them; none: nothing is said of the bytes */
	int outs_count;
	uint32_t service; /* 0: neither service nor backend is counted */
	uint32_t backend; /* 0 with a service: any */
	char events[EVENTS_MAX][TEXT_SIZE];
	int events_count;
	bool lacking; /* what it needs is not there */
};

struct outcome {
	struct frame out;
	uint32_t verdict;
	struct world_counts before, after;
	char events[EVENTS_MAX + 1][TEXT_SIZE]; /* one more than a case can state */
	int events_count;
};

extern const char *const reason_names[SH_REASON_COUNT];
extern const char *const verdict_names[XDP_REDIRECT + 1];

/* Says what is wrong with a case: the first time behind FAIL and its name. Sets *failed. */
__attribute__((format(printf, 3, 4))) void wrong(const struct facts *facts, bool *failed, const char *format,
						 ...);

/* Adds an event to the struct outcome; to be handed to world_events. */
void outcome_event(const struct sh_event *event, void *outcome);

/* False when anything differs; each difference has then been printed. */
bool compare(const struct facts *facts, const struct outcome *outcome);

#endif
