/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The loaded programs and what the maps hold: the controller's part, played by the case file.
 *
 * A world starts with empty maps and is filled by verbs, one record each:
 *
 *	knobs ANY_PORT EVENTS
 *	vip ADDRESS PORT PROTOCOL SERVICE	(with the guess for it)
 *	guess ADDRESS PORT PROTOCOL SERVICE	(another guess for it)
 *	service INDEX RING SLOTS [random] [quic-id OFFSET BYTES OWNER]
 *	address ADDRESS SERVICE [answers]		the service that speaks for a VIP: one there is active
 *	slot INDEX NOW [BEFORE [closed]]
 *	backend INDEX ADDRESS none|l2|l3|local PATH OWNER [left] [id ID] [named] [DSCP]
 *	quic-id OWNER ID BACKEND		who is named so in a connection ID
 *	path INDEX [mtu MTU] NEXTHOP...
 *	nexthop INDEX DST_MAC SRC_MAC DEVICE MTU [invalid|here|802.1ad|VLAN]...
 *	egress DEVICE
 *	restore OWN_ADDRESS PORT PROTOCOL VIP
 *	mac MAC						one of this node's
 *	stray VIP PROTOCOL SERVICE			takes fragments that come before their first
 *	dscp OWN_ADDRESS DSCP VIP			a mark that is restored by
 *	tunnel SOURCE4 BITS SOURCE6 BITS PORT		where tunnels come from: with bits from the hash
 *	served ADDRESS [PORT]				a VIP; with a port, an own address where tunnels end
 *	telling ERRORS					so many senders may be told, of each kind; no more
 *	own DEVICE ADDRESS4 ADDRESS6			whom errors come from, about what came in there
 *	lane BACKEND [DST_MAC SRC_MAC DEVICE MTU]	another one than follows from the above, or none
 *	cut						the director's first program is left alone
 *	flow|fresh CLIENT PORT VIP_PORT SERVICE BACKEND
 */
#ifndef TEST_PACKET_WORLD_H
#define TEST_PACKET_WORLD_H

#include <stdbool.h>

#include "lines.h"

struct world;

/* `restore`: the director's program is loaded for both roles. Ends the runner on failure. */
struct world *world_new(bool restore, uint32_t flows_size);
void world_free(struct world *world); /* NULL is fine */
/* Was it made with these? */
bool world_is(const struct world *world, bool restore, uint32_t flows_size);
/* As it was when it was new. Ends the runner on failure. */
void world_empty(struct world *world);

/* Runs the verb of the line; false where it is none of the above. */
bool world_verb(struct world *world, const struct line *line);

enum world_program { WORLD_DIRECTOR, WORLD_BACKEND };

struct world_run {
	enum world_program program;
	uint32_t ifindex; /* where the frame comes in */
	uint32_t repeat;
	const uint8_t *frame;
	uint32_t frame_size;
	uint8_t *out;
	uint32_t out_size; /* in: room; out: bytes written */
	uint32_t verdict;  /* XDP_* */
};

/* Runs the program on the frame. 0 or -errno. */
int world_run(struct world *world, struct world_run *run);

#define WORLD_GUESSES 61
#define WORLD_ENTRIES 256 /* of each array and hash */

/* All counters of the world's two programs, summed over the CPUs. */
struct world_counts {
	struct sh_count reasons[2][SH_REASON_COUNT]; /* by enum world_program */
	struct sh_count services[WORLD_ENTRIES];
	struct sh_count backends[WORLD_ENTRIES];
};

void world_counts(struct world *world, struct world_counts *out);
/* The packets of each reason alone, summed over the CPUs, and fast. */
void world_reasons(struct world *world, enum world_program program, uint64_t out[static SH_REASON_COUNT]);

/* Hands each event in the ring buffer to `each`, oldest first. */
void world_events(struct world *world, void (*each)(const struct sh_event *, void *), void *arg);

/* The tables of remembered flows (xdp/flows.h). */
enum world_table { WORLD_FRESH, WORLD_FLOWS };

/* The backend remembered for the flow that the line names from `index` on (CLIENT PORT VIP_PORT
 * SERVICE), or 0. */
uint32_t world_flow(struct world *world, enum world_table table, const struct line *line, int index);
/* How many instructions the verifier walked to accept the program that the line's `word` names; 0 where the
 * kernel does not tell (before 5.16). */
uint32_t world_verified(const struct world *world, const struct line *line, int word);
/* How many flows are remembered that are not fresh. */
uint32_t world_flows(struct world *world);

/* A backend's record. */
struct sh_backend world_record(struct world *world, uint32_t index);

#endif
