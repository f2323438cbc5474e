/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What services must not share: names, VIP and port, addresses that are VIP and backend at once,
 * and what l3 restores by.
 *
 * Every service enters its claims once it is read, in the file's order, so that the later of two
 * gets the error and names the line of the first.
 *
 * A backend restores l3 by (own address, protocol, port). Two VIPs that come to one backend
 * address by l3 must therefore differ in protocol or port, and any port of one excludes every
 * port of the other. To see the latter without walking the ports, the first service with
 * exact ports at a backend leaves CLAIM_EXACT, and the first of another VIP CLAIM_EXACT_OTHER.
 */
#include "file_draft.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "file_value.h"

/* Bounds the memory that a file of a few MiB can ask for. */
#define RESTORES_MAX 1000000

enum claim {
	CLAIM_NAME,
	CLAIM_VIP,
	CLAIM_BACKEND,
	CLAIM_ENDPOINT,	   /* VIP, protocol, port (0: any) */
	CLAIM_RESTORE,	   /* backend, protocol, port (0: any) */
	CLAIM_EXACT,	   /* backend, protocol */
	CLAIM_EXACT_OTHER, /* backend, protocol */
};

#define KEY_SIZE (4 + 1 + (NAME_LENGTH_MAX > 16 ? NAME_LENGTH_MAX : 16))

struct key {
	size_t size;
	unsigned char bytes[KEY_SIZE];
};

static struct key address_key(enum claim claim, const struct addr *addr, uint8_t protocol, uint16_t port)
{
	struct key key = {.size = 5 + addr_size(addr),
			  .bytes = {claim, protocol, port >> 8, port & 0xff, addr->family}};

	memcpy(key.bytes + 5, addr->bytes, addr_size(addr));
	return key;
}

static struct key name_key(const char *name)
{
	struct key key = {.size = 1 + strlen(name), .bytes = {CLAIM_NAME}};

	memcpy(key.bytes + 1, name, strlen(name));
	return key;
}

/* What every check needs. */
struct claimant {
	struct reader *reader;
	struct draft *draft;
	const struct service_draft *service;
	uint32_t index;
};

static const struct config_service *holder_service(const struct claimant *claimant,
						   const struct holder *holder)
{
	return &claimant->draft->config.services[holder->service];
}

/* ledger_take for this service; -ENOMEM is reported. */
static int take(const struct claimant *claimant, const struct key *key, struct place at, struct holder *first)
{
	struct holder who = {.service = claimant->index, .at = at};
	int taken = ledger_take(&claimant->draft->claims, key->bytes, key->size, &who, first);

	if (taken < 0)
		return report_fail_whole(reader_report(claimant->reader), taken, "out of memory");
	return taken;
}

static int find(const struct claimant *claimant, const struct key *key, struct holder *first)
{
	return ledger_find(&claimant->draft->claims, key->bytes, key->size, first);
}

#define PORT_TEXT_SIZE sizeof("65535/tcp")

static const char *port_text(const struct config_port *port, char out[static PORT_TEXT_SIZE])
{
	if (port->port)
		snprintf(out, PORT_TEXT_SIZE, "%u/%s", (unsigned)port->port, protocol_name(port->protocol));
	else
		snprintf(out, PORT_TEXT_SIZE, "any/%s", protocol_name(port->protocol));
	return out;
}

static int claim_name(const struct claimant *claimant)
{
	const struct service_draft *service = claimant->service;
	struct key key = name_key(service->service.name);
	struct holder first;
	char shown[SHOW_SIZE];
	int taken = take(claimant, &key, service->name_at, &first);

	if (taken != 1)
		return taken;
	return reader_fail(claimant->reader, service->name_at,
			   "name '%s' is taken by the service on line %u; write another",
			   report_show(service->service.name, shown), first.at.line);
}

static int claim_vip(const struct claimant *claimant)
{
	const struct service_draft *service = claimant->service;
	const struct addr *vip = &service->service.vip;
	struct key as_backend = address_key(CLAIM_BACKEND, vip, 0, 0);
	struct key as_vip = address_key(CLAIM_VIP, vip, 0, 0);
	char text[ADDR_TEXT_SIZE], shown[SHOW_SIZE];
	struct holder first;
	int taken;

	if (find(claimant, &as_backend, &first))
		return reader_fail(
			claimant->reader, service->vip_at,
			"VIP %s is a backend of service '%s' (line %u); a VIP needs an address of its "
			"own",
			addr_format(vip, text), report_show(holder_service(claimant, &first)->name, shown),
			first.at.line);
	taken = take(claimant, &as_vip, service->vip_at, &first);
	return taken < 0 ? taken : 0; /* services may share a VIP */
}

