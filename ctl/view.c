/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Services, backends and next hops as JSON. See view.h.
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controller.h"
#include "log.h"
#include "view.h"

const struct config_service *view_service_config(const struct controller *controller, uint64_t owner)
{
	const struct model *model = controller->apply.model;

	for (size_t i = 0; i < model->services_count; i++) {
		if (model->services[i].owner == owner)
			return model->services[i].config;
	}
	return NULL;
}

const char *view_service_name(const struct controller *controller, uint64_t owner)
{
	const struct config_service *config = view_service_config(controller, owner);

	return config ? config->name : "";
}

static const char *link_name(const struct controller *controller, int ifindex)
{
	const struct rt_link *link = rt_state_link(controller->apply.state, ifindex);

	return link ? link->name : "";
}

static json_t *mac_or_null(const uint8_t *mac, bool known)
{
	char text[MAC_TEXT_SIZE];

	return known ? json_string(mac_format(mac, text)) : json_null();
}

/* The names of a next hop that stand wherever one is shown. */
static json_t *view_nexthop(const struct controller *controller, const struct table_nexthop *nexthop)
{
	const struct rt_neigh_key *key = tables_nexthop_key(nexthop);
	const struct sh_nexthop *record = tables_nexthop_record(controller->apply.tables, nexthop);
	bool tagged = record->flags & SH_NEXTHOP_TAGGED;
	char address[ADDR_TEXT_SIZE];

	return json_pack("{s:s, s:s, s:i, s:o, s:o, s:o, s:i, s:s}", "nexthop",
			 addr_format(&key->addr, address), "dev", link_name(controller, key->ifindex),
			 "ifindex", key->ifindex, "src_mac", mac_or_null(record->src_mac, true), "dst_mac",
			 mac_or_null(record->dst_mac, record->flags & SH_NEXTHOP_VALID), "vlan",
			 tagged ? json_integer(record->flags & SH_NEXTHOP_VLAN_ID) : json_null(), "mtu",
			 record->mtu, "egress", link_name(controller, (int)record->ifindex));
}

/* A path's MTU is the smaller of its route's and its link's. */
static void set_route_mtu(const struct member *member, json_t *leg)
{
	json_int_t route = member->path ? tables_path_record(member->path)->mtu : 0;

	if (route && route < json_integer_value(json_object_get(leg, "mtu")))
		json_object_set_new(leg, "mtu", json_integer(route));
}

static json_t *view_paths(const struct controller *controller, const struct member *member)
{
	json_t *paths = json_array();

	for (size_t i = 0; i < member->legs_count; i++) {
		json_t *leg = view_nexthop(controller, member->legs[i].nexthop);

		set_route_mtu(member, leg);
		json_object_set_new(leg, "weight", json_integer(member->legs[i].weight));
		json_array_append_new(paths, leg);
	}
	return paths;
}

static void set_counts(const struct controller *controller, json_t *row, enum dataplane_counts counts,
		       uint32_t index)
{
	struct sh_count count = {0};

	if (dataplane_count(controller->apply.dataplane, counts, index, &count))
		log_warn("cannot read the counters of record %u", index);
	json_object_set_new(row, "packets", json_integer((json_int_t)count.packets));
	json_object_set_new(row, "bytes", json_integer((json_int_t)count.bytes));
}

static const char *mode_name(const struct member *member)
{
	static const char *const names[] = {[SH_MODE_L2] = "l2",
					    [SH_MODE_L3] = "l3",
					    [SH_MODE_LOCAL] = "local",
					    [SH_MODE_IPIP] = "ipip",
					    [SH_MODE_GUE] = "gue"};

	return member->mode == SH_MODE_NONE ? forward_name(member->forward) : names[member->mode];
}

/* By which connection IDs name it: as text, since JSON's integers may be shorter. null: by none. */
static json_t *view_id(const struct controller *controller, const struct member *member)
{
	char text[24];
	uint64_t id;

	if (!member->service->config->quic_id.bytes ||
	    !tables_backend_name(controller->apply.tables, member->backend, &id))
		return json_null();
	snprintf(text, sizeof(text), "0x%" PRIx64, id);
	return json_string(text);
}

json_t *view_backend(const struct controller *controller, const struct member *member)
{
	char address[ADDR_TEXT_SIZE];
	json_t *row = json_pack(
		"{s:s, s:s, s:i, s:s, s:s, s:s, s:n, s:o}", "service", member->service->config->name,
		"address", addr_format(&member->config->address, address), "weight",
		(int)member->config->weight, "forward", mode_name(member), "state",
		backend_state_name(member->state), "reason", member->reason ? member->reason : "", "health",
		"paths", view_paths(controller, member));

	json_object_set_new(row, "id", view_id(controller, member));
	set_counts(controller, row, COUNTS_BACKENDS, tables_backend_index(member->backend));
	return row;
}

