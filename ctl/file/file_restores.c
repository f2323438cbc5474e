/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What l3 restores by: two services must not ask a backend for what it could not tell apart.
 *
 * A backend restores l3 by (own address, protocol, port). Two VIPs that come to one backend
 * address by l3 must therefore differ in protocol or port, and any port of one excludes every
 * port of the other. To see the latter without walking the ports, the first service with
 * exact ports at a backend leaves CLAIM_EXACT, and the first of another VIP CLAIM_EXACT_OTHER.
 *
 * With `dscp:` it restores by (own address, DSCP), whatever the port is: two VIPs must differ in it. Clients
 * may set a DSCP of their own, so at one backend address either every l3 service has one, and is marked by
 * the director, or none.
 */
#include "file_claims.h"

#include <netinet/in.h>

/* Bounds the memory that a file of a few MiB can ask for. */
#define RESTORES_MAX 1000000

static bool other_vip(const struct claimant *claimant, const struct holder *first)
{
	return !addr_equal(&claim_holder(claimant, first)->vip, &claimant->service->service.vip);
}

static int refuse_restore(const struct claimant *claimant, size_t backend, const struct config_port *port,
			  const struct holder *first)
{
	const struct config_service *mine = &claimant->service->service;
	const struct config_service *other = claim_holder(claimant, first);
	char mine_shown[SHOW_SIZE], mine_vip[ADDR_TEXT_SIZE], other_shown[SHOW_SIZE],
		other_vip_text[ADDR_TEXT_SIZE];
	char address[ADDR_TEXT_SIZE], text[PORT_TEXT_SIZE];

	return reader_fail(claimant->reader, claimant->service->backend_places[backend],
			   "l3 to %s cannot tell '%s' (%s) from '%s' (%s, line %u) at %s; give each a 'dscp' "
			   "of its own, or "
			   "use another port, another backend address, 'forward: ipip' or 'forward: l2'",
			   addr_format(&mine->backends[backend].address, address),
			   report_show(mine->name, mine_shown), addr_format(&mine->vip, mine_vip),
			   report_show(other->name, other_shown), addr_format(&other->vip, other_vip_text),
			   first->at.line, port_text(port, text));
}

/* Takes `claim` at the backend, or refuses it to a second VIP. */
static int restore_take(const struct claimant *claimant, size_t backend, const struct config_port *port)
{
	const struct addr *address = &claimant->service->service.backends[backend].address;
	struct claim_key key = claim_key(CLAIM_RESTORE, address, port->protocol, port->port);
	struct holder first;
	int taken = claim_take(claimant, &key, claimant->service->backend_places[backend], &first);

	if (taken == 1)
		return other_vip(claimant, &first) ? refuse_restore(claimant, backend, port, &first) : 0;
	return taken;
}

/* Any port of a protocol: nobody else may have an exact one. */
static int restore_any(const struct claimant *claimant, size_t backend, const struct config_port *port)
{
	static const enum claim claims[] = {CLAIM_EXACT, CLAIM_EXACT_OTHER};
	const struct addr *address = &claimant->service->service.backends[backend].address;
	struct holder first;

	for (size_t i = 0; i < sizeof(claims) / sizeof(claims[0]); i++) {
		struct claim_key key = claim_key(claims[i], address, port->protocol, 0);

		if (claim_find(claimant, &key, &first) && other_vip(claimant, &first))
			return refuse_restore(claimant, backend, port, &first);
	}
	return restore_take(claimant, backend, port);
}

/* An exact port: nobody else may have any port. `mark` on the first of its protocol. */
static int restore_exact(const struct claimant *claimant, size_t backend, const struct config_port *port,
			 bool mark)
{
	const struct addr *address = &claimant->service->service.backends[backend].address;
	struct claim_key any = claim_key(CLAIM_RESTORE, address, port->protocol, 0);
	struct claim_key exact = claim_key(CLAIM_EXACT, address, port->protocol, 0);
	struct claim_key exact_other = claim_key(CLAIM_EXACT_OTHER, address, port->protocol, 0);
	struct place at = claimant->service->backend_places[backend];
	struct holder first;
	int taken;

	if (!mark)
		return restore_take(claimant, backend, port);
	if (claim_find(claimant, &any, &first) && other_vip(claimant, &first))
		return refuse_restore(claimant, backend, port, &first);
	taken = claim_take(claimant, &exact, at, &first);
	if (taken == 1 && other_vip(claimant, &first))
		taken = claim_take(claimant, &exact_other, at, &first);
	return taken < 0 ? taken : restore_take(claimant, backend, port);
}

