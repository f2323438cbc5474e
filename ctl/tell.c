/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Telling: changes of state, next hops, paths, interfaces and aliases go to the event stream,
 * and changes of state also to the log (interfaces.c and aliases.c log theirs). See controller.h.
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "adverts.h"
#include "aliases.h"
#include "control.h"
#include "controller.h"
#include "interfaces.h"
#include "log.h"
#include "view.h"

/* Publishes an event with its time, seconds since the epoch. Takes `event`. */
void tell_event(struct controller *controller, json_t *event)
{
	struct timespec now;

	if (controller->control && control_has_subscribers(controller->control)) {
		clock_gettime(CLOCK_REALTIME, &now);
		json_object_set_new(event, "time", json_real((double)now.tv_sec + (double)now.tv_nsec / 1e9));
		control_publish(controller->control, event);
	}
	json_decref(event);
}

/* Lines in the log about one pass: a router's end must not flood it with its thousands of backends. */
#define STATES_LOGGED 20

void tell_states(struct controller *controller)
{
	if (controller->told_states > STATES_LOGGED)
		log_note("%u more backends changed state: see shunt show backends",
			 controller->told_states - STATES_LOGGED);
	controller->told_states = 0;
}

static void state_changed(const struct member *member, enum backend_state before, void *arg)
{
	struct controller *controller = arg;
	char address[ADDR_TEXT_SIZE];
	const char *reason = member->reason ? member->reason : "";

	addr_format(&member->config->address, address);
	if (++controller->told_states <= STATES_LOGGED && before == member->state)
		log_note("%s %s: %s%s%s", member->service->config->name, address, backend_state_name(before),
			 *reason ? ": " : "", reason);
	else if (controller->told_states <= STATES_LOGGED)
		log_note("%s %s: %s -> %s%s%s", member->service->config->name, address,
			 backend_state_name(before), backend_state_name(member->state), *reason ? ": " : "",
			 reason);
	tell_event(arg, json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "event", "state", "service",
				  member->service->config->name, "backend", address, "before",
				  backend_state_name(before), "after", backend_state_name(member->state),
				  "reason", reason));
}

static const char *mac_or_none(const struct sh_nexthop *record, char text[static MAC_TEXT_SIZE])
{
	return record->flags & SH_NEXTHOP_VALID ? mac_format(record->dst_mac, text) : "none";
}

static void nexthop_changed(const struct rt_neigh_key *key, const struct sh_nexthop *before,
			    const struct sh_nexthop *after, void *arg)
{
	const struct controller *controller = arg;
	const struct rt_link *link = rt_state_link(controller->apply.state, key->ifindex);
	char address[ADDR_TEXT_SIZE], from[MAC_TEXT_SIZE], to[MAC_TEXT_SIZE];

	/* A link's MAC or MTU changed, or nothing was known before and is now. */
	if (!strcmp(mac_or_none(before, from), mac_or_none(after, to)))
		return;
	addr_format(&key->addr, address);
	tell_event(arg, json_pack("{s:s, s:s, s:s, s:s, s:s}", "event", "neighbour", "nexthop", address,
				  "dev", link ? link->name : "", "before", mac_or_none(before, from), "after",
				  mac_or_none(after, to)));
}

static void path_changed(const struct member *member, const struct sh_path *before,
			 const struct sh_path *after, void *arg)
{
	struct controller *controller = arg;
	char address[ADDR_TEXT_SIZE];

	/* Thousands of these may come with one route: the words would cost more than all else. */
	if (!controller->control || !control_has_subscribers(controller->control))
		return;
	tell_event(controller,
		   json_pack("{s:s, s:s, s:s, s:o, s:o}", "event", "route", "backend",
			     addr_format(&member->config->address, address), "service",
			     member->service->config->name, "before", view_path_text(controller, before),
			     "after", view_path_text(controller, after)));
}

static void keep_resolved(struct table_nexthop *nexthop, void *arg)
{
	struct controller *controller = arg;

	managed_keep(&controller->managed, nexthop);
}

const struct apply_ops tell_ops = {
	.state_changed = state_changed,
	.nexthop_changed = nexthop_changed,
	.path_changed = path_changed,
	.exit_opens = node_open_exit,
	.keep_resolved = keep_resolved,
};

static void interface_changed(const struct interface_row *row, void *arg)
{
	tell_event(arg,
		   json_pack("{s:s, s:s, s:i, s:s, s:s}", "event", "interface", "name", row->name, "ifindex",
			     row->ifindex, "state", interface_state_name(row->state), "reason", row->reason));
}

static void alias_changed(const struct alias_row *row, void *arg)
{
	char address[ADDR_TEXT_SIZE];

	addr_format(&row->vip, address);
	tell_event(arg, json_pack("{s:s, s:s, s:s}", "event", "alias", "vip", address, "state",
				  alias_state_name(row->state)));
}

void tell_interfaces(struct controller *controller)
{
	/* Each logs why it could not be opened. */
	if (interfaces_open(controller->options->pin_dir, interface_changed, controller,
			    &controller->interfaces))
		return;
	if (aliases_new(alias_changed, controller, &controller->aliases))
		log_error("cannot keep aliases: out of memory");
}

static void advert_changed(const struct advert_row *row, void *arg)
{
	char address[ADDR_TEXT_SIZE];

	addr_format(&row->vip, address);
	tell_event(arg, json_pack("{s:s, s:s, s:s, s:i, s:s}", "event", "advert", "vip", address, "state",
				  advert_state_name(row->state), "metric", (int)row->metric, "reason",
				  row->reason));
}

int tell_adverts(struct controller *controller)
{
	int err = adverts_new(advert_changed, controller, &controller->adverts);

	if (err)
		log_error("cannot keep adverts: out of memory");
	return err;
}

void tell_open(struct controller *controller)
{
	controller->apply.ops = &tell_ops;
	controller->apply.arg = controller;
}

void tell_overrun(struct controller *controller)
{
	log_warn("the kernel's events overran the socket: read everything anew, asking about every backend");
	tell_event(controller, json_pack("{s:s}", "event", "overrun"));
}

/* Lines in the log about one file. */
#define LOSSES_LOGGED 20

static void tell_loss(const struct config_service *service, const struct config_port *port)
{
	char vip[ADDR_TEXT_SIZE], number[8] = "any";

	if (port->port)
		snprintf(number, sizeof(number), "%u", port->port);
	log_warn(
		"service %s: of the connections to %s %s/%s, which another service had, those break that are "
		"on another backend than this service has for them",
		service->name, addr_format(&service->vip, vip), number, protocol_name(port->protocol));
}

void tell_succession(const struct controller *controller)
{
	const struct model *model = controller->apply.model;
	size_t losses = 0;

	for (size_t i = 0; i < model->succession.heirs_count; i++) {
		const struct heir *heir = &model->succession.heirs[i];

		if (heir->lost && ++losses <= LOSSES_LOGGED)
			tell_loss(&model->config->services[heir->service], &heir->port);
	}
	if (losses > LOSSES_LOGGED)
		log_warn("so it is with %zu more ports", losses - LOSSES_LOGGED);
}

void tell_reload(struct controller *controller)
{
	log_note("loaded %s: %zu services", controller->options->file,
		 controller->apply.model->config->services_count);
	tell_event(controller, json_pack("{s:s, s:s}", "event", "reload", "file", controller->options->file));
}
