/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The node as JSON: status, interfaces, aliases, flows. See view.h.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <shunt/fresh.h>

#include "adverts.h"
#include "aliases.h"
#include "controller.h"
#include "interfaces.h"
#include "log.h"
#include "view.h"

static const struct {
	const char *name, *words;
} reasons[] = {
#define REASON_ROW(symbol, json_name, in_words) [SH_##symbol] = {json_name, in_words},
	SH_REASONS(REASON_ROW)};

const char *view_reason_name(unsigned reason)
{
	return reason < SH_REASON_COUNT ? reasons[reason].name : "unknown";
}

const char *view_reason_words(unsigned reason)
{
	return reason < SH_REASON_COUNT ? reasons[reason].words : "";
}

static json_t *view_reasons(const struct controller *controller)
{
	struct sh_count counts[SH_REASON_COUNT] = {0};
	json_t *rows = json_array();
	int err = dataplane_reasons(controller->apply.dataplane, counts);

	if (err)
		log_warn("cannot read the counters of reasons: %s", strerror(-err));
	for (uint32_t i = 0; i < SH_REASON_COUNT; i++)
		json_array_append_new(rows,
				      json_pack("{s:s, s:I, s:I, s:s}", "name", reasons[i].name, "packets",
						(json_int_t)counts[i].packets, "bytes",
						(json_int_t)counts[i].bytes, "words", reasons[i].words));
	return rows;
}

static json_t *view_netlink(const struct controller *controller)
{
	const struct rt_watch_stats *stats = rt_watch_stats(controller->watch);

	return json_pack("{s:I, s:I, s:I, s:I, s:b}", "events", (json_int_t)stats->events, "overruns",
			 (json_int_t)stats->overruns, "unparsed", (json_int_t)stats->unparsed, "asks",
			 (json_int_t)controller->apply.asks, "filter", rt_watch_filtered(controller->watch));
}

/* The number of this network namespace, as /proc/PID/ns/net has it; 0 where that cannot be told. */
static json_int_t netns(void)
{
	struct stat own;

	return stat("/proc/self/ns/net", &own) ? 0 : (json_int_t)own.st_ino;
}

json_t *view_status(struct controller *controller)
{
	const struct model *model = controller->apply.model;
	const struct interface_row *interfaces;
	const struct advert_row *adverts;
	const struct alias_row *aliases;
	int services = 0, backends = 0, active = 0;
	struct timespec now;

	for (size_t i = 0; i < model->services_count; i++) {
		services += (int)model->services[i].config->ports_count;
		backends += (int)model->services[i].config->backends_count;
		active += (int)service_active(&model->services[i]);
	}
	clock_gettime(CLOCK_MONOTONIC, &now);
	return json_pack(
		"{s:s, s:i, s:I, s:I, s:s, s:s, s:s, s:i, s:i, s:i, s:i, s:i, s:i, s:I, s:o, s:o, s:o, s:i, "
		"s:i, "
		"s:o}",
		"version", SHUNT_VERSION, "pid", (int)getpid(), "netns", netns(), "uptime",
		(json_int_t)(now.tv_sec - controller->started), "role", role_name(controller->role.role),
		"role_reason", controller->role.reason, "file", controller->options->file, "interfaces",
		(int)interfaces_rows(controller->interfaces, &interfaces), "services", services, "backends",
		backends, "active", active, "nexthops", (int)tables_nexthop_count(controller->apply.tables),
		"aliases", (int)aliases_rows(controller->aliases, &aliases), "map_writes",
		(json_int_t)tables_writes(controller->apply.tables), "netlink", view_netlink(controller),
		"audit", audit_view(&controller->audit), "adverts",
		json_pack("{s:i, s:I}", "vips", (int)adverts_rows(controller->adverts, &adverts), "put_back",
			  (json_int_t)adverts_returned(controller->adverts)),
		"reloads", (int)controller->reloads, "generation", (int)controller->generation, "reasons",
		view_reasons(controller));
}

