/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which VIPs this node advertises, and how it takes leave. See adverts.h and controller.h.
 *
 * A VIP is advertised while each of its services that say `advertise: true` has min-active active
 * backends, and an interface carries the director's program. Last up, first down: called at the
 * end of a pass, and before anything is taken away.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adverts.h"
#include "controller.h"
#include "drains.h"
#include "interfaces.h"
#include "log.h"
#include "loop.h"

#define RETRY_MS 1000

static void later(void *arg)
{
	advertise_sync(arg);
}

int advertise_open(struct controller *controller)
{
	char path[512];
	int err;

	if (snprintf(path, sizeof(path), "%s.drained", controller->options->socket) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	err = drains_open(path, &controller->drains);
	if (!err)
		err = tell_adverts(controller);
	if (!err)
		err = loop_timer_add(controller->loop, later, controller, &controller->advert_timer);
	return err;
}

void advertise_close(struct controller *controller)
{
	loop_timer_remove(controller->advert_timer);
	adverts_free(controller->adverts);
	drains_close(controller->drains);
}

/* ---- what is wanted -------------------------------------------------------------------------- */

static bool attached(const struct controller *controller)
{
	const struct interface_row *rows;
	size_t count = interfaces_rows(controller->interfaces, &rows);

	for (size_t i = 0; i < count; i++)
		if (rows[i].program != INTERFACE_BACKEND && rows[i].state == INTERFACE_ATTACHED)
			return true;
	return false;
}

/* What is gathered for one sync. */
struct gathering {
	const struct model *model;
	struct adverts_input input;
	size_t *places;		 /* of each service that speaks for its VIP: that of its want, plus one */
	const struct addr *next; /* sorted: what the next config advertises; NULL: all may stay */
	size_t next_count;
};

static struct advert_want *want_of(struct gathering *gathering, const struct service *service)
{
	size_t *place = &gathering->places[service->speaker - gathering->model->services];

	if (!*place) {
		gathering->input.wants[gathering->input.count] = (struct advert_want){
			.vip = service->config->vip, .enough = true, .holds = true};
		*place = ++gathering->input.count;
	}
	return &gathering->input.wants[*place - 1];
}

static void want_service(struct gathering *gathering, const struct service *service)
{
	const struct config_service *config = service->config;
	struct advert_want *want = want_of(gathering, service);
	size_t active = service_active(service);

	want->holds &= active + service->in_state[STATE_RESOLVING] >= config->min_active;
	if (active >= config->min_active)
		return;
	if (want->enough)
		snprintf(want->reason, sizeof(want->reason),
			 "%s: %zu of %zu backends active, min-active is %u", config->name, active,
			 config->backends_count, config->min_active);
	want->enough = false;
}

static int by_address(const void *a, const void *b)
{
	return addr_compare(a, b);
}

/* Sorted, to be free()d; NULL without memory. */
static struct addr *advertised_by(const struct config *config, size_t *count)
{
	struct addr *vips = calloc(config->services_count + 1, sizeof(*vips));

	*count = 0;
	for (size_t i = 0; vips && i < config->services_count; i++) {
		if (config->services[i].advertise)
			vips[(*count)++] = config->services[i].vip;
	}
	if (*count)
		qsort(vips, *count, sizeof(*vips), by_address);
	return vips;
}

static bool may_stay(const struct gathering *gathering, const struct addr *vip)
{
	return !gathering->next ||
	       bsearch(vip, gathering->next, gathering->next_count, sizeof(*vip), by_address);
}

static int gather(struct controller *controller, struct gathering *gathering)
{
	struct adverts_input *input = &gathering->input;
	const struct model *model = gathering->model;

	input->wants = calloc(model->services_count + 1, sizeof(*input->wants));
	gathering->places = calloc(model->services_count + 1, sizeof(*gathering->places));
	if (!input->wants || !gathering->places)
		return -ENOMEM;
	for (size_t i = 0; i < model->services_count; i++) {
		const struct config_service *config = model->services[i].config;

		if (config->advertise && may_stay(gathering, &config->vip))
			want_service(gathering, &model->services[i]);
	}
	for (size_t i = 0; i < input->count; i++)
		input->wants[i].drained = drains_has(controller->drains, &input->wants[i].vip, NULL);
	return 0;
}

/* `next`: only what that config advertises, too; NULL for all. */
static int sync(struct controller *controller, const struct config *next, bool audit)
{
	struct gathering gathering = {
		.model = controller->apply.model,
		.input =
			{
				.config = &controller->apply.model->config->advertise,
				.attached = attached(controller),
				.stopping = controller->ending != ENDING_NOT,
				.audit = audit,
				.now = controller_now_ms(),
				.query = controller->query,
			},
	};
	struct addr *vips = next ? advertised_by(next, &gathering.next_count) : NULL;
	int err = next && !vips ? -ENOMEM : 0;

	gathering.next = vips;
	if (!err)
		err = gather(controller, &gathering);
	if (!err)
		err = adverts_sync(controller->adverts, &gathering.input);
	free(gathering.input.wants);
	free(gathering.places);
	free(vips);
	if (err)
		log_error("cannot keep adverts: %s; trying again", strerror(-err));
	return err;
}

static void finish(struct controller *controller)
{
	adverts_withdraw(controller->adverts, controller->query);
	if (controller->ending == ENDING_DOWN)
		controller_down(controller);
	/* What is still on its way in the loop must not set up anything again. */
	controller->ending = ENDING_OVER;
	loop_stop(controller->loop);
}

static void sync_and_wait(struct controller *controller, bool audit)
{
	const struct config *config;
	uint64_t due;

	if (!controller->apply.model || controller->ending == ENDING_OVER)
		return;
	config = controller->apply.model->config;
	due = sync(controller, NULL, audit) ? RETRY_MS : 0;
	if (!due)
		due = adverts_due(controller->adverts, &config->advertise, controller_now_ms());
	if (!due && controller->ending != ENDING_NOT)
		finish(controller);
	else
		loop_timer_set(controller->advert_timer, due, 0);
}

void advertise_sync(struct controller *controller)
{
	sync_and_wait(controller, false);
}

void advertise_audit(struct controller *controller)
{
	sync_and_wait(controller, true);
}

void advertise_heard(struct controller *controller, const struct rt_hints *hints)
{
	bool changed = false;

	for (size_t i = 0; i < hints->hosts_count; i++)
		changed |= adverts_heard(controller->adverts, &hints->hosts[i]);
	if (hints->hosts_cut || hints->overrun)
		advertise_audit(controller);
	else if (changed)
		advertise_sync(controller);
}

void advertise_before(struct controller *controller, const struct config *next)
{
	if (controller->apply.model)
		(void)sync(controller, next, false);
}

void controller_leave(struct controller *controller, enum ending ending)
{
	bool again = controller->ending != ENDING_NOT;

	if (controller->ending < ending)
		controller->ending = ending;
	if (again)
		finish(controller);
	else
		advertise_sync(controller);
}

void drain_members(struct controller *controller)
{
	struct model *model = controller->apply.model;

	for (size_t i = 0; i < model->services_count; i++) {
		struct service *service = &model->services[i];

		for (size_t j = 0; j < service->config->backends_count; j++) {
			struct member *member = &service->members[j];
			bool drained = drains_has(controller->drains, &member->config->address,
						  service->config->name);

			if (member->drained == drained)
				continue;
			member->drained = drained;
			model_resolve(model, member->target);
		}
	}
}
