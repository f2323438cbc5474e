/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Random packets through the loaded programs, each looked at by rules.h.
 *
 *	run COUNT SEED [RESULTS]
 *
 * COUNT is shared by three worlds: a director, a node that is director and backend, a backend. Of every
 * packet exactly one reason is counted, by one. In the end what services and backends counted is what was
 * dispatched, in packets and bytes. A reason that no packet ends with says that the dice are bad.
 * The same SEED gives the same packets: a failure names the number of its packet.
 *
 * Exit status: 0, 1 when a rule was broken, 2 when the environment is unusable.
 */
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net.h"
#include "rules.h"
#include "setting.h"
#include "world.h"

#define FAILURES_MAX 5
#define FLOWS_SIZE   4096

static const char *const names[] = {
#define REASON_NAME(symbol, name, words) [SH_##symbol] = (name),
	SH_REASONS(REASON_NAME)};

struct part {
	const char *name;
	enum world_program program;
	bool director, backend;
};

struct work {
	const struct part *part;
	struct world *world;
	uint32_t ifindex;
	struct dice dice;
	uint64_t counted[SH_REASON_COUNT]; /* as it was last read */
	uint64_t dispatched, bytes;
	unsigned int failures;
	struct packet in, out;
};

static void print_hex(const char *title, const struct packet *packet)
{
	printf("  %s ", title);
	for (uint32_t i = 0; i < packet->size; i++)
		printf("%02x", packet->bytes[i]);
	putchar('\n');
}

static void fail(struct work *work, uint64_t number, const char *why, const char *reason)
{
	work->failures++;
	printf("FAIL %s, packet %llu (%s): %s\n", work->part->name, (unsigned long long)number, reason, why);
	print_hex("in ", &work->in);
	print_hex("out", &work->out);
}

/* The one reason that was counted since, or -1. */
static int read_reason(struct work *work)
{
	uint64_t now[SH_REASON_COUNT], more = 0;
	int found = -1;

	world_reasons(work->world, work->part->program, now);
	for (int i = 0; i < SH_REASON_COUNT; i++) {
		more += now[i] - work->counted[i];
		if (now[i] != work->counted[i])
			found = i;
	}
	memcpy(work->counted, now, sizeof(now));
	return more == 1 ? found : -1;
}

static void try(struct work *work, uint64_t number)
{
	struct world_run run = {
		.program = work->part->program,
		.ifindex = work->ifindex,
		.repeat = 1,
		.frame = work->in.bytes,
		.frame_size = work->in.size,
		.out = work->out.bytes,
		.out_size = sizeof(work->out.bytes),
	};
	struct trial trial = {
		.director = work->part->director,
		.backend = work->part->backend,
		.in = &work->in,
		.out = &work->out,
	};
	int error = world_run(work->world, &run), reason;
	const char *broken;

	if (error) {
		fail(work, number, strerror(-error), "the test run");
		return;
	}
	work->out.size = run.out_size;
	reason = read_reason(work);
	if (reason < 0) {
		fail(work, number, "not exactly one reason was counted", "?");
		return;
	}
	trial.verdict = run.verdict;
	trial.reason = names[reason];
	broken = rules_broken(&trial);
	if (broken)
		fail(work, number, broken, trial.reason);
	if (reason <= SH_LOCAL) {
		work->dispatched++;
		work->bytes += work->in.size;
	}
}

/* ---- sums ------------------------------------------------------------------------------------------ */

static bool adds_up(const struct work *work, const char *what, const struct sh_count *counts)
{
	struct sh_count sum = {0};

	for (int i = 0; i < WORLD_ENTRIES; i++) {
		sum.packets += counts[i].packets;
		sum.bytes += counts[i].bytes;
	}
	if (sum.packets == work->dispatched && sum.bytes == work->bytes)
		return true;
	printf("FAIL %s: %s counted %llu packets and %llu bytes, of %llu and %llu\n", work->part->name, what,
	       (unsigned long long)sum.packets, (unsigned long long)sum.bytes,
	       (unsigned long long)work->dispatched, (unsigned long long)work->bytes);
	return false;
}

