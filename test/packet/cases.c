/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Runs a case and compares: verdict, bytes, reason, counters, events.
 */
#include "cases.h"

#include <arpa/inet.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

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
	struct frame outs[OUTS_MAX];
	int outs_count;
	uint32_t service; /* 0: neither service nor backend is counted */
	uint32_t backend; /* 0 with a service: any */
	char events[EVENTS_MAX][TEXT_SIZE];
	int events_count;
	bool lacking; /* what it needs is not there */
};

struct cases {
	struct tally *tally;
	struct facts facts;
	struct frame last;
	bool failed; /* the case being compared */
	struct world_counts before, after;
	char seen[EVENTS_MAX + 1][TEXT_SIZE]; /* events of the case */
	int seen_count;
	uint64_t emitted, missed; /* of a burst */
};

#define REASON_NAME(symbol, name, words) name,
static const char *const reason_names[] = {SH_REASONS(REASON_NAME)};
static const char *const verdict_names[] = {"aborted", "drop", "pass", "tx", "redirect"};

/* What the backend's program can say. The director's can say everything. */
static const bool backend_reasons[SH_REASON_COUNT] = {
	[SH_RESTORED] = true,	   [SH_PASS_NOT_IP] = true,   [SH_PASS_MALFORMED] = true,
	[SH_PASS_PROTOCOL] = true, [SH_PASS_FRAGMENT] = true, [SH_PASS_IPV6_EXT] = true,
	[SH_PASS_NOT_OURS] = true,
};

static uint32_t index_of(const struct line *line, int word, const char *const *names, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (!strcmp(line_word(line, word), names[i]))
			return i;
	line_fail(line, "no such name");
}

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

/* ---- telling ----------------------------------------------------------------------------------- */

__attribute__((format(printf, 2, 3))) static void wrong(struct cases *cases, const char *format, ...)
{
	va_list args;

	printf(cases->failed ? "    " : "FAIL %s: ", cases->facts.name);
	cases->failed = true;
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
}

static void settle(struct cases *cases)
{
	if (cases->failed) {
		cases->tally->failed++;
		return;
	}
	cases->tally->passed++;
	printf("ok %s\n", cases->facts.name);
}

static void print_row(const char *what, const struct frame *frame, uint32_t from)
{
	printf("    %s %04x:", what, from);
	for (uint32_t i = from; i < frame->size && i < from + 16; i++)
		printf(" %02x", frame->bytes[i]);
	putchar('\n');
}

/* The rows of 16 bytes in which the two differ. */
static void print_difference(const struct frame *want, const struct frame *got)
{
	uint32_t size = want->size > got->size ? want->size : got->size;

	for (uint32_t row = 0; row < size; row += 16) {
		uint32_t end = row + 16 < size ? row + 16 : size;

		if (end <= want->size && end <= got->size &&
		    !memcmp(want->bytes + row, got->bytes + row, end - row))
			continue;
		print_row("want", want, row);
		print_row("got ", got, row);
	}
}

/* ---- events ------------------------------------------------------------------------------------ */

static void format_event(const struct sh_event *event, char text[TEXT_SIZE])
{
	int family = event->family == SH_FAMILY_IPV4 ? AF_INET : AF_INET6;
	char client[INET6_ADDRSTRLEN], vip[INET6_ADDRSTRLEN];

	inet_ntop(family, event->client.w, client, sizeof(client));
	inet_ntop(family, event->vip.w, vip, sizeof(vip));
	snprintf(text, TEXT_SIZE, "%s service %u backend %u %s %s %u > %s %u missed %u",
		 event->reason < SH_REASON_COUNT ? reason_names[event->reason] : "?", event->service,
		 event->backend, event->protocol == IPPROTO_TCP ? "tcp" : "udp", client,
		 ntohs(event->client_port), vip, ntohs(event->vip_port), event->missed);
}

