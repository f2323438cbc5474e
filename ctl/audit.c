/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The audit. See audit.h.
 *
 * First it looks at everything, a piece at a time, so that events never wait long for it; where there is
 * something to be worked off, that comes first, and the audit waits. What differs is only suspect: an
 * event about it may be on its way, and the kernel shows some changes before it tells them (a lost carrier
 * up to a second). So the suspects are looked at twice more, later, each time after all events have been
 * worked off and in one go, but for rings: they follow from what was worked off and not from the kernel, and
 * a large one takes its time. What differed the same way in all three looks is a finding.
 *
 * Whatever changes during the first look may make everything suspect. The first few are enough: had one of
 * them been missed, all would be mended; the rest is the next audit's.
 *
 * Mending is what follows an overrun: read all anew, ask about everything, store what differs. What
 * still differs then is mended by building the tables anew.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "audit.h"
#include "controller.h"
#include "log.h"
#include "loop.h"
#include "view.h"

#define PIECE	     12	   /* backends in one go, 0.2 ms; */
#define RING_PIECE   16000 /* or so many steps of a ring */
#define PIECES_MS    1	   /* between two pieces: others have their turn */
#define WAIT_MS	     20	   /* for what is to be worked off */
#define SUSPICION_MS 1500  /* longer than the kernel takes to tell of a carrier (net/core/link_watch.c) */
#define LOOKS_AGAIN  2
#define TELL_MAX     20

/* ---- what was found ------------------------------------------------------------------------- */

static const char *text_of(const json_t *finding, const char *key)
{
	return json_string_value(json_object_get(finding, key));
}

static void tell(struct audit *audit, const json_t *findings)
{
	json_t *finding;
	size_t i;

	json_array_foreach (findings, i, finding) {
		json_t *event = json_copy(finding);

		if (i < TELL_MAX)
			log_warn("audit: %s of %s was missed: it was %s, and is to be %s",
				 text_of(finding, "what"), text_of(finding, "where"),
				 text_of(finding, "have"), text_of(finding, "want"));
		json_object_set_new(event, "event", json_string("audit"));
		tell_event(audit->controller, event);
	}
	if (json_array_size(findings) > TELL_MAX)
		log_warn("audit: %zu more differences", json_array_size(findings) - TELL_MAX);
}

/* Differences by their text and by their "where", for look-up. A new reference. */
static json_t *index_of(const json_t *differences)
{
	json_t *index = json_object(), *difference;
	size_t i;

	json_array_foreach (differences, i, difference) {
		char *text = json_dumps(difference, JSON_COMPACT | JSON_SORT_KEYS);

		if (text)
			json_object_set_new(index, text, json_true());
		free(text);
		json_object_set_new(index, text_of(difference, "where"), json_true());
	}
	return index;
}

/* Those of `now` that were there before in the same way. A new reference. */
static json_t *still(const json_t *before, const json_t *now)
{
	json_t *both = json_array(), *index = index_of(before), *difference;
	size_t i;

	json_array_foreach (now, i, difference) {
		char *text = json_dumps(difference, JSON_COMPACT | JSON_SORT_KEYS);

		if (text && json_object_get(index, text))
			json_array_append(both, difference);
		free(text);
	}
	json_decref(index);
	return both;
}

/* ---- an audit's course ---------------------------------------------------------------------- */

static void give_up(struct audit *audit)
{
	if (audit->looking)
		verification_end(&audit->look);
	audit->due = audit->looking = audit->again = false;
	audit->waits_since = audit->waited = 0;
	json_decref(audit->suspects);
	audit->suspects = NULL;
	loop_timer_set(audit->step_timer, 0, 0);
}

static void finish(struct audit *audit)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	audit->last = (double)now.tv_sec + (double)now.tv_nsec / 1e9;
	audit->runs++;
	give_up(audit);
	/* The kernel says nothing of programs on interfaces: tried anew. */
	node_sync(audit->controller);
}

