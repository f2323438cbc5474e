/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The maps against the kernel, now: `shunt verify`, and the pieces that the audit looks at.
 *
 * Reads links and neighbours anew and asks the FIB about every backend, resolves as if for the
 * first time, and follows each backend's records from its ring to its MACs in the maps. Writes
 * nothing. `shunt verify` asks on a socket of its own.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller.h"
#include "interfaces.h"
#include "verification.h"
#include "view.h"

static void differ(struct verification *verification, const char *what, const char *where, const char *want,
		   const char *have)
{
	json_array_append_new(
		verification->differences,
		json_pack("{s:s, s:s, s:s, s:s}", "what", what, "where", where, "want", want, "have", have));
}

/* One comparison of two texts. */
void verification_compare(struct verification *verification, const char *what, const char *where,
			  const char *want, const char *have)
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

	resolve_nexthop(key, verification->state, apply->natives, &want);
	nexthop_text(&want, want_text, sizeof(want_text));
	if (nexthop) {
		have = tables_nexthop_record(apply->tables, nexthop);
		nexthop_text(have, have_text, sizeof(have_text));
	}
	snprintf(what, sizeof(what), "next hop %s ifindex %d", addr_format(&key->addr, address),
		 key->ifindex);
	verification->checked++;
	if (!strcmp(want_text, have_text) || json_object_get(verification->nexthops, what))
		return;
	json_object_set_new(verification->nexthops, what, json_true());
	differ(verification, what, where, want_text, have_text);
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
	if (resolution->legs_count && resolution->mode != SH_MODE_NONE && !resolution->each_packet &&
	    !resolve_path(resolution->legs, indices, resolution->legs_count, &have, &want))
		want.mtu = resolve_path_mtu(resolution);
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
	static const char *const names[] = {"none", "l2", "l3", "local", "ipip", "gue"};

	return mode < sizeof(names) / sizeof(names[0]) ? names[mode] : "unknown";
}

const char *verification_where(const struct member *member, char out[static VERIFICATION_WHERE])
{
	char address[ADDR_TEXT_SIZE];

	snprintf(out, VERIFICATION_WHERE, "%s %s", member->service->config->name,
		 addr_format(&member->config->address, address));
	return out;
}

static void check_id(struct verification *verification, const struct member *member, const char *where)
{
	char want[24], have[24] = "none";
	uint64_t id;

	if (!member->service->config->quic_id.bytes || member->gone)
		return;
	snprintf(want, sizeof(want), "0x%" PRIx64, member->config->id);
	if (tables_backend_name(verification->controller->apply.tables, member->backend, &id))
		snprintf(have, sizeof(have), "0x%" PRIx64, id);
	verification_compare(verification, "id", where, want, have);
}

static void check_member(struct verification *verification, const struct member *member,
			 const struct rt_route *route, struct rules_cause cause)
{
	const struct config_service *service = member->service->config;
	const struct port *port = dataplane_port(verification->controller->apply.dataplane);
	const struct sh_backend *record = &port->backends[tables_backend_index(member->backend)];
	const struct resolve_input input = {
		.backend = member->config->address,
		.vip = service->vip,
		.weight = member->config->weight,
		.drained = member->drained,
		.forward = member->forward,
		.remote = member->remote,
		.route = route,
		.cause = cause,
		.state = verification->state,
		.natives = verification->controller->apply.natives,
	};
	char where[VERIFICATION_WHERE];
	struct resolution resolution;

	resolve(&input, &resolution);
	verification_where(member, where);
	verification_compare(verification, "state", where, backend_state_name(resolution.state),
			     backend_state_name(member->state));
	verification_compare(verification, "mode", where, mode_text(resolution.mode),
			     mode_text(record->mode));
	check_path(verification, &resolution, record, where);
	check_id(verification, member, where);
}

