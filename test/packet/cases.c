/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Reads a case's facts, runs it, and keeps the tally.
 */
#include "cases.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "compare.h"
#include "flows.h"

struct cases {
	struct tally *tally;
	struct facts facts;
	struct outcome outcome;	  /* of the case; its `out` is what `out last` means in the next */
	uint64_t packets;	  /* of a burst: sent, */
	uint64_t emitted;	  /* events of it, */
	uint64_t missed;	  /* what those say was left out, */
	unsigned int missed_told; /* and how many of them did */
};

/* What the backend's program can say. The director's can say everything. */
static const bool backend_reasons[SH_REASON_COUNT] = {
	[SH_RESTORED] = true,	   [SH_PASS_NOT_IP] = true,   [SH_PASS_MALFORMED] = true,
	[SH_PASS_PROTOCOL] = true, [SH_PASS_FRAGMENT] = true, [SH_PASS_IPV6_EXT] = true,
	[SH_PASS_NOT_OURS] = true,
};

struct cases *cases_new(struct tally *tally)
{
	struct cases *cases = calloc(1, sizeof(*cases));

	if (!cases) {
		perror("calloc");
		exit(2);
	}
	cases->tally = tally;
	return cases;
}

void cases_free(struct cases *cases)
{
	free(cases);
}

static void settle(struct cases *cases, bool passed)
{
	if (!passed) {
		cases->tally->failed++;
		return;
	}
	cases->tally->passed++;
	printf("ok %s\n", cases->facts.name);
}

/* ---- running ----------------------------------------------------------------------------------- */

static int execute(struct cases *cases, struct world *world)
{
	const struct facts *facts = &cases->facts;
	struct outcome *outcome = &cases->outcome;
	struct world_run run = {
		.program = facts->program,
		.ifindex = facts->ifindex,
		.repeat = 1,
		.frame = facts->in.bytes,
		.frame_size = facts->in.size,
		.out = outcome->out.bytes,
		.out_size = sizeof(outcome->out.bytes),
	};
	int error = world_run(world, &run);

	if (error)
		return error;
	outcome->out.size = run.out_size;
	outcome->verdict = run.verdict;
	return 0;
}

static void note_reasons(struct cases *cases)
{
	enum world_program program = cases->facts.program;

	for (int i = 0; i < SH_REASON_COUNT; i++)
		cases->tally->seen[program][i] += cases->outcome.after.reasons[program][i].packets -
						  cases->outcome.before.reasons[program][i].packets;
}

static void run_case(struct cases *cases, struct world *world)
{
	struct outcome *outcome = &cases->outcome;
	bool failed = false;
	int error;

	if (cases->facts.lacking) {
		cases->tally->skipped++;
		printf("skip %s\n", cases->facts.name);
		return;
	}
	world_counts(world, &outcome->before);
	error = execute(cases, world);
	world_counts(world, &outcome->after);
	outcome->events_count = 0;
	world_events(world, outcome_event, outcome);
	note_reasons(cases);
	if (error)
		wrong(&cases->facts, &failed, "the test run failed: %s", strerror(-error));
	settle(cases, !failed && compare(&cases->facts, outcome));
}

void tally_reasons(struct tally *tally)
{
	for (int program = 0; program < 2; program++) {
		for (int i = 0; i < SH_REASON_COUNT; i++) {
			if (tally->seen[program][i] || (program == WORLD_BACKEND && !backend_reasons[i]))
				continue;
			printf("FAIL every-reason: no packet of the %s's program ended as %s\n",
			       program == WORLD_DIRECTOR ? "director" : "backend", reason_names[i]);
			tally->failed++;
		}
	}
}

/* ---- checks ------------------------------------------------------------------------------------ */

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void count_event(const struct sh_event *event, void *arg)
{
	struct cases *cases = arg;

	cases->emitted++;
	cases->missed += event->missed;
	cases->missed_told += event->missed != 0;
}

/* Runs the last case's frame until events have told twice of some that were left out. */
static double run_burst(struct cases *cases, struct world *world)
{
	double begin = seconds();

	cases->packets = cases->emitted = cases->missed = 0;
	cases->missed_told = 0;
	while (cases->missed_told < 2 && seconds() - begin < 10 && !execute(cases, world)) {
		cases->packets++;
		world_events(world, count_event, cases);
	}
	return seconds() - begin;
}

/* Whatever the machine's speed: every packet is emitted or missed, and a window of 100 ms has at
 * most `limit`. The first window may have begun before, and the last has begun just now. */