static int claim_endpoint(const struct claimant *claimant, size_t i)
{
	const struct config_service *service = &claimant->service->service;
	const struct config_port *port = &service->ports[i];
	struct key key = address_key(CLAIM_ENDPOINT, &service->vip, port->protocol, port->port);
	struct place at = claimant->service->port_places[i];
	char vip[ADDR_TEXT_SIZE], text[PORT_TEXT_SIZE], shown[SHOW_SIZE];
	struct holder first;
	int taken = take(claimant, &key, at, &first);

	if (taken != 1)
		return taken;
	port_text(port, text);
	if (first.service == claimant->index)
		return reader_fail(claimant->reader, at,
				   "%s is listed twice; the first is on line %u: remove one", text,
				   first.at.line);
	return reader_fail(claimant->reader, at,
			   "%s of VIP %s is taken by service '%s' (line %u); write another port or VIP", text,
			   addr_format(&service->vip, vip),
			   report_show(holder_service(claimant, &first)->name, shown), first.at.line);
}

static int claim_backend(const struct claimant *claimant, size_t i)
{
	const struct addr *address = &claimant->service->service.backends[i].address;
	struct key as_backend = address_key(CLAIM_BACKEND, address, 0, 0);
	struct key as_vip = address_key(CLAIM_VIP, address, 0, 0);
	struct place at = claimant->service->backend_places[i];
	char text[ADDR_TEXT_SIZE], shown[SHOW_SIZE];
	struct holder first;
	int taken;

	if (find(claimant, &as_vip, &first))
		return reader_fail(claimant->reader, at,
				   "backend %s is the VIP of service '%s' (line %u); write the backend's own "
				   "address",
				   addr_format(address, text),
				   report_show(holder_service(claimant, &first)->name, shown), first.at.line);
	taken = take(claimant, &as_backend, at, &first);
	return taken < 0 ? taken : 0; /* services may share a backend */
}

static bool other_vip(const struct claimant *claimant, const struct holder *first)
{
	return !addr_equal(&holder_service(claimant, first)->vip, &claimant->service->service.vip);
}

static int refuse_restore(const struct claimant *claimant, size_t backend, const struct config_port *port,
			  const struct holder *first)
{
	const struct config_service *mine = &claimant->service->service;
	const struct config_service *other = holder_service(claimant, first);
	char mine_shown[SHOW_SIZE], mine_vip[ADDR_TEXT_SIZE], other_shown[SHOW_SIZE],
		other_vip_text[ADDR_TEXT_SIZE];
	char address[ADDR_TEXT_SIZE], text[PORT_TEXT_SIZE];

	return reader_fail(
		claimant->reader, claimant->service->backend_places[backend],
		"l3 to %s cannot tell '%s' (%s) from '%s' (%s, line %u) at %s; use another port, another "
		"backend address, or 'forward: l2'",
		addr_format(&mine->backends[backend].address, address), report_show(mine->name, mine_shown),
		addr_format(&mine->vip, mine_vip), report_show(other->name, other_shown),
		addr_format(&other->vip, other_vip_text), first->at.line, port_text(port, text));
}

/* Takes `claim` at the backend, or refuses it to a second VIP. */
static int restore_take(const struct claimant *claimant, size_t backend, const struct config_port *port)
{
	const struct addr *address = &claimant->service->service.backends[backend].address;
	struct key key = address_key(CLAIM_RESTORE, address, port->protocol, port->port);
	struct holder first;
	int taken = take(claimant, &key, claimant->service->backend_places[backend], &first);

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
		struct key key = address_key(claims[i], address, port->protocol, 0);

		if (find(claimant, &key, &first) && other_vip(claimant, &first))
			return refuse_restore(claimant, backend, port, &first);
	}
	return restore_take(claimant, backend, port);
}

/* An exact port: nobody else may have any port. `mark` on the first of its protocol. */
static int restore_exact(const struct claimant *claimant, size_t backend, const struct config_port *port,
			 bool mark)
{
	const struct addr *address = &claimant->service->service.backends[backend].address;
	struct key any = address_key(CLAIM_RESTORE, address, port->protocol, 0);
	struct key exact = address_key(CLAIM_EXACT, address, port->protocol, 0);
	struct key exact_other = address_key(CLAIM_EXACT_OTHER, address, port->protocol, 0);
	struct place at = claimant->service->backend_places[backend];
	struct holder first;
	int taken;

	if (!mark)
		return restore_take(claimant, backend, port);
	if (find(claimant, &any, &first) && other_vip(claimant, &first))
		return refuse_restore(claimant, backend, port, &first);
	taken = take(claimant, &exact, at, &first);
	if (taken == 1 && other_vip(claimant, &first))
		taken = take(claimant, &exact_other, at, &first);
	return taken < 0 ? taken : restore_take(claimant, backend, port);
}

static int claim_restores(const struct claimant *claimant, size_t backend)
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

int claim_service(struct reader *reader, struct draft *draft, const struct service_draft *service)
{
	const struct claimant claimant = {reader, draft, service, (uint32_t)draft->config.services_count - 1};
	bool restored = service->service.forward != FORWARD_L2;
	int err = claim_name(&claimant);

	if (!err)
		err = claim_vip(&claimant);
	for (size_t i = 0; !err && i < service->service.ports_count; i++)
		err = claim_endpoint(&claimant, i);
	if (!err && restored)
		err = bound_restores(&claimant);
	for (size_t i = 0; !err && i < service->service.backends_count; i++) {
		err = claim_backend(&claimant, i);
		if (!err && restored)
			err = claim_restores(&claimant, i);
	}
	return err;
}
