/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Close, wait, open: by the rules of struct sh_guess (<shunt/abi.h>). See guesses.h.
 */
#include "guesses.h"

#include <string.h>

#include <shunt/guess.h>

/* Returns whether an entry goes over from one service to another. It may have been closed just now. */
static bool close_changed(struct port *port, const struct sh_guess *want)
{
	bool others = false;

	for (uint32_t i = 0; i < port->guesses_size; i++) {
		struct sh_guess *there = &port->guesses[i];

		if (!memcmp(there, &want[i], sizeof(*there)))
			continue;
		others |= want[i].where && there->service && there->service != want[i].service;
		__atomic_store_n(&there->where, 0, __ATOMIC_RELEASE);
	}
	return others;
}

/* The general way goes by the index alone. */
static void open_as(struct sh_guess *there, const struct sh_guess *want)
{
	__atomic_store_n(&there->service, want->service, __ATOMIC_RELEASE);
	there->vip_port = want->vip_port;
	there->protocol = want->protocol;
	there->family = want->family;
	there->vip = want->vip;
	__atomic_store_n(&there->where, want->where, __ATOMIC_RELEASE);
}

uint64_t guesses_store(struct port *port, const struct sh_guess *want, void (*wait)(void))
{
	uint64_t writes = 0;

	if (close_changed(port, want))
		wait();
	for (uint32_t i = 0; i < port->guesses_size; i++) {
		if (!memcmp(&port->guesses[i], &want[i], sizeof(want[i])))
			continue;
		open_as(&port->guesses[i], &want[i]);
		writes++;
	}
	return writes;
}

bool guesses_close(struct port *port, uint32_t service)
{
	struct sh_guess *guess;

	if (!port->guesses_size)
		return false;
	guess = &port->guesses[sh_guess_of(&port->services[service], port->guesses_size)];
	if (guess->service != service || !guess->where)
		return false;
	__atomic_store_n(&guess->where, 0, __ATOMIC_RELEASE);
	return true;
}
