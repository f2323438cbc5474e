/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * VIPs whose other packets would go round and round. See doctor.h.
 *
 * What comes for a VIP but is not for a service of it passes to the kernel: another port, a protocol. Where
 * that forwards, and its route to the VIP leads back to the router that sent the packet, the two hand it to
 * each other until its TTL ends. A route that rejects (an advert is one), or the address itself, ends it
 * here.
 */
#include "doctor.h"

#include <shunt/rt.h>

#include "config.h"

/* What the look at all VIPs of one family has come to. */
struct rounds {
	struct rt_query *query;
	size_t count;
	struct addr first, router; /* of them */
};

/* Does the kernel forward at all? */
static bool forwards(int family)
{
	int value;

	return doctor_sysctl(family == ADDR_IPV4 ? "net/ipv4/ip_forward" : "net/ipv6/conf/all/forwarding",
			     &value) &&
	       value > 0;
}

/* A VIP of this node's own network leads to no router. */
static void look_at(struct rounds *rounds, const struct addr *vip)
{
	struct rt_route route;

	if (rt_query_fib(rounds->query, vip, &route) || route.type != RT_ROUTE_UNICAST || !route.legs_count ||
	    !route.legs[0].gateway.family)
		return;
	if (rounds->count++)
		return;
	rounds->first = *vip;
	rounds->router = route.legs[0].gateway;
}

static void tell(struct doctor *doctor, const struct rounds *rounds)
{
	char vip[ADDR_TEXT_SIZE], router[ADDR_TEXT_SIZE], more[48] = "", remedy[ADDR_TEXT_SIZE + 64];

	addr_format(&rounds->first, vip);
	if (rounds->count > 1)
		snprintf(more, sizeof(more), " (and %zu more)", rounds->count - 1);
	snprintf(remedy, sizeof(remedy), "`advertise: true`, or: ip route add blackhole %s", vip);
	doctor_note(
		doctor, VERDICT_WARN, "vips", remedy,
		"packets to %s%s that are for no service go on to %s: where that sends them here, round and "
		"round until their TTL ends",
		vip, more, addr_format(&rounds->router, router));
}

static void check_family(struct doctor *doctor, struct rt_query *query, int family)
{
	struct rounds rounds = {.query = query};

	if (!forwards(family))
		return;
	for (size_t i = 0; i < doctor->config->services_count; i++) {
		const struct config_service *service = &doctor->config->services[i];

		if (service->vip.family == family)
			look_at(&rounds, &service->vip);
	}
	if (rounds.count)
		tell(doctor, &rounds);
}

void doctor_vips(struct doctor *doctor)
{
	struct rt_query *query = NULL;

	/* Where the kernel cannot be asked at all, doctor_file has said so. */
	if (!doctor->config || !role_directs(doctor->role.role) || rt_query_open(&query))
		return;
	check_family(doctor, query, ADDR_IPV4);
	check_family(doctor, query, ADDR_IPV6);
	rt_query_close(query);
}
