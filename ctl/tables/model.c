/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Building and dropping a model. See model.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <shunt/guess.h>

#include "dataplane.h"
#include "inherit.h"
#include "model.h"
#include "ring.h"

struct target *model_target(const struct model *model, const struct addr *address)
{
	struct target *target;

	HASH_FIND(hh, model->targets, address, sizeof(*address), target);
	return target;
}

static struct target *target_of(struct model *model, const struct addr *address)
{
	struct target *target = model_target(model, address);

	if (target)
		return target;
	target = calloc(1, sizeof(*target));
	if (!target)
		return NULL;
	target->address = *address;
	HASH_ADD(hh, model->targets, address, sizeof(target->address), target);
	agenda_add(&model->work, &target->work);
	model_ask(model, target, ASK_ALONE);
	model_resolve(model, target);
	return target;
}

static int add_member(struct model *model, struct service *service, struct member *member,
		      const struct config_backend *config, struct tables *tables)
{
	struct target *target = target_of(model, &config->address);

	if (!target)
		return -ENOMEM;
	member->backend = tables_backend(tables, service->owner, &config->address);
	if (!member->backend)
		return -errno;
	*member = (struct member){
		.service = service,
		.target = target,
		.next = target->members,
		.config = config,
		.backend = member->backend,
		.forward = service->config->forward,
		.remote = service->config->remote,
		.state = STATE_UNREACHABLE,
	};
	target->members = member;
	agenda_add(&model->leavers, &member->leaves);
	tables_weigh_backend(tables, member->backend, config->weight);
	return 0;
}

static int add_service(struct model *model, size_t at, struct tables *tables)
{
	const struct config_service *config = &model->config->services[at];
	struct service *service = &model->services[at];
	uint32_t size;
	int err = 0;

	service->model = model;
	service->config = config;
	service->owner = model->succession.services[at].owner;
	service->in_state[STATE_UNREACHABLE] = config->backends_count;
	agenda_add(&model->care, &service->care_work);
	agenda_add(&model->rings, &service->ring_work);
	model_stale(service);
	service->members = calloc(config->backends_count, sizeof(*service->members));
	service->entries = calloc(config->ports_count, sizeof(struct table_service *));
	if (!service->members || !service->entries)
		return -ENOMEM;
	service->slots = ring_size(config->backends_count);
	size = tables_ring_of(tables, service->owner);
	service->ring = tables_ring(tables, service->owner, size > service->slots ? size : service->slots);
	if (!service->ring)
		return -errno;
	for (size_t i = 0; !err && i < config->ports_count; i++) {
		service->entries[i] = tables_service(tables, &config->vip, &config->ports[i]);
		err = service->entries[i] ? 0 : -errno;
	}
	for (size_t i = 0; !err && i < config->backends_count; i++) {
		err = add_member(model, service, &service->members[i], &config->backends[i], tables);
		if (!err)
			tables_mark_backend(tables, service->members[i].backend, (uint8_t)config->dscp);
	}
	return err;
}

/* ---- who is gone ---------------------------------------------------------------------------- */

struct gathering {
	struct model *model;
	struct tables *tables;
	int err;
};

/* The mode is how to reach a backend, and the file no longer says it of this one: where its service goes
 * by another now, it stays with its own, and with its mark. */
static void keep_mode(struct member *member, enum sh_mode mode)
{
	static const enum forward by_mode[] = {
		[SH_MODE_L2] = FORWARD_L2,
		[SH_MODE_L3] = FORWARD_L3,
		[SH_MODE_IPIP] = FORWARD_IPIP,
		[SH_MODE_GUE] = FORWARD_GUE,
	};
	enum forward was = mode < sizeof(by_mode) / sizeof(by_mode[0]) ? by_mode[mode] : FORWARD_AUTO;
	bool by_auto = member->forward == FORWARD_AUTO && (was == FORWARD_L2 || was == member->remote);

	/* FORWARD_AUTO: none of those, this node itself. */
	if (was != FORWARD_AUTO && !by_auto)
		member->forward = was;
}