/* Who is not there any more is in order. */
static void look_at_addresses(struct audit *audit)
{
	const struct model *model = audit->controller->apply.model;

	for (size_t i = 0; i < audit->addresses_count; i++) {
		const struct target *target = model_target(model, &audit->addresses[i]);

		if (target)
			verification_target(&audit->look, target);
	}
	while (verification_node(&audit->look))
		;
}

/* True while there are more. */
static bool look_at_rings(struct audit *audit, size_t budget)
{
	const struct service *services = audit->controller->apply.model->services;

	if (audit->service < audit->services_count &&
	    !verification_service(&audit->look, &services[audit->services[audit->service]], budget))
		audit->service++;
	return audit->service < audit->services_count;
}

/* Begins to look at the suspects. False where that can't be done. */
static bool begin_look(struct audit *audit)
{
	struct controller *controller = audit->controller;

	if (verification_begin(&audit->look, controller, controller->query))
		return false;
	audit->looking = audit->again = true;
	audit->service = 0;
	look_at_addresses(audit);
	return true;
}

/* What of the suspects differs now. A new reference. */
static json_t *end_look(struct audit *audit)
{
	json_t *both = still(audit->suspects, audit->look.differences);

	verification_end(&audit->look);
	audit->looking = audit->again = false;
	return both;
}

/* A look that is taken whole. NULL where that can't be done. A new reference. */
static json_t *look_again(struct audit *audit)
{
	if (!begin_look(audit))
		return NULL;
	while (look_at_rings(audit, SIZE_MAX))
		;
	return end_look(audit);
}

static void suspect(struct audit *audit, json_t *differences)
{
	json_decref(audit->suspects);
	audit->suspects = differences;
	loop_timer_set(audit->step_timer, SUSPICION_MS, 0);
}

static void mend(struct audit *audit)
{
	struct controller *controller = audit->controller;
	json_t *left, *findings = json_incref(audit->suspects);

	audit->found += json_array_size(findings);
	tell(audit, findings);
	controller_read_anew(controller);
	left = controller_catch_up(controller) ? NULL : look_again(audit);
	finish(audit);
	if (!left || json_array_size(left)) {
		log_warn("audit: not mended by storing anew; building the tables anew");
		if (load_again(controller))
			log_error("audit: the tables could not be built anew; the next audit tries again");
	}
	json_decref(left);
	json_decref(findings);
}

static void judge(struct audit *audit)
{
	json_t *both = end_look(audit);

	if (!json_array_size(both)) {
		json_decref(both);
		finish(audit);
		return;
	}
	suspect(audit, both);
	if (++audit->looks < LOOKS_AGAIN)
		return;
	loop_timer_set(audit->step_timer, 0, 0);
	mend(audit);
}

/* What the kernel has changed meanwhile may differ for that: nothing is proven then, the next audit comes. */
static void take_next_look(struct audit *audit)
{
	if (!audit->again && (!begin_look(audit) || !controller_is_settled(audit->controller))) {
		finish(audit);
		return;
	}
	if (!audit->again)
		return; /* by what was worked off the tables were built anew */
	if (look_at_rings(audit, RING_PIECE))
		loop_timer_set(audit->step_timer, PIECES_MS, 0);
	else
		judge(audit);
}

static void end_first_look(struct audit *audit)
{
	json_t *differences = json_incref(audit->look.differences);

	verification_end(&audit->look);
	audit->looking = false;
	audit->looks = 0;
	if (json_array_size(differences)) {
		suspect(audit, differences);
		return;
	}
	json_decref(differences);
	finish(audit);
}

/* What differs of one more than can be followed up is left out of what is told, too. */
static bool has_room(const struct audit *audit)
{
	return audit->addresses_count < AUDIT_SUSPECTS && audit->services_count < AUDIT_SUSPECTS;
}

static void look_at_target(struct audit *audit, const struct target *target)
{
	size_t before = json_array_size(audit->look.differences);

	verification_target(&audit->look, target);
	if (json_array_size(audit->look.differences) > before)
		audit->addresses[audit->addresses_count++] = target->address;
}

