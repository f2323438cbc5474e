/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What services must not share: names, VIP and port, addresses that are VIP and backend at once,
 * and what l3 restores by.
 *
 * Every service enters its claims once it is read, in the file's order, so that the later of two
 * gets the error and names the line of the first.
 */
#include "file_claims.h"

#include <stdio.h>
#include <string.h>

struct claim_key claim_key(enum claim claim, const struct addr *addr, uint8_t protocol, uint16_t port)
{
	struct claim_key key = {.size = 5 + addr_size(addr),
				.bytes = {claim, protocol, port >> 8, port & 0xff, addr->family}};

	memcpy(key.bytes + 5, addr->bytes, addr_size(addr));
	return key;
}

/* `name` is at most NAME_LENGTH_MAX or PATTERN_LENGTH_MAX long. */
static struct claim_key name_key(enum claim claim, const char *name)
{
	struct claim_key key = {.size = 1 + strlen(name), .bytes = {claim}};

	memcpy(key.bytes + 1, name, strlen(name));
	return key;
}

const struct config_service *claim_holder(const struct claimant *claimant, const struct holder *holder)
{
	return &claimant->draft->config.services[holder->service];
}

int claim_take(const struct claimant *claimant, const struct claim_key *key, struct place at,
	       struct holder *first)
{
	struct holder who = {.service = claimant->index, .at = at};
	int taken = ledger_take(&claimant->draft->claims, key->bytes, key->size, &who, first);

	if (taken < 0)
		return report_fail_whole(reader_report(claimant->reader), taken, "out of memory");
	return taken;
}

int claim_find(const struct claimant *claimant, const struct claim_key *key, struct holder *first)
{
	return ledger_find(&claimant->draft->claims, key->bytes, key->size, first);
}

const char *port_text(const struct config_port *port, char out[static PORT_TEXT_SIZE])
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
	struct claim_key key = name_key(CLAIM_NAME, service->service.name);
	struct holder first;
	char shown[SHOW_SIZE];
	int taken = claim_take(claimant, &key, service->name_at, &first);

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
	struct claim_key as_backend = claim_key(CLAIM_BACKEND, vip, 0, 0);
	struct claim_key as_vip = claim_key(CLAIM_VIP, vip, 0, 0);
	char text[ADDR_TEXT_SIZE], shown[SHOW_SIZE];
	struct holder first;
	int taken;

	if (claim_find(claimant, &as_backend, &first))
		return reader_fail(
			claimant->reader, service->vip_at,
			"VIP %s is a backend of service '%s' (line %u); a VIP needs an address of its "
			"own",
			addr_format(vip, text), report_show(claim_holder(claimant, &first)->name, shown),
			first.at.line);
	taken = claim_take(claimant, &as_vip, service->vip_at, &first);
	return taken < 0 ? taken : 0; /* services may share a VIP */
}

static int claim_endpoint(const struct claimant *claimant, size_t i)
{
	const struct config_service *service = &claimant->service->service;
	const struct config_port *port = &service->ports[i];
	struct claim_key key = claim_key(CLAIM_ENDPOINT, &service->vip, port->protocol, port->port);
	struct place at = claimant->service->port_places[i];
	char vip[ADDR_TEXT_SIZE], text[PORT_TEXT_SIZE], shown[SHOW_SIZE];
	struct holder first;
	int taken = claim_take(claimant, &key, at, &first);

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
			   report_show(claim_holder(claimant, &first)->name, shown), first.at.line);
}

static int claim_backend(const struct claimant *claimant, size_t i)
{
	const struct addr *address = &claimant->service->service.backends[i].address;
	struct claim_key as_backend = claim_key(CLAIM_BACKEND, address, 0, 0);
	struct claim_key as_vip = claim_key(CLAIM_VIP, address, 0, 0);
	struct place at = claimant->service->backend_places[i];
	char text[ADDR_TEXT_SIZE], shown[SHOW_SIZE];
	struct holder first;
	int taken;

	if (claim_find(claimant, &as_vip, &first))
		return reader_fail(claimant->reader, at,
				   "backend %s is the VIP of service '%s' (line %u); write the backend's own "
				   "address",
				   addr_format(address, text),
				   report_show(claim_holder(claimant, &first)->name, shown), first.at.line);
	taken = claim_take(claimant, &as_backend, at, &first);
	return taken < 0 ? taken : 0; /* services may share a backend */
}

int claim_pattern(struct reader *reader, struct draft *draft, const char *pattern, struct place at)
{
	const struct claimant claimant = {.reader = reader, .draft = draft};
	struct claim_key key = name_key(CLAIM_PATTERN, pattern);
	struct holder first;
	char shown[SHOW_SIZE];
	int taken = claim_take(&claimant, &key, at, &first);

	if (taken != 1)
		return taken;
	return reader_fail(reader, at, "pattern '%s' is listed twice; the first is on line %u: remove one",
			   report_show(pattern, shown), first.at.line);
}

int claim_service(struct reader *reader, struct draft *draft, const struct service_draft *service)
{
	const struct claimant claimant = {reader, draft, service, (uint32_t)draft->config.services_count - 1};
	int err = claim_name(&claimant);

	if (!err)
		err = claim_vip(&claimant);
	for (size_t i = 0; !err && i < service->service.ports_count; i++)
		err = claim_endpoint(&claimant, i);
	for (size_t i = 0; !err && i < service->service.backends_count; i++)
		err = claim_backend(&claimant, i);
	if (!err && config_restores(&service->service))
		err = claim_restores(&claimant);
	return err;
}