/* A backend that was in the file, and can still be reached. */
static void add_gone(uint64_t owner, const struct addr *address, void *arg)
{
	struct gathering *gathering = arg;
	struct model *model = gathering->model;
	struct service *service = NULL;
	struct gone *gone;

	for (size_t i = 0; !service && i < model->services_count; i++)
		service = model->services[i].owner == owner ? &model->services[i] : NULL;
	if (!service || gathering->err)
		return;
	gone = calloc(1, sizeof(*gone));
	if (!gone) {
		gathering->err = -ENOMEM;
		return;
	}
	gone->config.address = *address;
	gathering->err = add_member(model, service, &gone->member, &gone->config, gathering->tables);
	gone->member.gone = true;
	if (!gathering->err)
		keep_mode(&gone->member, tables_backend_mode(gathering->tables, gone->member.backend));
	gone->next = service->gone;
	service->gone = gone;
}

static void leave_target(struct model *model, const struct member *member)
{
	struct target *target = member->target;
	struct member **link = &target->members;

	while (*link != member)
		link = &(*link)->next;
	*link = member->next;
	if (target->members)
		return;
	if (model->looked_at == target)
		model->looked_at = target->hh.next;
	spans_leave(&model->spans, &target->address);
	HASH_DEL(model->targets, target);
	agenda_remove(&target->work);
	free(target->route);
	free(target);
}

static void free_member(struct member *member, struct tables *tables)
{
	model_unpath(member, tables);
	tables_backend_put(tables, member->backend);
	free(member->reason);
}

void model_forget(struct model *model, struct gone *gone, struct tables *tables)
{
	struct gone **link = &gone->member.service->gone;

	while (*link != gone)
		link = &(*link)->next;
	*link = gone->next;
	if (model->settling.gone == gone)
		model->settling.gone = gone->next;
	leave_target(model, &gone->member);
	agenda_remove(&gone->member.leaves);
	free_member(&gone->member, tables);
	free(gone);
	model->forgot = true;
}

/* Once all are known. */
static int order_targets(struct model *model)
{
	struct spans_place *places = calloc(HASH_COUNT(model->targets) + 1, sizeof(*places));
	size_t count = 0;
	int err;

	if (!places)
		return -ENOMEM;
	for (struct target *target = model->targets; target; target = target->hh.next)
		places[count++] = (struct spans_place){.address = target->address, .target = target};
	err = spans_init(&model->spans, places, count);
	if (err)
		free(places);
	return err;
}

/* Of services with one VIP the first speaks for it. */
static void find_speakers(struct model *model)
{
	struct service *speakers = NULL;

	for (size_t i = 0; i < model->services_count && model->services[i].config; i++) {
		struct service *service = &model->services[i];
		const struct addr *vip = &service->config->vip;

		HASH_FIND(hh, speakers, vip, sizeof(*vip), service->speaker);
		if (service->speaker)
			continue;
		service->speaker = service;
		HASH_ADD_KEYPTR(hh, speakers, vip, sizeof(*vip), service);
	}
	HASH_CLEAR(hh, speakers);
}

int model_new(struct config *config, bool directs, struct tables *tables, struct model **out)
{
	struct model *model = calloc(1, sizeof(*model));
	struct gathering gathering = {model, tables, 0};
	int err = 0;

	if (!model)
		return -ENOMEM;
	model->config = config;
	agenda_init(&model->work);
	agenda_init(&model->rings);
	agenda_init(&model->leavers);
	agenda_init(&model->care);
	model->services = calloc(config->services_count + 1, sizeof(*model->services));
	if (!model->services)
		err = -ENOMEM;
	model->echo_stale = true;
	model->services_count = directs ? config->services_count : 0;
	if (!err && directs)
		err = inherit(config, tables, &model->succession);
	tables_turn(tables);
	for (size_t i = 0; !err && i < model->services_count; i++)
		err = add_service(model, i, tables);
	find_speakers(model);
	if (!err)
		tables_each_unasked(tables, add_gone, &gathering);
	if (!err)
		err = gathering.err;
	if (!err)
		err = order_targets(model);
	if (err) {
		model->config = NULL;
		model_free(model, tables);
		return err;
	}
	*out = model;
	return 0;
}