json_t *view_interfaces(struct controller *controller)
{
	const struct interface_row *interfaces;
	size_t count = interfaces_rows(controller->interfaces, &interfaces);
	json_t *rows = json_array();

	for (size_t i = 0; i < count; i++) {
		const struct interface_row *row = &interfaces[i];

		json_array_append_new(
			rows, json_pack("{s:s, s:i, s:s, s:s, s:s, s:s}", "name", row->name, "ifindex",
					row->ifindex, "role", interface_program_name(row->program), "mode",
					interface_mode_name(row->mode), "state",
					interface_state_name(row->state), "reason", row->reason));
	}
	return rows;
}

json_t *view_aliases(struct controller *controller)
{
	const struct alias_row *aliases;
	size_t count = aliases_rows(controller->aliases, &aliases);
	json_t *rows = json_array();
	char vip[ADDR_TEXT_SIZE];

	for (size_t i = 0; i < count; i++) {
		const struct alias_row *row = &aliases[i];

		json_array_append_new(rows, json_pack("{s:s, s:s, s:s, s:s}", "vip",
						      addr_format(&row->vip, vip), "dev", row->dev, "state",
						      alias_state_name(row->state), "reason", row->reason));
	}
	return rows;
}

json_t *view_adverts(struct controller *controller)
{
	const struct advert_row *adverts;
	size_t count = adverts_rows(controller->adverts, &adverts);
	json_t *rows = json_array();
	char vip[ADDR_TEXT_SIZE];

	for (size_t i = 0; i < count; i++) {
		const struct advert_row *row = &adverts[i];

		json_array_append_new(rows,
				      json_pack("{s:s, s:s, s:i, s:s}", "vip", addr_format(&row->vip, vip),
						"state", advert_state_name(row->state), "metric",
						(int)row->metric, "reason", row->reason));
	}
	return rows;
}

static void text_of(const struct sh_ip *ip, uint8_t family, char text[static ADDR_TEXT_SIZE])
{
	struct addr address;

	tables_addr(ip, family, &address);
	addr_format(&address, text);
}

static json_t *view_flow(const struct controller *controller, const struct sh_flow *flow,
			 const struct sh_flow_state *state)
{
	const struct port *port = dataplane_port(controller->apply.dataplane);
	const struct config_service *service;
	const struct sh_backend *record;
	char client[ADDR_TEXT_SIZE], vip[ADDR_TEXT_SIZE], backend[ADDR_TEXT_SIZE];
	uint32_t protocol;

	if (state->backend >= port->backends_size)
		return NULL;
	record = &port->backends[state->backend];
	service = view_service_config(controller, record->owner);
	protocol = flow->whose ^ sh_flow_whose(record->owner, 0);
	/* Such an entry counts for nothing any more (xdp/flows.h). */
	if (!service || (protocol != IPPROTO_TCP && protocol != IPPROTO_UDP))
		return NULL;
	text_of(&flow->client, service->vip.family, client);
	addr_format(&service->vip, vip);
	text_of(&record->address, record->family, backend);
	return json_pack("{s:s, s:i, s:s, s:i, s:s, s:s, s:s}", "client", client, "client_port",
			 ntohs(flow->client_port), "vip", vip, "vip_port", ntohs(flow->vip_port), "protocol",
			 protocol_name((uint8_t)protocol), "service", service->name, "backend", backend);
}

json_t *view_flows(struct controller *controller)
{
	size_t count, size = dataplane_entry_size(HASH_FLOWS);
	json_t *rows, *row;
	void *all;

	if (dataplane_read(controller->apply.dataplane, HASH_FLOWS, &all, &count))
		return NULL;
	rows = json_array();
	for (size_t i = 0; i < count; i++) {
		const char *entry = (const char *)all + i * size;
		struct sh_flow flow;
		struct sh_flow_state state;

		memcpy(&flow, entry, sizeof(flow));
		memcpy(&state, entry + sizeof(flow), sizeof(state));
		row = view_flow(controller, &flow, &state);
		if (row)
			json_array_append_new(rows, row);
	}
	free(all);
	return rows;
}
