/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Packets in, packets out: runs the loaded programs on frames and compares all that comes of it.
 *
 *	run CASES [RESULTS]
 *
 * CASES is written by cases.py (and needs no Python where it is run). Beside the verbs of world.h
 * and net.h:
 *
 *	world [restore] [flows N]	programs loaded anew, empty maps
 *	case NAME			begins a case, of:
 *	  program director|backend	(director)
 *	  from DEVICE
 *	  in HEX
 *	  want VERDICT REASON
 *	  out HEX | out last		bytes that must come out; several: any of them. `last` is what
 *					the previous case gave
 *	  count SERVICE BACKEND		what is counted besides the reason (BACKEND 0: any one),
 *					and nothing else may be
 *	  event TEXT			an event that must have been emitted; no others may be
 *	  needs TAG			skipped without it
 *	run				runs the case
 *	check NAME ...			of what is remembered of flows (flows.h)
 *	check NAME burst LIMIT						events keep to the limit
 *	check NAME verified PROGRAM LIMIT			what the verifier walks of it
 *
 * Every reason must have been seen at least once, else the run has failed. Exit status: 0, 1 when
 * a case failed, 2 when the file or the environment is unusable.
 */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "cases.h"
#include "net.h"
#include "world.h"

/* Worlds that were made: one for each way to load the programs. */
struct worlds {
	struct world *of[16];
	size_t count;
};

static struct world *world_like(struct worlds *worlds, bool restore, uint32_t flows_size)
{
	size_t i = 0;

	while (i < worlds->count && !world_is(worlds->of[i], restore, flows_size))
		i++;
	if (i < worlds->count) {
		world_empty(worlds->of[i]);
		return worlds->of[i];
	}
	if (i == sizeof(worlds->of) / sizeof(*worlds->of))
		return NULL;
	worlds->of[i] = world_new(restore, flows_size);
	worlds->count++;
	return worlds->of[i];
}

static struct world *renew(struct worlds *worlds, const struct line *line)
{
	struct world *world;
	uint32_t flows_size = 64;
	bool restore = false;

	for (int i = 1; i < line->count; i++) {
		if (!strcmp(line->words[i], "restore"))
			restore = true;
		else if (!strcmp(line->words[i], "flows"))
			flows_size = line_number(line, ++i);
		else
			line_fail(line, "restore, or flows N");
	}
	world = world_like(worlds, restore, flows_size);
	if (!world)
		line_fail(line, "too many kinds of worlds");
	return world;
}

static void walk(FILE *file, struct line *line, struct tally *tally)
{
	struct net *net = net_new();
	struct worlds worlds = {0};
	struct world *world = NULL;
	struct cases *cases = cases_new(tally);

	while (line_read(file, line)) {
		if (net_verb(net, line))
			continue;
		if (!strcmp(line->words[0], "world"))
			world = renew(&worlds, line);
		else if (!world_verb(world, line) && !cases_verb(cases, world, net, line))
			line_fail(line, "no such verb");
	}
	cases_free(cases);
	for (size_t i = 0; i < worlds.count; i++)
		world_free(worlds.of[i]);
	net_free(net);
}

/* One CPU, so that what is kept per CPU (events) is one account. */
static void stay_on_this_cpu(void)
{
	cpu_set_t here;

	CPU_ZERO(&here);
	CPU_SET(sched_getcpu(), &here);
	if (sched_setaffinity(0, sizeof(here), &here))
		perror("sched_setaffinity");
}

static int write_results(const char *path, const struct tally *tally)
{
	FILE *file = fopen(path, "we");

	if (!file)
		return -errno;
	fprintf(file, "%d passed, %d failed, %d skipped\n", tally->passed, tally->failed, tally->skipped);
	return fclose(file) ? -errno : 0;
}

int main(int argc, char **argv)
{
	struct tally tally = {0};
	struct line line = {0};
	FILE *file;

	if (argc < 2 || argc > 3) {
		fprintf(stderr, "usage: %s CASES [RESULTS]\n", argv[0]);
		return 2;
	}
	line.file = argv[1];
	file = fopen(argv[1], "re");
	if (!file) {
		perror(argv[1]);
		return 2;
	}
	stay_on_this_cpu();
	walk(file, &line, &tally);
	fclose(file);
	line_free(&line);
	tally_reasons(&tally);
	printf("packet: %d passed, %d failed, %d skipped\n", tally.passed, tally.failed, tally.skipped);
	if (argc > 2 && write_results(argv[2], &tally)) {
		perror(argv[2]);
		return 2;
	}
	return tally.failed ? 1 : 0;
}
