/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The end of transitions.
 *
 * Once a second, while there is anything to look after, apply_settle takes away the marks that have been
 * idle, and the next pass ends the transitions that hung on them, and lets go of backends that are gone from
 * the file. Both walk over all who may have flows, in parts.
 */
#include "apply.h"
#include "apply_ring.h"
#include "members.h"

#define CARE	  1000 /* members in one go: 30 us */
#define CARE_EACH 10   /* are worth as much as a target that is resolved */

/* ---- marks ------------------------------------------------------------------------------------ */

static bool is_over(const struct member *member, uint32_t since, uint32_t now)
{
	return since && (now - since >= apply_idle(member->service) || !backend_state_keeps(member->state));
}

/* Takes away the marks that were not renewed in time. */
static void settle_member(struct apply *apply, const struct member *member, uint32_t now)
{
	if (is_over(member, tables_backend_seen(apply->tables, member->backend), now)) {
		tables_see_backend(apply->tables, member->backend, 0);
		model_stale(member->service);
	}
	/* Packets that name who is gone come no more. */
	if (member->gone && is_over(member, tables_backend_named(apply->tables, member->backend), now)) {
		tables_mark_named(apply->tables, member->backend, 0);
		model_stale(member->service);
	}
}

bool apply_moving(const struct apply *apply)
{
	return apply->model->moving > 0;
}

/* The first one in transition, from the place of `from` on; or NULL. */
static struct service *moving_from(const struct model *model, size_t from)
{
	for (size_t i = from; i < model->services_count; i++) {
		if (model->services[i].moving)
			return &model->services[i];
	}
	return NULL;
}

/* Its members are settled. */
static void settle_ring(struct model *model, struct service *service, uint32_t now)
{
	if (tables_ring_due(service->ring, now, apply_idle(service)))
		model_stale(service);
	model->settling = (struct members){
		.service = moving_from(model, (size_t)(service - model->services) + 1)};
}

bool apply_settle(struct apply *apply, size_t budget)
{
	struct model *model = apply->model;
	struct members *members = &model->settling;
	uint32_t now = apply->clock();

	if (!members->service)
		members->service = moving_from(model, 0);
	for (; budget && members->service; budget--) {
		const struct member *member = members_next(members);

		if (member)
			settle_member(apply, member, now);
		else
			settle_ring(model, members->service, now);
	}
	return members->service != NULL;
}

/* ---- care ------------------------------------------------------------------------------------- */

/* Has it no flows any more? */
static bool forgettable(const struct apply *apply, const struct member *member)
{
	return !member->leaving && !tables_backend_seen(apply->tables, member->backend) &&
	       !tables_backend_named(apply->tables, member->backend);
}

static void care_for(struct apply *apply, struct member *member)
{
	if (member->gone && forgettable(apply, member))
		model_forget(apply->model, (struct gone *)member, apply->tables);
	else if (!member->gone && tables_backend_seen(apply->tables, member->backend))
		apply->model->cared = true;
}

/* All its members were looked at. */
static void end_care(struct model *model)
{
	struct service *service = model->caring.service;

	if (!model->cared && !service->gone && !tables_ring_moving(service->ring)) {
		model->moving--;
		service->moving = false;
	}
	model->caring = (struct members){0};
}

/* Of a service whose ring could not be stored this is asked again when it is. */
static bool begin_care(struct model *model)
{
	struct agenda_item *item;

	while ((item = agenda_take(&model->care, NULL))) {
		struct service *service = AGENDA_OF(item, struct service, care_work);

		if (!service->moving || model_is_stale(service))
			continue;
		model->caring = (struct members){.service = service};
		model->cared = false;
		return true;
	}
	return false;
}

size_t apply_care(struct apply *apply)
{
	struct model *model = apply->model;
	size_t budget = CARE;

	if (!model->caring.service && !begin_care(model))
		return 0;
	for (; budget && model->caring.service; budget--) {
		struct member *member = members_next(&model->caring);

		if (member)
			care_for(apply, member);
		else
			end_care(model);
	}
	return 1 + (CARE - budget) / CARE_EACH;
}

void apply_give_up_care(struct model *model)
{
	struct service *service = model->caring.service;

	model->caring = (struct members){0};
	if (service)
		agenda_mark(&model->care, &service->care_work);
}
