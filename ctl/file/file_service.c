/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A service of the file: its keys as a table, and what they demand of each other.
 */
#include "file_draft.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "file_schema.h"
#include "file_value.h"

static int read_address(struct reader *reader, const struct field *field, const struct node *value,
			void *record)
{
	struct config_backend *backend = record;
	int err = need_scalar(reader, field, value);

	return err ? err : value_address(reader, value, "a backend", &backend->address);
}

enum { BACKEND_ADDRESS, BACKEND_WEIGHT, BACKEND_ID };

static const struct schema backend_schema = {
	.what = "a backend",
	.example = "{address: 198.51.100.12, weight: 2}",
	.fields =
		(const struct field[]){
			[BACKEND_ADDRESS] = {"address", "198.51.100.12", true, .read = read_address},
			[BACKEND_WEIGHT] = {"weight", "2", false, .read = read_weight,
					    .offset = offsetof(struct config_backend, weight)},
			[BACKEND_ID] = {"id", "42", false, .read = read_backend_id},
			{.name = NULL},
		},
};

/* *at becomes where its address stands, *id_at where its id does. */
static int backend_value(struct reader *reader, const struct node *node, struct config_backend *backend,
			 struct place *at, struct place *id_at)
{
	struct place places[SCHEMA_FIELDS_MAX];
	int err;

	if (node->kind == NODE_SCALAR && *node->text)
		return value_address(reader, node, "a backend", &backend->address);
	if (node->kind != NODE_MAP)
		return reader_fail(reader, node->at,
				   "a backend must be an address such as 198.51.100.11, or %s",
				   backend_schema.example);
	err = read_mapping(reader, &backend_schema, node, backend, places);
	if (err)
		return err;
	*at = places[BACKEND_ADDRESS];
	*id_at = places[BACKEND_ID];
	return 0;
}

/* Is it the only one with its address in this service? */
static int backend_is_new(struct reader *reader, struct service_draft *draft, const struct addr *address,
			  struct place at)
{
	struct holder who = {.at = at}, first = {0};
	char text[ADDR_TEXT_SIZE];
	int taken = ledger_take(&draft->seen, address->bytes, addr_size(address), &who, &first);

	if (taken == 1)
		return reader_fail(
			reader, at,
			"backend %s is listed twice; the first is on line %u: remove one, or give it "
			"a weight",
			addr_format(address, text), first.at.line);
	return taken ? report_fail_whole(reader_report(reader), taken, "out of memory") : 0;
}

static int read_backend(struct reader *reader, const struct node *node, void *record)
{
	struct service_draft *draft = record;
	struct config_service *service = &draft->service;
	struct config_backend backend = {.weight = 1};
	struct place at = node->at, id_at = {0};
	int err = backend_value(reader, node, &backend, &at, &id_at);

	if (!err)
		err = backend_is_new(reader, draft, &backend.address, at);
	if (!err)
		err = array_grow(reader, &service->backends, service->backends_count, sizeof(backend));
	if (!err)
		err = array_grow(reader, &draft->backend_places, service->backends_count, sizeof(at));
	if (!err)
		err = array_grow(reader, &draft->id_places, service->backends_count, sizeof(id_at));
	if (err)
		return err;
	draft->id_places[service->backends_count] = id_at;
	draft->backend_places[service->backends_count] = at;
	service->backends[service->backends_count++] = backend;
	return 0;
}

static int read_backends(struct reader *reader, const struct field *field, const struct node *value,
			 void *record)
{
	const struct service_draft *draft = record;
	struct place at = value->at;
	int err = read_list(reader, field, value, read_backend, record);

	if (!err && !draft->service.backends_count)
		return reader_fail(reader, at, "a service needs at least one backend; write one such as %s",
				   field->example);
	return err;
}

