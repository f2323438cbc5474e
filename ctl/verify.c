/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * `shunt verify`: the maps against the kernel, now.
 *
 * Reads links and neighbours anew and asks the FIB about every backend on a socket of its own,
 * resolves as if for the first time, and follows each backend's records from its ring to its
 * MACs in the maps; then compares the maps of VIPs, of egress links and of what a backend restores,
 * and its aliases. Writes nothing.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "aliases.h"
#include "controller.h"
#include "restore.h"
#include "ring.h"
#include "view.h"

struct verification {
	const struct controller *controller;
	struct rt_query *query;
	struct rt_state *state;
	json_t *differences;
	json_int_t checked;
};

static void differ(struct verification *verification, const char *what, const char *where, const char *want,
		   const char *have)
{
	json_array_append_new(
		verification->differences,
		json_pack("{s:s, s:s, s:s, s:s}", "what", what, "where", where, "want", want, "have", have));
}

/* One comparison of two texts. */
static void compare(struct verification *verification, const char *what, const char *where, const char *want,
		    const char *have)
{
	verification->checked++;
	if (strcmp(want, have) != 0)
		differ(verification, what, where, want, have);
}

static void nexthop_text(const struct sh_nexthop *record, char *text, size_t size)
{
	char dst[MAC_TEXT_SIZE], src[MAC_TEXT_SIZE];

	snprintf(text, size, "%s from %s mtu %u",
		 record->flags & SH_NEXTHOP_VALID ? mac_format(record->dst_mac, dst) : "none",
		 mac_format(record->src_mac, src), record->mtu);
}

static void check_nexthop(struct verification *verification, const struct rt_neigh_key *key,
			  const char *where)
{
	const struct apply *apply = &verification->controller->apply;
	struct table_nexthop *nexthop = tables_find_nexthop(apply->tables, key);
	char want_text[96], have_text[96] = "nothing", address[ADDR_TEXT_SIZE], what[96];
	const struct sh_nexthop *have;
	struct sh_nexthop want;

	resolve_nexthop(key, verification->state, &want);
	nexthop_text(&want, want_text, sizeof(want_text));
	if (nexthop) {
		have = tables_nexthop_record(apply->tables, nexthop);
		nexthop_text(have, have_text, sizeof(have_text));
	}
	snprintf(what, sizeof(what), "next hop %s ifindex %d", addr_format(&key->addr, address),
		 key->ifindex);
	compare(verification, what, where, want_text, have_text);
}

static void check_path(struct verification *verification, const struct resolution *resolution,
		       const struct sh_backend *record, const char *where)
{
	const struct controller *controller = verification->controller;
	const struct port *port = dataplane_port(controller->apply.dataplane);
	uint32_t indices[RT_LEGS_MAX];
	struct sh_path want = {0}, have;
	json_t *want_text, *have_text;

	for (size_t i = 0; i < resolution->legs_count; i++) {
		struct table_nexthop *nexthop = tables_find_nexthop(controller->apply.tables,
								    &resolution->legs[i].nexthop);

		check_nexthop(verification, &resolution->legs[i].nexthop, where);
		indices[i] = nexthop ? tables_nexthop_index(nexthop) : 0;
	}
	tables_path_read(port, record->path, &have);
	if (resolution->legs_count && resolution->mode != SH_MODE_NONE)
		(void)resolve_path(resolution->legs, indices, resolution->legs_count, &have, &want);
	verification->checked++;
	if (!memcmp(&want, &have, sizeof(want)))
		return;
	want_text = view_path_text(controller, &want);
	have_text = view_path_text(controller, &have);
	differ(verification, "path", where, json_string_value(want_text), json_string_value(have_text));
	json_decref(want_text);
	json_decref(have_text);
}

static const char *mode_text(uint32_t mode)
{
	static const char *const names[] = {"none", "l2", "l3", "local"};

	return mode < sizeof(names) / sizeof(names[0]) ? names[mode] : "unknown";
}

static void check_member(struct verification *verification, const struct member *member,
			 const struct rt_route *route)
{
	const struct config_service *service = member->service->config;
	const struct port *port = dataplane_port(verification->controller->apply.dataplane);
	const struct sh_backend *record = &port->backends[tables_backend_index(member->backend)];
	const struct resolve_input input = {
		.backend = member->config->address,
		.vip = service->vip,
		.weight = member->config->weight,
		.forward = service->forward,
		.remote = service->remote,
		.route = route,
		.state = verification->state,
	};
	char where[128], address[ADDR_TEXT_SIZE];
	struct resolution resolution;

	resolve(&input, &resolution);
	snprintf(where, sizeof(where), "%s %s", service->name,
		 addr_format(&member->config->address, address));
	compare(verification, "state", where, backend_state_name(resolution.state),
		backend_state_name(member->state));
	compare(verification, "mode", where, mode_text(resolution.mode), mode_text(record->mode));
	check_path(verification, &resolution, record, where);
}

static void check_target(struct verification *verification, const struct target *target)
{
	char address[ADDR_TEXT_SIZE];
	struct rt_route route;
	int err = rt_query_fib(verification->query, &target->address, &route);

	if (err)
		differ(verification, "route", addr_format(&target->address, address),
		       "an answer from the FIB", strerror(-err));
	for (const struct member *member = target->members; !err && member; member = member->next)
		check_member(verification, member, &route);
}