void verification_target(struct verification *verification, const struct target *target)
{
	char where[VERIFICATION_WHERE];
	struct rt_route route;
	struct rules_cause cause;
	int err = policy_ask(&verification->policy, verification->query, &target->address, &route, &cause);

	if (err)
		differ(verification, "route", verification_where(target->members, where),
		       "an answer from the FIB", strerror(-err));
	for (const struct member *member = target->members; !err && member; member = member->next)
		check_member(verification, member, &route, cause);
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

/* ---- rings ------------------------------------------------------------------------------------ */

static void end_ring(struct verification_ring *ring)
{
	wanted_free(&ring->wanted);
	*ring = (struct verification_ring){0};
}

/* How many slots lead elsewhere than they should, of the next. 0 or -errno. */
static int count_wrong(struct verification_ring *ring, struct port *port, const struct sh_service *record,
		       size_t *budget)
{
	uint32_t left = record->slots - ring->slot, count = (uint32_t)(left < *budget ? left : *budget);
	const struct sh_slot *slots = port->slots(port, record->ring + ring->slot, count);

	if (!slots)
		return -errno;
	for (uint32_t i = 0; i < count; i++)
		ring->wrong += slots[i].now != ring->wanted.slots[ring->slot + i];
	port->slots_done(port);
	ring->slot += count;
	*budget -= count;
	return 0;
}

/* The next port of the service. */
static void end_entry(struct verification *verification, const char *have)
{
	struct verification_ring *ring = &verification->ring;

	verification_compare(verification, "ring", ring->wanted.service->config->name, "0 wrong slots", have);
	ring->entry++;
	ring->slot = ring->wrong = 0;
}

/* The ring that one of its ports points at: all are to point at the service's. */
static void check_entry(struct verification *verification, size_t *budget)
{
	struct verification_ring *ring = &verification->ring;
	const struct service *service = ring->wanted.service;
	struct port *port = tables_port(verification->controller->apply.tables);
	const struct sh_service *record =
		&port->services[tables_service_index(service->entries[ring->entry])];
	char have[64];
	int err = 0;

	if (record->slots != tables_ring_size(service->ring)) {
		snprintf(have, sizeof(have), "a ring of %u slots", record->slots);
		end_entry(verification, have);
		return;
	}
	err = count_wrong(ring, port, record, budget);
	if (!err && ring->slot < record->slots)
		return;
	snprintf(have, sizeof(have), "%u wrong slots", ring->wrong);
	end_entry(verification, err ? strerror(-err) : have);
}

static int begin_ring(struct verification_ring *ring, const struct service *service)
{
	ring->stored = service->stored;
	ring->entry = ring->slot = ring->wrong = 0;
	return wanted_begin(&ring->wanted, service);
}

bool verification_service(struct verification *verification, const struct service *service, size_t budget)
{
	struct verification_ring *ring = &verification->ring;
	int more = 0;

	if (ring->wanted.service != service)
		more = begin_ring(ring, service);
	/* Stored while it was looked at: it is as it was to be, and neither what it was nor what it is. */
	if (ring->stored != service->stored) {
		end_ring(ring);
		return false;
	}
	if (!more)
		more = wanted_go_on(&ring->wanted, &budget);
	if (more < 0)
		verification_compare(verification, "ring", service->config->name, "0 wrong slots",
				     strerror(-more));
	while (!more && budget && ring->entry < service->config->ports_count)
		check_entry(verification, &budget);
	if (more > 0 || (!more && ring->entry < service->config->ports_count))
		return true;
	end_ring(ring);
	return false;
}

static int meet_interfaces(struct verification *verification)
{
	const struct interface_row *rows = NULL;
	size_t count = interfaces_rows(verification->controller->interfaces, &rows);
	bool changed;

	return policy_meet(&verification->policy, rows, count, verification->state, &changed);
}

int verification_begin(struct verification *verification, const struct controller *controller,
		       struct rt_query *query)
{
	struct verification fresh = {.controller = controller, .query = query};
	int err = rt_state_new(&fresh.state);

	if (!err)
		err = rt_state_load(fresh.state, query);
	if (!err)
		err = policy_load(&fresh.policy, query);
	if (!err)
		err = meet_interfaces(&fresh);
	fresh.differences = json_array();
	fresh.nexthops = json_object();
	if (!err && (!fresh.differences || !fresh.nexthops))
		err = -ENOMEM;
	if (err) {
		verification_end(&fresh);
		return err;
	}
	tables_each_nexthop(controller->apply.tables, remember_failed, &fresh);
	*verification = fresh;
	return 0;
}

void verification_end(struct verification *verification)
{
	json_decref(verification->differences);
	json_decref(verification->nexthops);
	rt_state_free(verification->state);
	policy_free(&verification->policy);
	end_ring(&verification->ring);
	*verification = (struct verification){0};
}

static json_t *check_all(struct verification *verification)
{
	const struct model *model = verification->controller->apply.model;

	for (const struct target *target = model->targets; target; target = target->hh.next)
		verification_target(verification, target);
	for (size_t i = 0; i < model->services_count; i++)
		(void)verification_service(verification, &model->services[i], SIZE_MAX);
	while (verification_node(verification))
		;
	return json_pack("{s:I, s:O, s:i}", "checked", verification->checked, "differences",
			 verification->differences, "count", (int)json_array_size(verification->differences));
}

json_t *verify(struct controller *controller)
{
	struct verification verification;
	struct rt_query *query = NULL;
	json_t *answer;
	int err = rt_query_open(&query);

	if (!err)
		err = verification_begin(&verification, controller, query);
	if (err) {
		answer = control_error("cannot read the kernel's state: %s", strerror(-err));
	} else {
		answer = check_all(&verification);
		verification_end(&verification);
	}
	rt_query_close(query);
	return answer;
}
