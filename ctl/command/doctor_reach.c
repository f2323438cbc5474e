/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Backends that nothing but a default route leads to. See doctor.h.
 *
 * The default route covers every address. So where the route to a backend's network was withdrawn, the
 * backend does not become unreachable: it looks as if it were behind the default route's router, and goes on
 * getting flows. Whether that is so or the default route is the way that is meant, cannot be seen from here.
 * The kernel is asked as for a packet of this node's own.
 */
#include "doctor.h"

#include <shunt/rt.h>

#include "config.h"

/* What the look at all backends has come to. */
struct reach {
	struct rt_query *query;
	size_t count;	   /* backends by a default route */
	struct addr first; /* of them */
};

static void look_at(struct reach *reach, const struct addr *backend)
{
	struct rt_route route;

	if (rt_query_fib(reach->query, backend, &route) || route.type != RT_ROUTE_UNICAST || route.dst.length)
		return;
	if (!reach->count++)
		reach->first = *backend;
}

static void tell(struct doctor *doctor, const struct reach *reach)
{
	char address[ADDR_TEXT_SIZE], more[48] = "";

	if (reach->count > 1)
		snprintf(more, sizeof(more), " (and %zu more)", reach->count - 1);
	doctor_note(doctor, VERDICT_WARN, "reach",
		    "give the backends' networks routes; where these come from a routing daemon, add `ip "
		    "route add "
		    "unreachable NETWORK metric 4000000000`, which answers when they are withdrawn",
		    "only the default route leads to %s%s: a backend whose own route is withdrawn looks "
		    "reachable",
		    addr_format(&reach->first, address), more);
}

void doctor_reach(struct doctor *doctor)
{
	struct reach reach = {0};

	/* Where the kernel cannot be asked at all, doctor_file has said so. */
	if (!doctor->config || !role_directs(doctor->role.role) || rt_query_open(&reach.query))
		return;
	for (size_t i = 0; i < doctor->config->services_count; i++) {
		const struct config_service *service = &doctor->config->services[i];

		for (size_t j = 0; j < service->backends_count; j++)
			look_at(&reach, &service->backends[j].address);
	}
	rt_query_close(reach.query);
	if (reach.count)
		tell(doctor, &reach);
}
