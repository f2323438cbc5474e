/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Rings, and the transitions of their slots.
 *
 * A ring that is built again moves slots. Whoever they move away from keeps its flows
 * (transition.h) and is marked in its record; packets renew the mark. Once a second, while there is
 * anything to look after, apply_settle takes away the marks that have been idle, and the next pass
 * ends the transitions that hung on them, and lets go of backends that are gone from the file.
 * All of it stands in the maps: a restart goes on where the former run was.
 */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "apply.h"
#include "apply_ring.h"
#include "ring.h"
#include "transition.h"

uint32_t apply_clock(void)
{
	struct timespec now;
	uint64_t units;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	units = ((uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec) >> SH_SEEN_SHIFT;
	return units ? (uint32_t)units : 1;
}

/* ---- one ring ------------------------------------------------------------------------------- */

int apply_ring(const struct service *service, uint32_t *slots)
{
	struct ring_member *members = calloc(service->config->backends_count, sizeof(*members));
	uint32_t size = tables_ring_size(service->ring);
	size_t count = 0;
	int err;

	if (!members)
		return -ENOMEM;
	for (size_t i = 0; i < service->config->backends_count; i++) {
		const struct member *member = &service->members[i];

		if (!backend_state_serves(member->state) || !member->config->weight)
			continue;
		members[count++] = (struct ring_member){
			.address = member->config->address,
			.weight = member->config->weight,
			.value = tables_backend_index(member->backend),
		};
	}
	err = ring_build(members, count, slots, service->slots);
	free(members);
	/* In a larger ring each slot stands several times; from the end, as they lie in the same place. */
	for (uint32_t i = size; !err && size > service->slots && i-- > 0;)
		slots[i] = slots[(uint64_t)i * service->slots / size];
	return err;
}

/* The n-th member of a service, first those of the file, then those gone; or NULL. */
static struct member *each_member(const struct service *service, size_t *n, struct gone **gone)
{
	struct member *member;

	if (*n < service->config->backends_count)
		return &service->members[(*n)++];
	*gone = *n == service->config->backends_count ? service->gone : *gone;
	(*n)++;
	if (!*gone)
		return NULL;
	member = &(*gone)->member;
	*gone = (*gone)->next;
	return member;
}

static void learn_fates(const struct apply *apply, const struct service *service, struct transition *out)
{
	struct gone *gone = NULL;
	struct member *member;
	size_t n = 0;

	while ((member = each_member(service, &n, &gone))) {
		uint32_t index = tables_backend_index(member->backend);

		if (!backend_state_keeps(member->state))
			continue;
		out->fates[index] = FATE_STEADY;
		if (tables_backend_seen(apply->tables, member->backend))
			transition_leave(out, index);
	}
}

static void forget_fates(const struct service *service, struct transition *transition)
{
	struct gone *gone = NULL;
	struct member *member;
	size_t n = 0;

	while ((member = each_member(service, &n, &gone)))
		transition->fates[tables_backend_index(member->backend)] = FATE_DEAD;
}

static uint32_t idle_of(const struct service *service)
{
	return (uint32_t)((service->config->idle * 1000000ULL >> SH_SEEN_SHIFT) + 1);
}

/* Whoever is gone has its idle time from when that is known, also where no slot leads to it. */
static void meet_gone(struct apply *apply, const struct service *service, uint32_t now)
{
	for (struct gone *gone = service->gone; gone; gone = gone->next) {
		if (!gone->met && !tables_backend_seen(apply->tables, gone->member.backend))
			tables_see_backend(apply->tables, gone->member.backend, now);
		if (!gone->met && service->config->quic_id.bytes &&
		    !tables_backend_named(apply->tables, gone->member.backend))
			tables_mark_named(apply->tables, gone->member.backend, now);
		gone->met = true;
	}
}

static bool needs_care(const struct apply *apply, const struct service *service)
{
	struct gone *gone = NULL;
	struct member *member;
	size_t n = 0;

	if (tables_ring_moving(service->ring) || service->gone)
		return true;
	while ((member = each_member(service, &n, &gone))) {
		if (tables_backend_seen(apply->tables, member->backend))
			return true;
	}
	return false;
}

static void begin_moving(struct service *service)
{
	agenda_mark(&service->model->care, &service->care_work);
	service->model->moving += !service->moving;
	service->moving = true;
}

static int update_ring(struct apply *apply, struct service *service, const struct apply_scratch *scratch)
{
	struct transition transition = {.fates = scratch->fates, .fates_size = scratch->fates_size};
	struct ring_change change = {.want = scratch->slots, .now = apply->clock(), .idle = idle_of(service)};
	int err = apply_ring(service, scratch->slots);

	if (err)
		return err;
	meet_gone(apply, service, change.now);
	if (service->config->scheduler != SCHEDULER_RANDOM)
		change.transition = &transition;
	learn_fates(apply, service, &transition);
	err = tables_store_ring(apply->tables, service->ring, &change);
	forget_fates(service, &transition);
	if (err < 0)
		return err;
	begin_moving(service);
	return 0;
}

/* Room that is shared by the services of one pass. */
static bool has_scratch(struct apply *apply)
{
	struct apply_scratch *scratch = &apply->scratch;

	if (!scratch->slots)
		scratch->slots = calloc(RING_MAX, sizeof(*scratch->slots));
	if (!scratch->fates) {
		scratch->fates_size = tables_backends_size(apply->tables);
		scratch->fates = calloc(scratch->fates_size, sizeof(*scratch->fates));
	}
	return scratch->slots && scratch->fates;
}

int apply_store_ring(struct apply *apply, struct service *service)
{
	return has_scratch(apply) ? update_ring(apply, service, &apply->scratch) : -ENOMEM;
}

void apply_forget_scratch(struct apply *apply)
{
	free(apply->scratch.slots);
	free(apply->scratch.fates);
	apply->scratch = (struct apply_scratch){0};
}

/* ---- the end of transitions ----------------------------------------------------------------- */

/* Packets that name it come no more. */
static void settle_named(struct apply *apply, struct service *service, const struct gone *gone, uint32_t now)
{
	uint32_t named = tables_backend_named(apply->tables, gone->member.backend);

	if (!named || (now - named < idle_of(service) && backend_state_keeps(gone->member.state)))
		return;
	tables_mark_named(apply->tables, gone->member.backend, 0);
	model_stale(service);
}

/* Takes away the marks that were not renewed in time. */
static void settle(struct apply *apply, struct service *service, uint32_t now)
{
	uint32_t idle = idle_of(service);
	struct gone *gone = NULL;
	struct member *member;
	size_t n = 0;

	while ((member = each_member(service, &n, &gone))) {
		uint32_t seen = tables_backend_seen(apply->tables, member->backend);

		if (!seen || (now - seen < idle && backend_state_keeps(member->state)))
			continue;
		tables_see_backend(apply->tables, member->backend, 0);
		model_stale(service);
	}
	for (gone = service->gone; gone; gone = gone->next)
		settle_named(apply, service, gone, now);
	if (tables_ring_due(service->ring, now, idle))
		model_stale(service);
}

bool apply_moving(const struct apply *apply)
{
	return apply->model->moving > 0;
}

void apply_settle(struct apply *apply)
{
	uint32_t now = apply->clock();

	for (size_t i = 0; i < apply->model->services_count; i++) {
		if (apply->model->services[i].moving)
			settle(apply, &apply->model->services[i], now);
	}
}

/* Has it no flows any more? */
static bool forgettable(const struct apply *apply, const struct gone *gone)
{
	return !gone->member.leaving && !tables_backend_seen(apply->tables, gone->member.backend) &&
	       !tables_backend_named(apply->tables, gone->member.backend);
}

static void take_care(struct apply *apply, struct service *service)
{
	struct gone *next;

	for (struct gone *gone = service->gone; gone; gone = next) {
		next = gone->next;
		if (forgettable(apply, gone))
			model_forget(apply->model, gone, apply->tables);
	}
	if (!needs_care(apply, service)) {
		service->model->moving--;
		service->moving = false;
	}
}

void apply_care(struct apply *apply)
{
	struct agenda *care = &apply->model->care;
	struct agenda_item *item;

	agenda_begin(care);
	while ((item = agenda_take(care, NULL))) {
		struct service *service = AGENDA_OF(item, struct service, care_work);

		/* Of one whose ring could not be stored this is asked again when it is. */
		if (service->moving && !model_is_stale(service))
			take_care(apply, service);
	}
}
