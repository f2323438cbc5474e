/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A ring that is to be built again, from the states of its backends to its slots.
 *
 * It takes milliseconds where it is large, and so goes in parts, between which neighbours, links and packets
 * go on. The pass that it belongs to does nothing else meanwhile, so the states stay; what is marked behind
 * it is for the next pass. A pass that is begun anew begins its rings anew as well: slots that were stored
 * already are as any others.
 *
 * A ring that is built again moves slots. Whoever they move away from keeps its flows (transition.h) and is
 * marked in its record; packets renew the mark, and apply_settle.c ends it. All of it stands in the maps: a
 * restart goes on where the former run was.
 */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "apply.h"
#include "apply_ring.h"
#include "members.h"
#include "transition.h"
#include "wanted.h"

#define STEPS	   2400 /* in one go: 30 us */
#define STEPS_EACH 24	/* are worth as much as a target that is resolved */

/* The ring that is being stored, and the room for it, which those of one pass share. */
struct ring_job {
	struct service *service; /* NULL: none is under way */
	unsigned step;
	struct wanted wanted;
	struct members members; /* a walk over them */
	struct transition transition;
	struct ring_change change;
};

uint32_t apply_clock(void)
{
	struct timespec now;
	uint64_t units;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	units = ((uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec) >> SH_SEEN_SHIFT;
	return units ? (uint32_t)units : 1;
}

uint32_t apply_idle(const struct service *service)
{
	return (uint32_t)((service->config->idle * 1000000ULL >> SH_SEEN_SHIFT) + 1);
}

/* ---- steps: 1 there is more of it, 0 it is done, or -errno ----------------------------------- */

static int work_out(struct apply *apply, struct ring_job *job, size_t *budget)
{
	int more = wanted_go_on(&job->wanted, budget);

	if (more)
		return more;
	job->members = (struct members){.service = job->service};
	job->change = (struct ring_change){
		.want = job->wanted.slots, .now = apply->clock(), .idle = apply_idle(job->service)};
	if (job->service->config->scheduler != SCHEDULER_RANDOM)
		job->change.transition = &job->transition;
	return 0;
}

/* Whoever is gone has its idle time from when that is known, also where no slot leads to it. */
static void meet_gone(struct apply *apply, struct gone *gone, uint32_t now)
{
	const struct member *member = &gone->member;

	if (!gone->met && !tables_backend_seen(apply->tables, member->backend))
		tables_see_backend(apply->tables, member->backend, now);
	if (!gone->met && member->service->config->quic_id.bytes &&
	    !tables_backend_named(apply->tables, member->backend))
		tables_mark_named(apply->tables, member->backend, now);
	gone->met = true;
}

static int learn_fates(struct apply *apply, struct ring_job *job, size_t *budget)
{
	for (; *budget; --*budget) {
		struct member *member = members_next(&job->members);
		uint32_t index;

		if (!member)
			return 0;
		if (member->gone)
			meet_gone(apply, (struct gone *)member, job->change.now);
		if (!backend_state_keeps(member->state))
			continue;
		index = tables_backend_index(member->backend);
		job->transition.fates[index] = FATE_STEADY;
		if (tables_backend_seen(apply->tables, member->backend))
			transition_leave(&job->transition, index);
	}
	return 1;
}

static int store(struct apply *apply, struct ring_job *job, size_t *budget)
{
	int more = tables_store_ring(apply->tables, job->service->ring, &job->change, budget);

	if (!more)
		job->members = (struct members){.service = job->service};
	return more;
}

/* The room is the next ring's, too. */
static int forget_fates(struct apply *apply, struct ring_job *job, size_t *budget)
{
	(void)apply;
	for (; *budget; --*budget) {
		const struct member *member = members_next(&job->members);

		if (!member)
			return 0;
		job->transition.fates[tables_backend_index(member->backend)] = FATE_DEAD;
	}
	return 1;
}

/* ---- a ring ----------------------------------------------------------------------------------- */

static struct ring_job *new_job(const struct apply *apply)
{
	uint32_t size = tables_backends_size(apply->tables);
	struct ring_job *job = calloc(1, sizeof(*job));

	if (!job)
		return NULL;
	job->transition = (struct transition){.fates = calloc(size, sizeof(*job->transition.fates)),
					      .fates_size = size};
	if (job->transition.fates)
		return job;
	free(job);
	return NULL;
}

static int begin(struct apply *apply, struct service *service)
{
	struct ring_job *job = apply->ring_job ? apply->ring_job : new_job(apply);

	if (!job)
		return -ENOMEM;
	apply->ring_job = job;
	job->service = service;
	job->step = 0;
	job->transition = (struct transition){.fates = job->transition.fates,
					      .fates_size = job->transition.fates_size};
	service->stored++;
	return wanted_begin(&job->wanted, service);
}

/* Transitions are to be looked after. */
static void end(struct ring_job *job)
{
	struct service *service = job->service;

	service->stored++;
	agenda_mark(&service->model->care, &service->care_work);
	service->model->moving += !service->moving;
	service->moving = true;
	job->service = NULL;
}

/* 0, also where there is more to be done; or -errno. */
static int go_on(struct apply *apply, struct ring_job *job, size_t *budget)
{
	static int (*const steps[])(struct apply *, struct ring_job *, size_t *) = {work_out, learn_fates,
										    store, forget_fates};

	while (*budget) {
		int more = steps[job->step](apply, job, budget);

		if (more < 0)
			return more;
		if (more || ++job->step < sizeof(steps) / sizeof(steps[0]))
			continue;
		end(job);
		break;
	}
	return 0;
}

size_t apply_store_rings(struct apply *apply, int *err)
{
	size_t budget = STEPS;

	*err = 0;
	if (!apply->ring_job || !apply->ring_job->service) {
		struct agenda_item *item = agenda_take(&apply->model->rings, NULL);
		struct service *service = item ? AGENDA_OF(item, struct service, ring_work) : NULL;

		if (!service)
			return 0;
		*err = begin(apply, service);
		if (*err)
			model_stale(service);
	}
	if (!*err)
		*err = go_on(apply, apply->ring_job, &budget);
	if (*err)
		apply_give_up_ring(apply);
	return 1 + (STEPS - budget) / STEPS_EACH;
}

void apply_give_up_ring(struct apply *apply)
{
	struct ring_job *job = apply->ring_job;

	apply->ring_job = NULL;
	if (!job)
		return;
	if (job->service)
		model_stale(job->service);
	wanted_free(&job->wanted);
	free(job->transition.fates);
	free(job);
}
