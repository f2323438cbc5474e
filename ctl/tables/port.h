/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The packet path's tables as the controller sees them: memory.
 *
 * dataplane.c fills one from mapped BPF arrays, unit tests from the heap; the tables work on
 * either. What is stored here packets see at once, so it is stored in the order and in the
 * words that <shunt/abi.h> lays down. Sizes count records, the reserved record 0 included.
 */
#ifndef SHUNT_PORT_H
#define SHUNT_PORT_H

#include <stdint.h>

#include <shunt/abi.h>

struct port {
	struct sh_knobs *knobs;
	struct sh_guess *guesses;
	struct sh_service *services;
	struct sh_backend *backends;
	struct sh_path *paths;
	struct sh_nexthop *nexthops;
	struct sh_lane *lanes; /* at least as far as backends are wanted; beyond lanes_size there are none */
	struct sh_macs *macs;  /* SH_MACS_PLACES */
	uint32_t guesses_size, services_size, backends_size, paths_size, nexthops_size, lanes_size,
		slots_size;

	/* The slots are many and rarely written, so only a window of them is mapped, and only
	 * while it is needed: slots() returns `count` slots from `first`, or NULL with errno;
	 * slots_done() gives the window back. One window at a time. */
	struct sh_slot *(*slots)(struct port *port, uint32_t first, uint32_t count);
	void (*slots_done)(struct port *port);

	/* The counters of a service's or a backend's record start again at zero. NULL: nothing counts. */
	void (*reset_service)(struct port *port, uint32_t index);
	void (*reset_backend)(struct port *port, uint32_t index);
};

#endif
