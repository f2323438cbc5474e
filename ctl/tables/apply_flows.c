/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What is remembered of flows one by one (xdp/flows.h), where a port's flows get another owner: a copy for
 * that one, with its own backend at the same address. See succession.h.
 *
 * Both stand side by side: packets find theirs before the service is pointed at its new ring and after. What
 * is remembered in between is copied by a second look. Flows of which one packet was seen so far are no
 * connections yet, and are left.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <shunt/fresh.h>

#include "apply.h"

/* Flows of a port, from one owner to another. Ordered by the first two. */
struct parting {
	uint32_t whose; /* as they are remembered so far */
	uint16_t port;	/* of the VIP, 0: all */
	uint8_t protocol;
	uint64_t from, to;
};

struct partings {
	struct parting *all;
	size_t count;
};

static int compare_partings(const void *a, const void *b)
{
	const struct parting *one = a, *other = b;

	if (one->whose != other->whose)
		return one->whose < other->whose ? -1 : 1;
	return (one->port > other->port) - (one->port < other->port);
}

static int list_partings(const struct succession *succession, struct partings *out)
{
	struct parting *all = calloc(succession->heirs_count + 1, sizeof(*all));
	size_t count = 0;

	if (!all)
		return -ENOMEM;
	for (size_t i = 0; i < succession->heirs_count; i++) {
		const struct heir *heir = &succession->heirs[i];
		uint64_t from = heir->ancestor->owner, to = succession->services[heir->service].owner;
		uint8_t protocol = heir->port.protocol;

		if (from != to)
			all[count++] = (struct parting){sh_flow_whose(from, protocol), heir->port.port,
							protocol, from, to};
	}
	qsort(all, count, sizeof(*all), compare_partings);
	*out = (struct partings){all, count};
	return 0;
}

static const struct parting *find_parting(const struct partings *partings, const struct sh_flow *flow)
{
	struct parting key = {.whose = flow->whose, .port = ntohs(flow->vip_port)};
	const struct parting *found = bsearch(&key, partings->all, partings->count, sizeof(key),
					      compare_partings);

	key.port = 0;
	return found ? found : bsearch(&key, partings->all, partings->count, sizeof(key), compare_partings);
}

/* `entry` is one of HASH_FLOWS. */
static int copy_flow(const struct apply *apply, const struct partings *partings, char *entry)
{
	const struct port *port = dataplane_port(apply->dataplane);
	const struct parting *parting;
	struct sh_flow_state state;
	struct sh_flow flow;

	memcpy(&flow, entry, sizeof(flow));
	memcpy(&state, entry + sizeof(flow), sizeof(state));
	parting = find_parting(partings, &flow);
	if (!parting || state.backend >= port->backends_size ||
	    port->backends[state.backend].owner != parting->from)
		return 0;
	state.backend = tables_counterpart(apply->tables, state.backend, parting->to);
	if (!state.backend)
		return 0;
	flow.whose = sh_flow_whose(parting->to, parting->protocol);
	memcpy(entry, &flow, sizeof(flow));
	memcpy(entry + sizeof(flow), &state, sizeof(state));
	return dataplane_put(apply->dataplane, HASH_FLOWS, entry);
}

static int copy_flows(const struct apply *apply, const struct partings *partings)
{
	size_t count, size = dataplane_entry_size(HASH_FLOWS);
	void *all;
	int err = dataplane_read(apply->dataplane, HASH_FLOWS, &all, &count);

	if (err)
		return err;
	for (size_t i = 0; !err && i < count; i++)
		err = copy_flow(apply, partings, (char *)all + i * size);
	free(all);
	return err;
}

int apply_copy_flows(const struct apply *apply)
{
	struct partings partings;
	int err = list_partings(&apply->model->succession, &partings);

	if (err)
		return err;
	if (partings.count)
		err = copy_flows(apply, &partings);
	free(partings.all);
	return err;
}