static int refuse_dscp(const struct claimant *claimant, size_t backend, const struct holder *first)
{
	const struct config_service *mine = &claimant->service->service;
	const struct config_service *other = claim_holder(claimant, first);
	char mine_shown[SHOW_SIZE], mine_vip[ADDR_TEXT_SIZE], other_shown[SHOW_SIZE],
		other_vip_text[ADDR_TEXT_SIZE], address[ADDR_TEXT_SIZE];

	return reader_fail(
		claimant->reader, claimant->service->backend_places[backend],
		"dscp %u at %s stands for '%s' (%s, line %u) already, not for '%s' (%s); give each VIP "
		"another",
		mine->dscp, addr_format(&mine->backends[backend].address, address),
		report_show(other->name, other_shown), addr_format(&other->vip, other_vip_text),
		first->at.line, report_show(mine->name, mine_shown), addr_format(&mine->vip, mine_vip));
}

/* Either all l3 services at an address are marked, or none. */
static int claim_marking(const struct claimant *claimant, size_t backend)
{
	const struct config_service *mine = &claimant->service->service;
	const struct addr *address = &mine->backends[backend].address;
	struct claim_key same = claim_key(mine->dscp ? CLAIM_MARKED : CLAIM_UNMARKED, address, 0, 0);
	struct claim_key other = claim_key(mine->dscp ? CLAIM_UNMARKED : CLAIM_MARKED, address, 0, 0);
	struct place at = claimant->service->backend_places[backend];
	char text[ADDR_TEXT_SIZE], mine_shown[SHOW_SIZE], other_shown[SHOW_SIZE];
	struct holder first;
	int taken;

	if (claim_find(claimant, &other, &first))
		return reader_fail(
			claimant->reader, at,
			"l3 to %s is with 'dscp' for one of '%s' and '%s' (line %u) and without for the "
			"other; give both a 'dscp' of their own, or none",
			addr_format(address, text), report_show(mine->name, mine_shown),
			report_show(claim_holder(claimant, &first)->name, other_shown), first.at.line);
	taken = claim_take(claimant, &same, at, &first);
	return taken < 0 ? taken : 0;
}

static int claim_dscp(const struct claimant *claimant, size_t backend)
{
	const struct config_service *mine = &claimant->service->service;
	struct claim_key key = claim_key(CLAIM_DSCP, &mine->backends[backend].address, 0,
					 (uint16_t)mine->dscp);
	struct holder first;
	int taken = claim_take(claimant, &key, claimant->service->backend_places[backend], &first);

	if (taken == 1)
		return other_vip(claimant, &first) ? refuse_dscp(claimant, backend, &first) : 0;
	return taken;
}

static int backend_restores(const struct claimant *claimant, size_t backend)
{
	const struct config_service *service = &claimant->service->service;
	bool tcp = true, udp = true;

	for (size_t i = 0; i < service->ports_count; i++) {
		const struct config_port *port = &service->ports[i];
		bool *mark = port->protocol == IPPROTO_TCP ? &tcp : &udp;
		int err;

		if (!port->port) {
			err = restore_any(claimant, backend, port);
		} else {
			err = restore_exact(claimant, backend, port, *mark);
			*mark = false;
		}
		if (err)
			return err;
	}
	return 0;
}

static int bound_restores(const struct claimant *claimant)
{
	const struct config_service *service = &claimant->service->service;
	size_t *restores = &claimant->draft->restores;

	if (service->ports_count > (RESTORES_MAX - *restores) / service->backends_count)
		return reader_fail(
			claimant->reader, claimant->service->ports_at,
			"more than %d pairs of port and l3 backend in one file; write any/tcp or any/udp "
			"in place of many ports",
			RESTORES_MAX);
	*restores += service->ports_count * service->backends_count;
	return 0;
}

int claim_restores(const struct claimant *claimant)
{
	const struct config_service *service = &claimant->service->service;
	int err = service->dscp ? 0 : bound_restores(claimant);

	for (size_t i = 0; !err && i < service->backends_count; i++) {
		err = claim_marking(claimant, i);
		if (!err)
			err = service->dscp ? claim_dscp(claimant, i) : backend_restores(claimant, i);
	}
	return err;
}