/* How many slots of the ring lead elsewhere than they should. */
static uint32_t wrong_slots(struct port *port, const struct sh_service *record, const uint32_t *want)
{
	const struct sh_slot *slots = port->slots(port, record->ring, record->slots);
	uint32_t wrong = 0;

	if (!slots)
		return record->slots;
	for (uint32_t i = 0; i < record->slots; i++)
		wrong += slots[i].now != want[i];
	port->slots_done(port);
	return wrong;
}

static void check_ring(struct verification *verification, const struct service *service, size_t entry)
{
	struct port *port = dataplane_port(verification->controller->apply.dataplane);
	const struct sh_service *record = &port->services[tables_service_index(service->entries[entry])];
	uint32_t *want = calloc(RING_MAX, sizeof(*want));
	char have[32] = "out of memory";

	if (want && record->slots != tables_ring_size(service->ring))
		snprintf(have, sizeof(have), "a ring of %u slots", record->slots);
	else if (want && !apply_ring(service, want))
		snprintf(have, sizeof(have), "%u wrong slots", wrong_slots(port, record, want));
	compare(verification, "ring", service->config->name, "0 wrong slots", have);
	free(want);
}

/* A dead host under management goes from FAILED to INCOMPLETE and back; the observed state
 * remembers that it failed, a fresh dump cannot. */
static void remember_failed(struct table_nexthop *nexthop, void *arg)
{
	struct verification *verification = arg;
	const struct rt_neigh_key *key = tables_nexthop_key(nexthop);
	const struct rt_neigh *seen = rt_state_neigh(verification->controller->apply.state, key->ifindex,
						     &key->addr);
	const struct rt_neigh *now = rt_state_neigh(verification->state, key->ifindex, &key->addr);

	if (seen && seen->state == RT_NEIGH_FAILED && now && now->state == RT_NEIGH_INCOMPLETE)
		(void)rt_state_put_neigh(verification->state, seen);
}

/* One hash map as a whole. */
static void check_entries(struct verification *verification, const char *map, enum dataplane_hash hash,
			  int err, struct dataplane_entries *want)
{
	char have[64];
	size_t differences = 0;

	if (!err) {
		err = dataplane_compare(verification->controller->apply.dataplane, hash, want->all,
					want->count, &differences);
		free(want->all);
	}
	if (err)
		snprintf(have, sizeof(have), "%s", strerror(-err));
	else
		snprintf(have, sizeof(have), "%zu missing or wrong entries", differences);
	compare(verification, "map", map, "0 missing or wrong entries", have);
}

static void check_maps(struct verification *verification)
{
	static const struct {
		const char *name;
		enum dataplane_hash hash;
	} vips[] = {{"vips4", HASH_VIPS4}, {"vips6", HASH_VIPS6}},
	  restores[] = {{"restore4", HASH_RESTORE4}, {"restore6", HASH_RESTORE6}};
	const struct controller *controller = verification->controller;
	struct dataplane_entries want = {0};
	int err;

	for (size_t i = 0; i < 2; i++) {
		err = apply_want_vips(&controller->apply, vips[i].hash, &want);
		check_entries(verification, vips[i].name, vips[i].hash, err, &want);
		err = restore_want(controller->apply.model->config, verification->state,
				   controller->role.role, restores[i].hash, &want);
		check_entries(verification, restores[i].name, restores[i].hash, err, &want);
	}
	err = node_want_egress(controller, &want);
	check_entries(verification, "egress", HASH_EGRESS, err, &want);
}

/* A VIP that this node serves is on its loopback, or it would refuse its packets. */
static void check_aliases(struct verification *verification)
{
	const struct alias_row *rows;
	size_t count = aliases_rows(verification->controller->aliases, &rows);
	char vip[ADDR_TEXT_SIZE];

	for (size_t i = 0; i < count; i++)
		compare(verification, "alias", addr_format(&rows[i].vip, vip), "installed",
			rt_state_addr(verification->state, &rows[i].vip) ? "installed" : "missing");
}

static void check_all(struct verification *verification)
{
	const struct model *model = verification->controller->apply.model;

	tables_each_nexthop(verification->controller->apply.tables, remember_failed, verification);
	for (const struct target *target = model->targets; target; target = target->hh.next)
		check_target(verification, target);
	for (size_t i = 0; i < model->services_count; i++) {
		for (size_t j = 0; j < model->services[i].config->ports_count; j++)
			check_ring(verification, &model->services[i], j);
	}
	check_maps(verification);
	check_aliases(verification);
}

json_t *verify(struct controller *controller)
{
	struct verification verification = {.controller = controller, .differences = json_array()};
	json_t *answer;
	int err = rt_query_open(&verification.query);

	if (!err)
		err = rt_state_new(&verification.state);
	if (!err)
		err = rt_state_load(verification.state, verification.query);
	if (err) {
		json_decref(verification.differences);
		answer = control_error("cannot read the kernel's state: %s", strerror(-err));
	} else {
		check_all(&verification);
		answer = json_pack("{s:I, s:o, s:i}", "checked", verification.checked, "differences",
				   verification.differences, "count",
				   (int)json_array_size(verification.differences));
	}
	rt_state_free(verification.state);
	rt_query_close(verification.query);
	return answer;
}