static void note_event(const struct sh_event *event, void *arg)
{
	struct cases *cases = arg;

	if (cases->seen_count <= EVENTS_MAX)
		format_event(event, cases->seen[cases->seen_count++]);
}

static void compare_events(struct cases *cases, struct world *world)
{
	const struct facts *facts = &cases->facts;

	cases->seen_count = 0;
	world_events(world, note_event, cases);
	for (int i = 0; i < cases->seen_count || i < facts->events_count; i++) {
		const char *want = i < facts->events_count ? facts->events[i] : "none";
		const char *got = i < cases->seen_count ? cases->seen[i] : "none";

		if (strcmp(want, got) != 0)
			wrong(cases, "event %s, not %s", got, want);
	}
}

static void count_event(const struct sh_event *event, void *arg)
{
	struct cases *cases = arg;

	cases->emitted++;
	cases->missed += event->missed;
}

/* ---- comparing --------------------------------------------------------------------------------- */

/* Exactly one packet more at `expected`, if that is one, and nothing elsewhere. Index 0 of `any`
 * stands for "one of them". */
static void compare_counts(struct cases *cases, const char *what, const struct sh_count *before,
			   const struct sh_count *after, uint32_t entries, int64_t expected)
{
	uint32_t size = cases->facts.in.size;

	for (uint32_t i = 0; i < entries; i++) {
		uint64_t packets = after[i].packets - before[i].packets;
		uint64_t bytes = after[i].bytes - before[i].bytes;
		bool due = i == expected;

		if (packets != due || bytes != (due ? size : 0))
			wrong(cases, "%s %u: %llu packets and %llu bytes counted, not %u and %u", what, i,
			      (unsigned long long)packets, (unsigned long long)bytes, due, due ? size : 0);
	}
}

/* The backend that was counted, for a case that leaves it open; 0 where none was. */
static uint32_t counted_backend(const struct cases *cases)
{
	for (uint32_t i = 0; i < WORLD_ENTRIES; i++)
		if (cases->after.backends[i].packets != cases->before.backends[i].packets)
			return i;
	return 0;
}

static void compare_reason(struct cases *cases)
{
	const struct facts *facts = &cases->facts;

	for (uint32_t i = 0; i < SH_REASON_COUNT; i++) {
		uint64_t packets = cases->after.reasons[facts->program][i].packets -
				   cases->before.reasons[facts->program][i].packets;

		cases->tally->seen[facts->program][i] += packets;
		if (packets && i != facts->reason)
			wrong(cases, "reason %s, not %s", reason_names[i], reason_names[facts->reason]);
	}
}

static void compare_all_counts(struct cases *cases)
{
	const struct facts *facts = &cases->facts;
	const struct world_counts *before = &cases->before, *after = &cases->after;
	int64_t backend = facts->backend;

	if (!facts->service)
		backend = -1;
	else if (!facts->backend)
		backend = counted_backend(cases);
	for (int i = 0; i < 2; i++)
		compare_counts(cases, i == WORLD_DIRECTOR ? "director's reason" : "backend's reason",
			       before->reasons[i], after->reasons[i], SH_REASON_COUNT,
			       i == (int)facts->program ? (int64_t)facts->reason : -1);
	compare_counts(cases, "service", before->services, after->services, WORLD_ENTRIES,
		       facts->service ? (int64_t)facts->service : -1);
	compare_counts(cases, "backend", before->backends, after->backends, WORLD_ENTRIES, backend);
}

static bool frame_equal(const struct frame *a, const struct frame *b)
{
	return a->size == b->size && !memcmp(a->bytes, b->bytes, a->size);
}

static void compare_bytes(struct cases *cases, const struct frame *got)
{
	const struct facts *facts = &cases->facts;

	for (int i = 0; i < facts->outs_count; i++)
		if (frame_equal(&facts->outs[i], got))
			return;
	if (!facts->outs_count)
		return;
	wrong(cases, "%u bytes came out, not the %u expected%s", got->size, facts->outs[0].size,
	      facts->outs_count > 1 ? " (nor another of the frames allowed)" : "");
	print_difference(&facts->outs[0], got);
}

