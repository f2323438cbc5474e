/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * `shunt events`: what happens, as it happens: dispatches (sampled by the packet path), and
 * changes of routing and state. It runs until it is interrupted, which is its normal end.
 */
#include "command.h"

#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void print_dispatch(FILE *out, json_t *event)
{
	char client[CELL_SIZE], vip[CELL_SIZE], backend[CELL_SIZE], service[CELL_SIZE], reason[CELL_SIZE];
	json_int_t missed = json_integer_value(json_object_get(event, "missed"));

	cell_client(event, "client", client);
	cell_vip(event, "vip", vip);
	cell_value(event, "backend", backend);
	cell_value(event, "service", service);
	cell_value(event, "reason", reason);
	fprintf(out, "%s -> %s -> %s (%s, %s)", client, vip, backend[0] ? backend : "none", service, reason);
	if (missed)
		fprintf(out, ", %" JSON_INTEGER_FORMAT " not shown", missed);
}

/* "before -> after"; what was not there, or is no more, reads "none". */
static void print_change(FILE *out, json_t *event)
{
	char before[CELL_SIZE], after[CELL_SIZE];

	cell_value(event, "before", before);
	cell_value(event, "after", after);
	fprintf(out, "%s -> %s", before[0] ? before : "none", after[0] ? after : "none");
}

static void print_reason(FILE *out, json_t *event)
{
	char reason[CELL_SIZE];

	cell_value(event, "reason", reason);
	if (reason[0])
		fprintf(out, " (%s)", reason);
}

static void print_two(FILE *out, json_t *event, const char *first, const char *between, const char *second)
{
	char one[CELL_SIZE], two[CELL_SIZE];

	cell_value(event, first, one);
	cell_value(event, second, two);
	fprintf(out, "%s%s%s", one, between, two);
}

static void print_neighbour(FILE *out, json_t *event)
{
	print_two(out, event, "nexthop", " dev ", "dev");
	fputs(": ", out);
	print_change(out, event);
}

static void print_route(FILE *out, json_t *event)
{
	char backend[CELL_SIZE];

	cell_value(event, "backend", backend);
	fprintf(out, "%s: ", backend);
	print_change(out, event);
}

static void print_state(FILE *out, json_t *event)
{
	print_two(out, event, "service", " ", "backend");
	fputs(": ", out);
	print_change(out, event);
	print_reason(out, event);
}

static void print_interface(FILE *out, json_t *event)
{
	print_two(out, event, "name", ": ", "state");
	print_reason(out, event);
}

static void print_advert(FILE *out, json_t *event)
{
	char metric[CELL_SIZE];

	print_two(out, event, "vip", ": ", "state");
	cell_value(event, "metric", metric);
	if (strcmp(metric, "0") != 0)
		fprintf(out, " with metric %s", metric);
	print_reason(out, event);
}

static void print_alias(FILE *out, json_t *event)
{
	print_two(out, event, "vip", ": ", "state");
}

/* What an audit found: what was there, and what should have been. */
static void print_audit(FILE *out, json_t *event)
{
	char have[CELL_SIZE], want[CELL_SIZE];

	cell_value(event, "have", have);
	cell_value(event, "want", want);
	print_two(out, event, "what", " of ", "where");
	fprintf(out, " was missed: %s -> %s", have, want);
}

static void print_lost(FILE *out, json_t *event)
{
	print_two(out, event, "count", " events were not shown: this command reads too slowly", "");
}

static void print_unknown(FILE *out, json_t *event)
{
	const char *blank = "";

	for (void *at = json_object_iter(event); at; at = json_object_iter_next(event, at)) {
		char value[CELL_SIZE];

		if (!strcmp(json_object_iter_key(at), "event") || !strcmp(json_object_iter_key(at), "time"))
			continue;
		cell_value(event, json_object_iter_key(at), value);
		fprintf(out, "%s%s=%s", blank, json_object_iter_key(at), value);
		blank = " ";
	}
}

static const struct {
	const char *name;
	void (*print)(FILE *out, json_t *event);
} kinds[] = {
	{"dispatch", print_dispatch}, {"neighbour", print_neighbour}, {"route", print_route},
	{"state", print_state},	      {"interface", print_interface}, {"alias", print_alias},
	{"advert", print_advert},     {"lost", print_lost},	      {"lost", print_lost},
	{"audit", print_audit},
};

/* Local time: the event's own, in seconds since the epoch, else now. */
static void print_time(FILE *out, json_t *event)
{
	double seconds = json_number_value(json_object_get(event, "time"));
	struct timespec now;
	struct tm tm;
	char text[16] = "";

	clock_gettime(CLOCK_REALTIME, &now);
	if (seconds >= 1e9 && seconds < 1e11) {
		now.tv_sec = (time_t)seconds;
		now.tv_nsec = (long)((seconds - (double)now.tv_sec) * 1e9);
	}
	if (localtime_r(&now.tv_sec, &tm))
		strftime(text, sizeof(text), "%H:%M:%S", &tm);
	fprintf(out, "%s.%03ld", text, now.tv_nsec / 1000000);
}

static void print_event(FILE *out, json_t *event)
{
	char kind[CELL_SIZE];
	void (*print)(FILE * out, json_t * event) = print_unknown;

	cell_value(event, "event", kind);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (!strcmp(kinds[i].name, kind))
			print = kinds[i].print;
	}
	print_time(out, event);
	if (json_object_size(event) == (json_object_get(event, "time") ? 2 : 1)) {
		fprintf(out, "  %s\n", kind); /* nothing but its name */
		return;
	}
	fprintf(out, "  %-9s ", kind);
	print(out, event);
	fputc('\n', out);
}

/* Every line is flushed: there is nothing to finish. */
static void leave(int signal)
{
	(void)signal;
	_exit(STATUS_DONE);
}

int cmd_events(const struct command *command)
{
	signal(SIGINT, leave);
	signal(SIGTERM, leave);
	return command_follow(command, json_pack("{s:s}", "command", "events"), print_event);
}
