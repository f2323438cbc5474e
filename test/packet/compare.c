/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The comparison: verdict, bytes, reason, counters, events. It goes on after a difference, so that
 * one run tells all of them.
 */
#include "compare.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <string.h>

#define REASON_NAME(symbol, name, words) name,
const char *const reason_names[SH_REASON_COUNT] = {SH_REASONS(REASON_NAME)};
const char *const verdict_names[XDP_REDIRECT + 1] = {"aborted", "drop", "pass", "tx", "redirect"};

void wrong(const struct facts *facts, bool *failed, const char *format, ...)
{
	va_list args;

	if (*failed)
		printf("    ");
	else
		printf("FAIL %s: ", facts->name);
	*failed = true;
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
}

/* ---- bytes ------------------------------------------------------------------------------------- */

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

static bool frame_equal(const struct frame *a, const struct frame *b)
{
	return a->size == b->size && !memcmp(a->bytes, b->bytes, a->size);
}

static void compare_bytes(const struct facts *facts, const struct frame *got, bool *failed)
{
	for (int i = 0; i < facts->outs_count; i++)
		if (frame_equal(&facts->outs[i], got))
			return;
	if (!facts->outs_count)
		return;
	wrong(facts, failed, "%u bytes came out, not the %u expected%s", got->size, facts->outs[0].size,
	      facts->outs_count > 1 ? " (nor another of the frames allowed)" : "");
	print_difference(&facts->outs[0], got);
}

/* ---- events ------------------------------------------------------------------------------------ */

static void format_event(const struct sh_event *event, char text[static TEXT_SIZE])
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

void outcome_event(const struct sh_event *event, void *arg)
{
	struct outcome *outcome = arg;

	if (outcome->events_count <= EVENTS_MAX)
		format_event(event, outcome->events[outcome->events_count++]);
}

static void compare_events(const struct facts *facts, const struct outcome *outcome, bool *failed)
{
	for (int i = 0; i < outcome->events_count || i < facts->events_count; i++) {
		const char *want = i < facts->events_count ? facts->events[i] : "none";
		const char *got = i < outcome->events_count ? outcome->events[i] : "none";

		if (strcmp(want, got) != 0)
			wrong(facts, failed, "event %s, not %s", got, want);
	}
}

/* ---- counters ---------------------------------------------------------------------------------- */

/* Exactly one packet more at index `due`, if that is one, and nothing elsewhere. */
static void compare_counts(const struct facts *facts, const char *what, const struct sh_count *before,
			   const struct sh_count *after, uint32_t entries, int64_t due, bool *failed)
{
	for (uint32_t i = 0; i < entries; i++) {
		unsigned long long packets = after[i].packets - before[i].packets;
		unsigned long long bytes = after[i].bytes - before[i].bytes;
		unsigned long long expected = i == due;

		if (packets != expected || bytes != expected * facts->in.size)
			wrong(facts, failed, "%s %u: %llu packets and %llu bytes counted, not %llu and %llu",
			      what, i, packets, bytes, expected, expected * facts->in.size);
	}
}

static void compare_reasons(const struct facts *facts, const struct outcome *outcome, bool *failed)
{
	const struct sh_count *before = outcome->before.reasons[facts->program];
	const struct sh_count *after = outcome->after.reasons[facts->program];
	int other = facts->program == WORLD_DIRECTOR ? WORLD_BACKEND : WORLD_DIRECTOR;

	for (uint32_t i = 0; i < SH_REASON_COUNT; i++)
		if (after[i].packets != before[i].packets && i != facts->reason)
			wrong(facts, failed, "reason %s, not %s", reason_names[i],
			      reason_names[facts->reason]);
	compare_counts(facts, "reason", before, after, SH_REASON_COUNT, facts->reason, failed);
	compare_counts(facts, "the other program's reason", outcome->before.reasons[other],
		       outcome->after.reasons[other], SH_REASON_COUNT, -1, failed);
}

/* The backend that must have been counted; where the case leaves it open, the one that was. */
static int64_t backend_due(const struct facts *facts, const struct outcome *outcome)
{
	if (!facts->service)
		return -1;
	if (facts->backend)
		return facts->backend;
	for (uint32_t i = 1; i < WORLD_ENTRIES; i++)
		if (outcome->after.backends[i].packets != outcome->before.backends[i].packets)
			return i;
	return 1;
}

bool compare(const struct facts *facts, const struct outcome *outcome)
{
	const struct world_counts *before = &outcome->before, *after = &outcome->after;
	int64_t service = facts->service ? (int64_t)facts->service : -1;
	bool failed = false;

	compare_reasons(facts, outcome, &failed);
	if (outcome->verdict != facts->verdict)
		wrong(facts, &failed, "verdict %s, not %s",
		      outcome->verdict <= XDP_REDIRECT ? verdict_names[outcome->verdict] : "?",
		      verdict_names[facts->verdict]);
	compare_bytes(facts, &outcome->out, &failed);
	compare_counts(facts, "service", before->services, after->services, WORLD_ENTRIES, service, &failed);
	compare_counts(facts, "backend", before->backends, after->backends, WORLD_ENTRIES,
		       backend_due(facts, outcome), &failed);
	compare_events(facts, outcome, &failed);
	return !failed;
}