/* A part of it. True while there is more. */
static bool look_at_service(struct audit *audit, size_t at)
{
	const struct service *service = &audit->controller->apply.model->services[at];
	size_t before = json_array_size(audit->look.differences);
	bool more = verification_service(&audit->look, service, RING_PIECE);
	bool known = audit->services_count && audit->services[audit->services_count - 1] == at;

	if (json_array_size(audit->look.differences) > before && !known)
		audit->services[audit->services_count++] = at;
	return more;
}

static void look_at_next_targets(struct audit *audit)
{
	struct model *model = audit->controller->apply.model;

	for (size_t done = 0; model->looked_at && done < PIECE && has_room(audit); done++) {
		const struct target *target = model->looked_at;

		model->looked_at = target->hh.next;
		look_at_target(audit, target);
	}
}

/* Services come after all backends, and what belongs to none after all services. Where there is room for no
 * suspect more, that alone is left. True while there is more. */
static bool look_at_next(struct audit *audit)
{
	const struct model *model = audit->controller->apply.model;

	if (has_room(audit) && model->looked_at) {
		look_at_next_targets(audit);
		return true;
	}
	if (has_room(audit) && audit->service < model->services_count) {
		audit->service += !look_at_service(audit, audit->service);
		return true;
	}
	return verification_node(&audit->look);
}

static void look_at_piece(struct audit *audit)
{
	if (look_at_next(audit))
		loop_timer_set(audit->step_timer, PIECES_MS, 0);
	else
		end_first_look(audit);
}

static void begin(struct audit *audit)
{
	struct controller *controller = audit->controller;

	/* Where the kernel can't be read now, that is told there; the next audit comes. */
	audit->due = false;
	if (verification_begin(&audit->look, controller, controller->query)) {
		give_up(audit);
		return;
	}
	audit->looking = true;
	controller->apply.model->looked_at = controller->apply.model->targets;
	audit->service = 0;
	audit->addresses_count = audit->services_count = 0;
	look_at_piece(audit);
}

/* Where it has waited in all for as long as from one audit to the next, it waits no longer: what is looked at
 * meanwhile may differ, and the suspects are looked at after all is done. */
static bool may_go_on(struct audit *audit)
{
	bool settled = controller_is_settled(audit->controller);
	uint64_t now = controller_now_ms();

	if (audit->waits_since)
		audit->waited += now - audit->waits_since;
	audit->waits_since = settled ? 0 : now;
	if (settled)
		return true;
	if (audit->waited < audit->interval)
		return false;
	return audit->due || audit->looking || !controller_catch_up(audit->controller);
}

static void step(void *arg)
{
	struct audit *audit = arg;

	if (!may_go_on(audit))
		loop_timer_set(audit->step_timer, WAIT_MS, 0);
	else if (audit->due)
		begin(audit);
	else if (audit->suspects)
		take_next_look(audit);
	else if (audit->looking)
		look_at_piece(audit);
}

static void start(void *arg)
{
	struct audit *audit = arg;

	if (audit->due || audit->looking || audit->suspects)
		return; /* the one before is still at it */
	audit->due = true;
	step(audit);
}

/* ---- for the others ------------------------------------------------------------------------- */

int audit_open(struct audit *audit, struct controller *controller)
{
	int err;

	*audit = (struct audit){.controller = controller};
	err = loop_timer_add(controller->loop, start, audit, &audit->timer);
	return err ? err : loop_timer_add(controller->loop, step, audit, &audit->step_timer);
}

void audit_follow(struct audit *audit, uint32_t interval)
{
	give_up(audit);
	if (audit->interval == interval)
		return;
	audit->interval = interval;
	loop_timer_set(audit->timer, interval, interval);
}

void audit_close(struct audit *audit)
{
	if (audit->step_timer)
		give_up(audit);
	loop_timer_remove(audit->timer);
	loop_timer_remove(audit->step_timer);
}

json_t *audit_view(const struct audit *audit)
{
	return json_pack("{s:f, s:I, s:I, s:o}", "interval", audit->interval / 1000.0, "runs",
			 (json_int_t)audit->runs, "found", (json_int_t)audit->found, "last",
			 audit->runs ? json_real(audit->last) : json_null());
}
