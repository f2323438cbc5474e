/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What becomes of a slot when its ring is built again: who takes new flows, who keeps the old ones.
 *
 * Pure. `before` is the backend that was there when the transition began, and stays so through further
 * changes: its flows are the ones that packets are not remembered by (xdp/pick.h). When it is dead or idle
 * while others still have flows that are remembered, `before` is `now`: the table goes on being asked.
 */
#ifndef SHUNT_TRANSITION_H
#define SHUNT_TRANSITION_H

#include <stdbool.h>
#include <stdint.h>

#include <shunt/abi.h>

/* Of a backend's flows, as seen from the rings of its service. */
enum fate {
	FATE_DEAD = 0, /* it cannot serve any, or is not known */
	FATE_STEADY,   /* it can; no slot has moved away from it of late */
	FATE_LEFT,     /* it can; slots have, and it has flows there that are not idle yet */
};

/* Of a service, by the index of the backend. */
struct transition {
	uint8_t *fates; /* enum fate */
	uint32_t fates_size;
	uint32_t left;	   /* how many are LEFT */
	uint32_t left_any; /* one of them */
	bool close;	   /* unknown datagrams are new: see SH_BEFORE_CLOSED */
};

/* Slots move away from `backend`: it is LEFT if it can serve. True where it can. */
bool transition_leave(struct transition *transition, uint32_t backend);

/* The slot, once new flows go to `want` (0: to nobody). */
struct sh_slot transition_next(struct sh_slot slot, uint32_t want, const struct transition *transition);

#endif