static bool check_burst(struct cases *cases, struct world *world, uint32_t limit)
{
	double took = run_burst(cases, world);
	bool failed = false;

	if (cases->missed_told < 2 || cases->emitted + cases->missed != cases->packets)
		wrong(&cases->facts, &failed, "%llu packets, %llu events, %llu missed",
		      (unsigned long long)cases->packets, (unsigned long long)cases->emitted,
		      (unsigned long long)cases->missed);
	if ((double)cases->emitted > limit * (took / 0.1 + 2))
		wrong(&cases->facts, &failed, "%llu events in %.3f s", (unsigned long long)cases->emitted,
		      took);
	return !failed;
}

/* The verifier gives up at a million; a kernel that walks more of it should not be the first to tell. */
static bool check_verified(const struct world *world, const struct line *line)
{
	uint32_t most = line_number(line, 4), walked = world_verified(world, line, 3);

	printf("# %s: the verifier walked %u instructions, %u are allowed\n", line_word(line, 1), walked,
	       most);
	return walked <= most;
}

static void check(struct cases *cases, struct world *world, const struct line *line)
{
	const char *what = line_word(line, 2);
	bool passed = false;

	snprintf(cases->facts.name, TEXT_SIZE, "%s", line_word(line, 1));
	if (!strcmp(what, "burst"))
		passed = check_burst(cases, world, line_number(line, 3));
	else if (!strcmp(what, "verified"))
		passed = check_verified(world, line);
	else if (!flows_check(&cases->facts, world, line, &passed))
		line_fail(line, "no such check");
	settle(cases, passed);
}

/* ---- verbs ------------------------------------------------------------------------------------- */

static uint32_t index_of(const struct line *line, int word, const char *const *names, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (!strcmp(line_word(line, word), names[i]))
			return i;
	line_fail(line, "no such name");
}

static void begin(struct cases *cases, const struct line *line)
{
	struct facts *facts = &cases->facts;

	memset(facts, 0, sizeof(*facts));
	line_rest(line, 1, facts->name, sizeof(facts->name));
}

static void add_out(struct cases *cases, const struct line *line)
{
	struct facts *facts = &cases->facts;
	struct frame *out = &facts->outs[facts->outs_count];

	if (facts->outs_count == OUTS_MAX)
		line_fail(line, "too many frames");
	facts->outs_count++;
	if (!strcmp(line_word(line, 1), "last"))
		*out = cases->outcome.out;
	else
		out->size = line_hex(line, 1, out->bytes, sizeof(out->bytes));
}

static void add_event(struct cases *cases, const struct line *line)
{
	struct facts *facts = &cases->facts;

	if (facts->events_count == EVENTS_MAX)
		line_fail(line, "too many events");
	line_rest(line, 1, facts->events[facts->events_count++], TEXT_SIZE);
}

/* The verbs that state one fact of the case. */
static bool fact(struct facts *facts, const struct net *net, const struct line *line)
{
	const char *verb = line_word(line, 0);

	if (!strcmp(verb, "program")) {
		facts->program = !strcmp(line_word(line, 1), "backend") ? WORLD_BACKEND : WORLD_DIRECTOR;
	} else if (!strcmp(verb, "from")) {
		facts->ifindex = line_device(line, 1);
	} else if (!strcmp(verb, "in")) {
		facts->in.size = line_hex(line, 1, facts->in.bytes, sizeof(facts->in.bytes));
	} else if (!strcmp(verb, "want")) {
		facts->verdict = index_of(line, 1, verdict_names, XDP_REDIRECT + 1);
		facts->reason = index_of(line, 2, reason_names, SH_REASON_COUNT);
	} else if (!strcmp(verb, "count")) {
		facts->service = line_number(line, 1);
		facts->backend = line_number(line, 2);
	} else if (!strcmp(verb, "needs")) {
		facts->lacking = !net_has(net, line_word(line, 1));
	} else {
		return false;
	}
	return true;
}

bool cases_verb(struct cases *cases, struct world *world, const struct net *net, const struct line *line)
{
	const char *verb = line_word(line, 0);

	if (!world)
		line_fail(line, "no world yet");
	if (!strcmp(verb, "case"))
		begin(cases, line);
	else if (!strcmp(verb, "out"))
		add_out(cases, line);
	else if (!strcmp(verb, "event"))
		add_event(cases, line);
	else if (!strcmp(verb, "run"))
		run_case(cases, world);
	else if (!strcmp(verb, "check"))
		check(cases, world, line);
	else
		return fact(&cases->facts, net, line);
	return true;
}
