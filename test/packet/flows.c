/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The tables of remembered flows, looked into and flooded. See flows.h.
 */
#include "flows.h"

#include <stdlib.h>
#include <string.h>

#define SYN 0x02
#define ACK 0x10

/* ---- looking ----------------------------------------------------------------------------------- */

static bool check_flow(struct facts *facts, struct world *world, enum world_table table,
		       const struct line *line)
{
	uint32_t backend = world_flow(world, table, line, 3);
	bool failed = false;

	for (int i = 7; i < line->count; i++)
		if (backend == line_number(line, i))
			return true;
	wrong(facts, &failed, "the flow is remembered for backend %u", backend);
	return false;
}

static bool check_flows(struct facts *facts, struct world *world, uint32_t most)
{
	uint32_t flows = world_flows(world);
	bool failed = false;

	if (flows > most)
		wrong(facts, &failed, "%u flows are remembered", flows);
	return !failed;
}

/* Times are around the machine's uptime; a case file's marks are small numbers. */
static bool check_mark(struct facts *facts, uint32_t seen, const struct line *line)
{
	bool renewed = !strcmp(line_word(line, 4), "renewed"), failed = false;

	if (renewed ? seen <= 1 : seen != line_number(line, 4))
		wrong(facts, &failed, "it is %u", seen);
	return !failed;
}

/* ---- flooding ---------------------------------------------------------------------------------- */

struct storm {
	struct world *world;
	struct world_run run;
	uint8_t frame[2048], out[2048];
	uint8_t *client, *tcp; /* in the frame: the last four bytes of the source address; the header */
};

static void storm_begin(struct storm *storm, struct world *world, const struct facts *facts)
{
	bool v6 = facts->in.bytes[12] == 0x86;

	*storm = (struct storm){.world = world};
	memcpy(storm->frame, facts->in.bytes, facts->in.size);
	storm->client = storm->frame + 14 + (v6 ? 20 : 12);
	storm->tcp = storm->frame + 14 + (v6 ? 40 : 20);
	storm->run = (struct world_run){
		.program = WORLD_DIRECTOR,
		.ifindex = facts->ifindex,
		.repeat = 1,
		.frame = storm->frame,
		.frame_size = facts->in.size,
		.out = storm->out,
	};
}

/* Sends one segment; returns the last byte of the MAC that it left for, or -1. */
static int send_segment(struct storm *storm, uint32_t client, uint16_t port, uint8_t flags)
{
	memcpy(storm->client, &client, sizeof(client));
	memcpy(storm->tcp, &port, sizeof(port));
	storm->tcp[13] = flags;
	storm->run.out_size = sizeof(storm->out);
	return world_run(storm->world, &storm->run) ? -1 : storm->out[5];
}

/* Flows are numbered; their addresses are out of the way of the flood's. */
static int send_known(struct storm *storm, uint32_t flow, uint8_t flags)
{
	return send_segment(storm, 0x00000cc0 | flow << 16, 4000, flags);
}

/* Where each flow went at first: as many that began, with a SYN, as that were there before. */
static int *learn(struct storm *storm, uint32_t flows)
{
	int *first = calloc(2 * (size_t)flows, sizeof(*first));

	for (uint32_t i = 0; first && i < 2 * flows; i++)
		first[i] = send_known(storm, i, i < flows ? SYN : ACK);
	return first;
}

static unsigned count_strays(struct storm *storm, uint32_t flows, const int *first)
{
	unsigned strays = 0;

	for (uint32_t i = 0; i < 2 * flows; i++)
		strays += send_known(storm, i, ACK) != first[i];
	return strays;
}

/* Of a slot in transition: those that began to one backend, the others to another. Of all slots dealt at
 * random: to several. */
static bool as_dealt(const int *first, uint32_t flows, bool random)
{
	unsigned others = 0;

	for (uint32_t i = 0; i < flows; i++)
		others += first[i] != first[0] || first[flows + i] != first[flows];
	return random ? others > 0 : !others && first[0] != first[flows];
}

static void flood(struct storm *storm, uint32_t syns)
{
	uint64_t x = 88172645463325252ULL; /* xorshift64 (Marsaglia, 2003) */

	for (uint32_t i = 0; i < syns; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		send_segment(storm, (uint32_t)x | 1, (uint16_t)(x >> 32), SYN);
	}
}

/* How many SYNs: what the case says, or fewer. */
static uint32_t storm_size(uint32_t syns)
{
	const char *most = getenv("SHUNT_STORM_SYNS"); // NOLINT(concurrency-mt-unsafe): there is one thread

	return most && strtoul(most, NULL, 10) < syns ? (uint32_t)strtoul(most, NULL, 10) : syns;
}

static bool check_storm(struct facts *facts, struct world *world, const struct line *line)
{
	uint32_t flows = line_number(line, 3), syns = storm_size(line_number(line, 4));
	bool random = line->count > 5, failed = false;
	unsigned before, after;
	struct storm storm;
	int *first;

	storm_begin(&storm, world, facts);
	first = learn(&storm, flows);
	if (!first)
		return false;
	before = count_strays(&storm, flows, first);
	flood(&storm, syns);
	after = count_strays(&storm, flows, first);
	if (!as_dealt(first, flows, random) || before || after)
		wrong(facts, &failed, "to %d and %d; %u of %u flows astray before, %u after", first[0],
		      first[flows], before, 2 * flows, after);
	free(first);
	return !failed;
}

bool flows_check(struct facts *facts, struct world *world, const struct line *line, bool *passed)
{
	const char *what = line_word(line, 2);

	if (!strcmp(what, "flow"))
		*passed = check_flow(facts, world, WORLD_FLOWS, line);
	else if (!strcmp(what, "fresh"))
		*passed = check_flow(facts, world, WORLD_FRESH, line);
	else if (!strcmp(what, "flows"))
		*passed = check_flows(facts, world, line_number(line, 3));
	else if (!strcmp(what, "seen"))
		*passed = check_mark(facts, world_record(world, line_number(line, 3)).seen, line);
	else if (!strcmp(what, "named"))
		*passed = check_mark(facts, world_record(world, line_number(line, 3)).named, line);
	else if (!strcmp(what, "storm"))
		*passed = check_storm(facts, world, line);
	else
		return false;
	return true;
}