static int read_port(struct reader *reader, const struct node *node, void *record)
{
	struct service_draft *draft = record;
	struct config_service *service = &draft->service;
	struct config_port port;
	struct place at = node->at;
	int err;

	if (node->kind != NODE_SCALAR)
		return reader_fail(reader, at, "a port must be a single value, such as 80/tcp");
	err = value_port(reader, node, &port);
	if (!err)
		err = array_grow(reader, &service->ports, service->ports_count, sizeof(port));
	if (!err)
		err = array_grow(reader, &draft->port_places, service->ports_count, sizeof(at));
	if (err)
		return err;
	draft->port_places[service->ports_count] = at;
	service->ports[service->ports_count++] = port;
	return 0;
}

static int read_ports(struct reader *reader, const struct field *field, const struct node *value,
		      void *record)
{
	const struct service_draft *draft = record;
	struct place at = value->at;
	int err = read_list(reader, field, value, read_port, record);

	if (!err && !draft->service.ports_count)
		return reader_fail(reader, at, "a service needs at least one port; write one such as %s",
				   field->example);
	return err;
}

static int read_vip(struct reader *reader, const struct field *field, const struct node *value, void *record)
{
	struct service_draft *draft = record;
	int err = need_scalar(reader, field, value);

	return err ? err : value_address(reader, value, "a VIP", &draft->service.vip);
}

static const struct choice forward_choices[] = {
	{"auto", FORWARD_AUTO, NULL}, {"l2", FORWARD_L2, NULL},	  {"l3", FORWARD_L3, NULL},
	{"ipip", FORWARD_IPIP, NULL}, {"gue", FORWARD_GUE, NULL}, {.name = NULL},
};

static const struct choice remote_choices[] = {
	{"ipip", FORWARD_IPIP, NULL},
	{"gue", FORWARD_GUE, NULL},
	{"l3", FORWARD_L3, NULL},
	{"l2", 0, "cannot be: l2 reaches on-link backends only; write ipip, gue or l3"},
	{"auto", 0, "cannot be; write ipip, gue or l3"},
	{.name = NULL},
};

static const struct choice scheduler_choices[] = {
	{"maglev", SCHEDULER_MAGLEV, NULL},
	{"random", SCHEDULER_RANDOM, NULL},
	{.name = NULL},
};

static const struct choice advertise_choices[] = {
	{"false", false, NULL},
	{"true", true, NULL},
	{.name = NULL},
};

#define BACKENDS_MAX 1000000
#define IDLE_MS	     300000

static const struct number_range dscp_range = {1, 63};

static const struct number_range min_active_range = {1, BACKENDS_MAX};
static const struct duration_range idle_range = {1000, 86400000, "1s to 24h", false};

enum {
	SERVICE_NAME,
	SERVICE_VIP,
	SERVICE_PORTS,
	SERVICE_FORWARD,
	SERVICE_REMOTE,
	SERVICE_DSCP,
	SERVICE_MIN_ACTIVE,
	SERVICE_QUIC_ID
};

#define IN_SERVICE(member) (offsetof(struct service_draft, service) + offsetof(struct config_service, member))

static const struct schema service_schema = {
	.what = "a service",
	.example = "{name: web, vip: 203.0.113.10, ports: [80/tcp], forward: l3, backends: [198.51.100.11]}",
	.fields =
		(const struct field[]){
			[SERVICE_NAME] = {"name", "web", true, read_name, IN_SERVICE(name)},
			[SERVICE_VIP] = {"vip", "203.0.113.10", true, read_vip},
			[SERVICE_PORTS] = {"ports", "[80/tcp, 443/udp]", true, read_ports},
			[SERVICE_FORWARD] = {"forward", "l3", false, read_choice, IN_SERVICE(forward),
					     forward_choices},
			[SERVICE_REMOTE] = {"remote", "ipip", false, read_choice, IN_SERVICE(remote),
					    remote_choices},
			[SERVICE_DSCP] = {"dscp", "10", false, read_number, IN_SERVICE(dscp),
					  .numbers = &dscp_range},
			[SERVICE_MIN_ACTIVE] = {"min-active", "1", false, read_number, IN_SERVICE(min_active),
						.numbers = &min_active_range},
			[SERVICE_QUIC_ID] = {"quic-id", "{offset: 1, bytes: 2}", false, read_quic_id,
					     IN_SERVICE(quic_id)},
			{"scheduler", "maglev", false, read_choice, IN_SERVICE(scheduler), scheduler_choices},
			{"advertise", "true", false, read_choice, IN_SERVICE(advertise), advertise_choices},
			{"backends", "[198.51.100.11, 198.51.100.12]", true, read_backends},
			{.name = "health"},
			{"idle", "5m", false, read_duration, IN_SERVICE(idle), .range = &idle_range},
			{.name = NULL},
		},
};