static bool all_add_up(const struct work *work)
{
	static struct world_counts counts;
	bool services, backends;

	world_counts(work->world, &counts);
	services = adds_up(work, "services", counts.services);
	backends = adds_up(work, "backends", counts.backends);
	return services && backends;
}

/* What the backend's program can say; a director says everything that does not take a backend. */
static bool can_say(const struct part *part, int reason)
{
	switch (reason) {
	case SH_RESTORED:
	case SH_DECAPSULATED:
	case SH_PASS_TUNNEL:
	case SH_DROP_ECN:
		return part->backend;
	case SH_PASS_NOT_IP:
	case SH_PASS_MALFORMED:
	case SH_PASS_PROTOCOL:
	case SH_PASS_NOT_OURS:
		return true;
	case SH_TX:
	case SH_REDIRECT:
	case SH_FIB_TX:
	case SH_KERNEL:
	case SH_LOCAL:
	case SH_PASS_TTL:
	case SH_ECHOED:
	case SH_TOLD_TOO_BIG:
	case SH_TOLD_TTL:
	case SH_DROP_ECHO:
	case SH_DROP_NO_BACKEND:
	case SH_DROP_TOO_BIG:
	case SH_DROP_TTL_LIMIT:
		return part->director;
	}
	return false; /* may, but need not */
}

static bool all_seen(const struct work *work)
{
	bool all = true;

	for (int i = 0; i < SH_REASON_COUNT; i++) {
		if (work->counted[i])
			printf("  %-18s %10llu\n", names[i], (unsigned long long)work->counted[i]);
		if (work->counted[i] || !can_say(work->part, i))
			continue;
		printf("FAIL %s: no packet ended as %s\n", work->part->name, names[i]);
		all = false;
	}
	return all;
}

/* ---- worlds ---------------------------------------------------------------------------------------- */

static bool explore(const struct part *part, uint64_t count, uint64_t seed)
{
	static struct work work;

	memset(&work, 0, sizeof(work));
	work.part = part;
	work.world = world_new(part->director && part->backend, FLOWS_SIZE);
	work.ifindex = if_nametoindex("d0");
	work.dice.state = seed * 0x9e3779b97f4a7c15ULL + (uint64_t)part->program + part->backend + 1;
	setting_fill(work.world);
	for (uint64_t i = 0; i < count && work.failures < FAILURES_MAX; i++) {
		packet_make(&work.dice, &work.in);
		packet_mutate(&work.dice, &work.in);
		try(&work, i);
	}
	printf("property: %s, %llu packets\n", part->name, (unsigned long long)count);
	work.failures += !all_add_up(&work);
	work.failures += count >= 100000 && !all_seen(&work);
	world_free(work.world);
	return !work.failures;
}

static void stay_on_this_cpu(void)
{
	cpu_set_t here;

	CPU_ZERO(&here);
	CPU_SET(sched_getcpu(), &here);
	if (sched_setaffinity(0, sizeof(here), &here))
		perror("sched_setaffinity");
}

static int write_results(const char *path, int passed, int failed)
{
	FILE *file = fopen(path, "we");

	if (!file)
		return -errno;
	fprintf(file, "%d passed, %d failed, 0 skipped\n", passed, failed);
	return fclose(file) ? -errno : 0;
}

int main(int argc, char **argv)
{
	static const struct part parts[] = {
		{"director", WORLD_DIRECTOR, true, false},
		{"director and backend", WORLD_DIRECTOR, true, true},
		{"backend", WORLD_BACKEND, false, true},
	};
	uint64_t count = argc > 2 ? strtoull(argv[1], NULL, 10) : 0,
		 seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
	int passed = 0, failed = 0;

	if (!count || argc > 4) {
		fprintf(stderr, "usage: %s COUNT SEED [RESULTS]\n", argv[0]);
		return 2;
	}
	stay_on_this_cpu();
	setting_goals_make();
	setting_network(net_new());
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		if (explore(&parts[i], count / 3, seed))
			passed++;
		else
			failed++;
	}
	printf("property: %d passed, %d failed (seed %llu)\n", passed, failed, (unsigned long long)seed);
	if (argc > 3 && write_results(argv[3], passed, failed)) {
		perror(argv[3]);
		return 2;
	}
	return failed ? 1 : 0;
}