void model_ask(struct model *model, struct target *target, uint8_t why)
{
	target->ask = target->ask && target->ask != why ? ASK_ALONE : why;
	agenda_mark(&model->work, &target->work);
}

void model_resolve(struct model *model, struct target *target)
{
	target->resolve = true;
	agenda_mark(&model->work, &target->work);
}

void model_stale(struct service *service)
{
	agenda_mark(&service->model->rings, &service->ring_work);
}

bool model_is_stale(const struct service *service)
{
	return agenda_is_marked(&service->model->rings, &service->ring_work);
}

void model_unpath(struct member *member, struct tables *tables)
{
	tables_path_put(tables, member->path);
	for (size_t i = 0; i < member->legs_count; i++) {
		struct table_nexthop *nexthop = member->legs[i].nexthop;

		behind_leave(&tables_nexthop_note(nexthop)->behind, &member->legs[i].behind);
		tables_nexthop_put(tables, nexthop);
	}
	free(member->legs);
	member->path = NULL;
	member->legs = NULL;
	member->legs_count = 0;
}

static void free_service(struct service *service, struct tables *tables)
{
	/* A service that was not reached while building has no config yet. */
	size_t members = service->members ? service->config->backends_count : 0;
	size_t entries = service->entries ? service->config->ports_count : 0;

	for (size_t i = 0; i < entries; i++)
		tables_service_put(tables, service->entries[i]);
	tables_ring_put(tables, service->ring);
	for (size_t i = 0; i < members; i++)
		free_member(&service->members[i], tables);
	while (service->gone) {
		struct gone *gone = service->gone;

		service->gone = gone->next;
		free_member(&gone->member, tables);
		free(gone);
	}
	free(service->members);
	free(service->entries);
}

void model_free(struct model *model, struct tables *tables)
{
	struct target *target, *next;
	size_t count = 0;

	if (!model)
		return;
	while (model->services && model->services[count].config)
		free_service(&model->services[count++], tables);
	HASH_ITER (hh, model->targets, target, next) {
		HASH_DEL(model->targets, target);
		free(target->route);
		free(target);
	}
	spans_free(&model->spans);
	succession_free(&model->succession);
	free(model->services);
	config_free(model->config);
	free(model);
}

/* What a route that flaps gives up rests for two seconds (index.h), and as many passes as go into that may
 * each take a new one. */
#define FLAPS 400

/* Twice what is needed now: a reload needs room for the new beside the old. */
static uint32_t with_room(size_t needed)
{
	size_t size = 64;

	while (size < 2 * needed + 16)
		size *= 2;
	return (uint32_t)size;
}

void model_sizes(const struct config *config, bool directs, struct dataplane_sizes *out)
{
	size_t services = 0, backends = 0, slots = 1, ports = 0, ids = 0;

	for (size_t i = 0; i < config->services_count; i++) {
		const struct config_service *service = &config->services[i];

		ports += service->ports_count;
		if (!directs)
			continue;
		services += service->ports_count;
		backends += service->backends_count;
		ids += service->quic_id.bytes ? service->backends_count : 0;
		slots += ring_size(service->backends_count);
	}
	*out = (struct dataplane_sizes){
		.guesses = SH_GUESSES_PER_VIP * with_room(services),
		/* With what fragments without ports are looked up by. */
		.vips4 = with_room(2 * services),
		.vips6 = with_room(2 * services),
		.restore4 = with_room(ports),
		.restore6 = with_room(ports),
		.served = with_room(2 * config->services_count),
		.addresses = with_room(services),
		.services = with_room(services),
		.backends = with_room(backends),
		.quic_ids = with_room(ids),
		/* Only those over several next hops; most backends share theirs. */
		.paths = with_room(backends / 16 + FLAPS),
		.nexthops = with_room(backends + FLAPS),
		.slots = (uint32_t)(2 * slots + RING_MAX),
		.fresh = services ? SH_FRESH_SIZE : 0,
		.flows = services ? SH_FLOWS_SIZE : 0,
		.bound = services ? SH_PIECES_SIZE : 0,
		.mended = SH_PIECES_SIZE,
	};
}

size_t service_active(const struct service *service)
{
	return service->in_state[STATE_ACTIVE];
}
