/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The packet path's tables on the heap: a struct port for tests of what works on one.
 */
#ifndef SHUNT_TEST_HEAP_PORT_H
#define SHUNT_TEST_HEAP_PORT_H

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "port.h"

struct heap_port {
	struct port port; /* first: its functions get back from it */
	struct sh_slot *slots;
	int windows; /* opened and not given back */
	bool broken; /* slots() fails with ENOMEM */
	int services_reset, backends_reset;
};

static inline struct sh_slot *heap_port_slots(struct port *port, uint32_t first, uint32_t count)
{
	struct heap_port *heap = (struct heap_port *)port;

	if (heap->broken || first + count > port->slots_size || heap->windows) {
		errno = ENOMEM;
		return NULL;
	}
	heap->windows++;
	return &heap->slots[first];
}

static inline void heap_port_slots_done(struct port *port)
{
	((struct heap_port *)port)->windows--;
}

static inline void heap_port_reset_service(struct port *port, uint32_t index)
{
	(void)index;
	((struct heap_port *)port)->services_reset++;
}

static inline void heap_port_reset_backend(struct port *port, uint32_t index)
{
	(void)index;
	((struct heap_port *)port)->backends_reset++;
}

/* `records` of each kind but slots, the reserved ones included. heap_port_free. */
static inline struct heap_port *heap_port_new(uint32_t records, uint32_t slots)
{
	struct heap_port *heap = calloc(1, sizeof(*heap));

	heap->slots = calloc(slots, sizeof(*heap->slots));
	heap->port = (struct port){
		.knobs = calloc(1, sizeof(struct sh_knobs)),
		.services = calloc(records, sizeof(struct sh_service)),
		.backends = calloc(records, sizeof(struct sh_backend)),
		.lanes = calloc(records, sizeof(struct sh_lane)),
		.paths = calloc(records, sizeof(struct sh_path)),
		.nexthops = calloc(records, sizeof(struct sh_nexthop)),
		.services_size = records,
		.backends_size = records,
		.paths_size = records,
		.nexthops_size = records,
		.lanes_size = records,
		.slots_size = slots,
		.slots = heap_port_slots,
		.slots_done = heap_port_slots_done,
		.reset_service = heap_port_reset_service,
		.reset_backend = heap_port_reset_backend,
	};
	return heap;
}

static inline void heap_port_free(struct heap_port *heap)
{
	free(heap->port.knobs);
	free(heap->port.services);
	free(heap->port.backends);
	free(heap->port.paths);
	free(heap->port.nexthops);
	free(heap->port.lanes);
	free(heap->slots);
	free(heap);
}

#endif