json_t *view_backends(struct controller *controller)
{
	const struct model *model = controller->apply.model;
	json_t *rows = json_array();

	for (size_t i = 0; i < model->services_count; i++) {
		const struct service *service = &model->services[i];

		for (size_t j = 0; j < service->config->backends_count; j++)
			json_array_append_new(rows, view_backend(controller, &service->members[j]));
		for (const struct gone *gone = service->gone; gone; gone = gone->next)
			json_array_append_new(rows, view_backend(controller, &gone->member));
	}
	return rows;
}

static json_t *view_service(const struct controller *controller, const struct service *service, size_t entry)
{
	const struct config_service *config = service->config;
	const struct config_port *port = &config->ports[entry];
	char vip[ADDR_TEXT_SIZE];
	json_t *row = json_pack("{s:s, s:s, s:o, s:s, s:s, s:i, s:i, s:i}", "name", config->name, "vip",
				addr_format(&config->vip, vip), "port",
				port->port ? json_integer(port->port) : json_string("any"), "protocol",
				protocol_name(port->protocol), "scheduler", scheduler_name(config->scheduler),
				"backends", (int)config->backends_count, "active",
				(int)service_active(service), "moving",
				(int)tables_ring_moving(service->ring));

	set_counts(controller, row, COUNTS_SERVICES, tables_service_index(service->entries[entry]));
	return row;
}

json_t *view_services(struct controller *controller)
{
	const struct model *model = controller->apply.model;
	json_t *rows = json_array();

	for (size_t i = 0; i < model->services_count; i++) {
		const struct service *service = &model->services[i];

		for (size_t j = 0; j < service->config->ports_count; j++)
			json_array_append_new(rows, view_service(controller, service, j));
	}
	return rows;
}

/* ---- next hops ------------------------------------------------------------------------------ */

struct nexthop_rows {
	struct controller *controller;
	json_t *rows;
	unsigned *backends; /* by record: how many members have it */
};

static const char *neighbour_state(const struct rt_neigh *neigh)
{
	static const char *const names[] = {
		[RT_NEIGH_NONE] = "resolving",	    [RT_NEIGH_INCOMPLETE] = "resolving",
		[RT_NEIGH_FAILED] = "failed",	    [RT_NEIGH_VALID] = "valid",
		[RT_NEIGH_PERMANENT] = "permanent",
	};

	return neigh ? names[neigh->state] : "resolving";
}

static void add_nexthop(struct table_nexthop *nexthop, void *arg)
{
	struct nexthop_rows *rows = arg;
	const struct rt_neigh_key *key = tables_nexthop_key(nexthop);
	const struct rt_neigh *neigh = rt_state_neigh(rows->controller->apply.state, key->ifindex,
						      &key->addr);
	json_t *row = view_nexthop(rows->controller, nexthop);

	json_object_set_new(row, "state", json_string(neighbour_state(neigh)));
	json_object_set_new(row, "managed", json_boolean(neigh && neigh->managed));
	json_object_set_new(row, "backends", json_integer(rows->backends[tables_nexthop_index(nexthop)]));
	json_array_append_new(rows->rows, row);
}

json_t *view_nexthops(struct controller *controller)
{
	const struct port *port = dataplane_port(controller->apply.dataplane);
	struct nexthop_rows rows = {
		.controller = controller,
		.rows = json_array(),
		.backends = calloc(port->nexthops_size, sizeof(*rows.backends)),
	};

	if (!rows.backends) {
		json_decref(rows.rows);
		return NULL;
	}
	for (const struct target *target = controller->apply.model->targets; target;
	     target = target->hh.next) {
		for (const struct member *member = target->members; member; member = member->next) {
			for (size_t i = 0; i < member->legs_count; i++)
				rows.backends[tables_nexthop_index(member->legs[i].nexthop)]++;
		}
	}
	tables_each_nexthop(controller->apply.tables, add_nexthop, &rows);
	free(rows.backends);
	return rows.rows;
}

json_t *view_path_text(const struct controller *controller, const struct sh_path *path)
{
	const struct port *port = dataplane_port(controller->apply.dataplane);
	char all[512] = "none", address[ADDR_TEXT_SIZE];
	size_t length = 0;

	for (uint32_t i = 0; i < path->buckets && length < sizeof(all); i++) {
		const struct sh_nexthop *record = &port->nexthops[path->nexthop[i]];
		struct addr neighbour;
		bool shown = false;

		for (uint32_t j = 0; j < i; j++)
			shown |= path->nexthop[j] == path->nexthop[i];
		if (shown)
			continue;
		tables_addr(&record->neighbour, record->family, &neighbour);
		length += (size_t)snprintf(all + length, sizeof(all) - length, "%s%s dev %s",
					   length ? ", " : "", addr_format(&neighbour, address),
					   link_name(controller, (int)record->link));
	}
	return json_string(all);
}