static void compare_verdict(struct cases *cases, uint32_t verdict)
{
	if (verdict != cases->facts.verdict)
		wrong(cases, "verdict %s, not %s", verdict <= XDP_REDIRECT ? verdict_names[verdict] : "?",
		      verdict_names[cases->facts.verdict]);
}

static int execute(struct cases *cases, struct world *world, struct frame *got, uint32_t *verdict)
{
	const struct facts *facts = &cases->facts;
	struct world_run run = {
		.program = facts->program,
		.ifindex = facts->ifindex,
		.repeat = 1,
		.frame = facts->in.bytes,
		.frame_size = facts->in.size,
		.out = got->bytes,
		.out_size = sizeof(got->bytes),
	};
	int error = world_run(world, &run);

	if (error)
		return error;
	got->size = run.out_size;
	*verdict = run.verdict;
	return 0;
}

static void run_case(struct cases *cases, struct world *world)
{
	struct frame got;
	uint32_t verdict;
	int error;

	cases->failed = false;
	if (cases->facts.lacking) {
		cases->tally->skipped++;
		printf("skip %s\n", cases->facts.name);
		return;
	}
	world_counts(world, &cases->before);
	error = execute(cases, world, &got, &verdict);
	if (error) {
		wrong(cases, "the test run failed: %s", strerror(-error));
		settle(cases);
		return;
	}
	world_counts(world, &cases->after);
	compare_reason(cases);
	compare_verdict(cases, verdict);
	compare_bytes(cases, &got);
	compare_all_counts(cases);
	compare_events(cases, world);
	settle(cases);
	cases->last = got;
}

/* ---- checks ------------------------------------------------------------------------------------ */

static void check_flow(struct cases *cases, struct world *world, const struct line *line)
{
	uint32_t backend = world_flow(world, line, 3);

	for (int i = 7; i < line->count; i++)
		if (backend == line_number(line, i))
			return;
	wrong(cases, "the flow is remembered for backend %u", backend);
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/*
 * Runs the last case's frame until events have told of some that were missed. Whatever the
 * machine's speed: every packet is emitted or missed, and a window of 100 ms has at most `limit`.
 */
static void check_burst(struct cases *cases, struct world *world, uint32_t limit)
{
	double begin = seconds();
	uint64_t packets = 0;
	struct frame got;
	uint32_t verdict;

	cases->emitted = cases->missed = 0;
	while (!cases->missed && seconds() - begin < 10) {
		if (execute(cases, world, &got, &verdict))
			break;
		packets++;
		world_events(world, count_event, cases);
	}
	if (!cases->missed || cases->emitted + cases->missed != packets)
		wrong(cases, "%llu packets, %llu events, %llu missed", (unsigned long long)packets,
		      (unsigned long long)cases->emitted, (unsigned long long)cases->missed);
	/* The first window may have begun before, and the last has begun just now. */
	if ((double)cases->emitted > limit * ((seconds() - begin) / 0.1 + 2))
		wrong(cases, "%llu events in %.3f s", (unsigned long long)cases->emitted, seconds() - begin);
}

static void check(struct cases *cases, struct world *world, const struct line *line)
{
	const char *what = line_word(line, 2);

	cases->failed = false;
	snprintf(cases->facts.name, TEXT_SIZE, "%s", line_word(line, 1));
	if (!strcmp(what, "flow"))
		check_flow(cases, world, line);
	else if (!strcmp(what, "burst"))
		check_burst(cases, world, line_number(line, 3));
	else if (strcmp(what, "flows") != 0)
		line_fail(line, "no such check");
	else if (world_flows(world) > line_number(line, 3))
		wrong(cases, "%u flows are remembered", world_flows(world));
	settle(cases);
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

/* ---- verbs ------------------------------------------------------------------------------------- */

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
		*out = cases->last;
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