static int check_forward(struct reader *reader, const struct config_service *service,
			 const struct place *places)
{
	struct place remote = places[SERVICE_REMOTE];

	if (service->forward != FORWARD_AUTO && remote.line)
		return reader_fail(
			reader, remote,
			"'remote' goes with 'forward: auto' only; remove it, or write 'forward: auto'");
	if (service->dscp && !config_restores(service))
		return reader_fail(reader, places[SERVICE_DSCP],
				   "'dscp' goes with l3 only; remove it, or write 'forward: l3'%s",
				   service->forward == FORWARD_AUTO ? " or 'remote: l3'" : "");
	return 0;
}

/* l3 puts the backend's address where the VIP's was: it must be as long. */
static int check_families(struct reader *reader, const struct service_draft *draft)
{
	const struct config_service *service = &draft->service;
	char backend[ADDR_TEXT_SIZE], vip[ADDR_TEXT_SIZE];

	if (!config_restores(service))
		return 0;
	for (size_t i = 0; i < service->backends_count; i++) {
		const struct addr *address = &service->backends[i].address;

		if (address->family == service->vip.family)
			continue;
		return reader_fail(reader, draft->backend_places[i],
				   "backend %s is not of the VIP's family (%s), which %s needs; use an IPv%d "
				   "backend, 'forward: l2', or a tunnel, such as 'forward: ipip'",
				   addr_format(address, backend), addr_format(&service->vip, vip),
				   service->forward == FORWARD_L3 ? "l3" : "'remote: l3'",
				   service->vip.family);
	}
	return 0;
}

static int check_min_active(struct reader *reader, const struct config_service *service, struct place at)
{
	if (at.line && !service->advertise)
		return reader_fail(reader, at,
				   "'min-active' goes with 'advertise: true' only; add that, or remove it");
	if (service->min_active > service->backends_count)
		return reader_fail(reader, at,
				   "'min-active' is %u, but the service has %zu backends; write at most that",
				   service->min_active, service->backends_count);
	return 0;
}

static int fill_service(struct reader *reader, const struct node *node, struct service_draft *service)
{
	struct place places[SCHEMA_FIELDS_MAX];
	int err = read_mapping(reader, &service_schema, node, service, places);

	if (!err)
		err = check_forward(reader, &service->service, places);
	if (!err)
		err = check_families(reader, service);
	if (!err)
		err = check_min_active(reader, &service->service, places[SERVICE_MIN_ACTIVE]);
	if (!err)
		err = check_quic_id(reader, service, places[SERVICE_QUIC_ID]);
	if (err)
		return err;
	service->name_at = places[SERVICE_NAME];
	service->vip_at = places[SERVICE_VIP];
	service->ports_at = places[SERVICE_PORTS];
	return 0;
}

int read_service(struct reader *reader, const struct node *node, void *record)
{
	struct draft *draft = record;
	struct service_draft service = {
		.service = {
			.forward = FORWARD_AUTO, .remote = FORWARD_IPIP, .min_active = 1, .idle = IDLE_MS}};
	struct config *config = &draft->config;
	int err = array_grow(reader, &config->services, config->services_count, sizeof(*config->services));

	if (err)
		return err;
	err = fill_service(reader, node, &service);
	config->services[config->services_count++] = service.service; /* its owner, whatever the outcome */
	if (!err)
		err = claim_service(reader, draft, &service);
	ledger_clear(&service.seen);
	free(service.port_places);
	free(service.backend_places);
	free(service.id_places);
	return err;
}
