/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * First the backends that take flows, then their ring, then the same for a ring that is still larger than it
 * is to be. See wanted.h.
 */
#include <errno.h>
#include <stdlib.h>

#include "wanted.h"

static void forget_build(struct wanted *wanted)
{
	ring_end(wanted->building);
	free(wanted->members);
	wanted->building = NULL;
	wanted->members = NULL;
}

int wanted_begin(struct wanted *wanted, const struct service *service)
{
	uint32_t *slots = wanted->slots ? wanted->slots : calloc(RING_MAX, sizeof(*slots));
	uint32_t size = tables_ring_size(service->ring);

	forget_build(wanted);
	*wanted = (struct wanted){
		.service = service,
		.slots = slots,
		.members = calloc(service->config->backends_count, sizeof(*wanted->members)),
		.left = size > service->slots ? size : 0,
	};
	return slots && wanted->members ? 0 : -ENOMEM;
}

/* Takes the next backends. False at the end. */
static bool look_at_members(struct wanted *wanted, size_t *budget)
{
	const struct service *service = wanted->service;

	for (; *budget && wanted->looked_at < service->config->backends_count; --*budget) {
		const struct member *member = &service->members[wanted->looked_at++];

		if (!backend_state_serves(member->state) || !member->config->weight)
			continue;
		wanted->members[wanted->members_count++] = (struct ring_member){
			.address = member->config->address,
			.weight = member->config->weight,
			.value = tables_backend_index(member->backend),
		};
	}
	return wanted->looked_at < service->config->backends_count;
}

/* In a larger ring each slot stands several times; from the end, as they lie in the same place. */
static bool spread(struct wanted *wanted, size_t *budget)
{
	uint32_t size = tables_ring_size(wanted->service->ring);

	for (; *budget && wanted->left; --*budget) {
		uint32_t slot = --wanted->left;

		wanted->slots[slot] = wanted->slots[(uint64_t)slot * wanted->service->slots / size];
	}
	return wanted->left > 0;
}

int wanted_go_on(struct wanted *wanted, size_t *budget)
{
	int err = 0;

	if (!wanted->building) {
		if (look_at_members(wanted, budget))
			return 1;
		err = ring_begin(wanted->members, wanted->members_count, wanted->slots,
				 wanted->service->slots, &wanted->building);
	}
	if (err)
		return err;
	return ring_go_on(wanted->building, budget) || spread(wanted, budget);
}

void wanted_free(struct wanted *wanted)
{
	forget_build(wanted);
	free(wanted->slots);
	*wanted = (struct wanted){0};
}
