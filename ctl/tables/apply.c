/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Marking, and the pass over what is marked. See apply.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "answers.h"
#include "apply.h"
#include "apply_deal.h"
#include "apply_ends.h"
#include "apply_member.h"
#include "apply_ring.h"

/* ---- marking -------------------------------------------------------------------------------- */

/* What the kernel said before is not to be shared with who is marked now. */
static void forget_answer(struct apply *apply)
{
	apply->answer.type = RT_ROUTE_NONE;
}

void apply_mark_all(struct apply *apply)
{
	forget_answer(apply);
	agenda_mark_all(&apply->model->work);
	spans_forget(&apply->model->spans);
}

void apply_mark_prefix(struct apply *apply, const struct prefix *prefix)
{
	forget_answer(apply);
	if (!spans_add(&apply->model->spans, prefix))
		apply_mark_all(apply);
}

void apply_mark_family(struct apply *apply, uint8_t family)
{
	forget_answer(apply);
	for (struct target *target = apply->model->targets; target; target = target->hh.next) {
		if (target->address.family == family)
			model_ask(apply->model, target, ASK_ALONE);
	}
}

bool apply_pending(const struct apply *apply)
{
	const struct model *model = apply->model;

	return model->passing || tables_any_look(apply->tables) || agenda_any(&model->work) ||
	       spans_any(&model->spans) || agenda_any(&model->rings);
}

/* ---- next hops ------------------------------------------------------------------------------ */

static void store_nexthop(struct apply *apply, struct table_nexthop *nexthop)
{
	const struct rt_neigh_key *key = tables_nexthop_key(nexthop);
	struct sh_nexthop before = *tables_nexthop_record(apply->tables, nexthop), after;

	resolve_nexthop(key, apply->state, apply->natives, &after);
	if ((after.flags & SH_NEXTHOP_VALID) && !(after.flags & SH_NEXTHOP_HERE) &&
	    after.ifindex != before.ifindex && apply->ops->exit_opens)
		apply->ops->exit_opens(after.ifindex, apply->arg);
	if (tables_store_nexthop(apply->tables, nexthop, &after) && apply->ops->nexthop_changed)
		apply->ops->nexthop_changed(key, &before, &after, apply->arg);
	if (tables_set_exit(apply->tables, nexthop, resolve_exit(key, apply->state, apply->natives)))
		tables_look(apply->tables, nexthop); /* there was no memory to note it */
}

static unsigned class_of(const struct apply *apply, const struct table_nexthop *nexthop)
{
	return resolve_class(tables_nexthop_key(nexthop), apply->state, apply->natives);
}

static void look_again(struct table_nexthop *nexthop, void *arg)
{
	struct apply *apply = arg;
	uint32_t exit = tables_nexthop_record(apply->tables, nexthop)->ifindex;
	unsigned now = class_of(apply, nexthop);
	struct table_note *note = tables_nexthop_note(nexthop);

	store_nexthop(apply, nexthop);
	if (note->seen == now && tables_nexthop_record(apply->tables, nexthop)->ifindex == exit)
		return;
	note->seen = now;
	note->moved = true;
	tables_look(apply->tables, nexthop);
}

static void look_in_turn(struct apply *apply, struct table_nexthop *nexthop)
{
	struct table_note *note = tables_nexthop_note(nexthop);

	if (note->looked == apply->look_turn)
		return;
	look_again(nexthop, apply);
	note->looked = apply->look_turn;
}

void apply_meet_nexthop(struct apply *apply, struct table_nexthop *nexthop)
{
	if (tables_nexthop_refs(nexthop) == 1) {
		tables_nexthop_note(nexthop)->seen = class_of(apply, nexthop);
		store_nexthop(apply, nexthop);
		tables_nexthop_note(nexthop)->looked = apply->look_turn;
	} else {
		look_in_turn(apply, nexthop);
	}
}

void apply_neighbour(struct apply *apply, const struct rt_neigh_key *key)
{
	struct table_nexthop *nexthop = tables_find_nexthop(apply->tables, key);

	if (nexthop)
		look_again(nexthop, apply);
}

struct change {
	struct apply *apply;
	int ifindex;
};

/* Is it that link, or one above it? */
static void look_at_link(int ifindex, void *arg)
{
	const struct change *change = arg;

	if (egress_concerns(change->apply->state, ifindex, change->ifindex))
		tables_each_on_link(change->apply->tables, ifindex, look_again, change->apply);
}

void apply_link(struct apply *apply, int ifindex)
{
	struct change change = {apply, ifindex};

	tables_each_link(apply->tables, look_at_link, &change);
}

void apply_all_nexthops(struct apply *apply)
{
	apply->look_turn++;
	tables_look_all(apply->tables);
}

void apply_keep_nexthops(struct apply *apply)
{
	tables_look_all(apply->tables);
}

/* So many in one go; and a mark is as many times cheaper than a target that is resolved again. */
#define MARKS_MAX  512
#define MARKS_EACH 8

/* A part of those behind it, where what they are to be resolved by changed. Returns how many. */
static size_t mark_behind(struct table_note *note)
{
	struct behind_list *list = &note->behind;
	size_t count = 0;

	if (note->moved)
		list->turn = list->first;
	note->moved = false;
	for (; list->turn && count < MARKS_MAX; list->turn = list->turn->next, count++)
		model_resolve(list->turn->member->service->model, list->turn->member->target);
	return count;
}

/* ---- the pass ------------------------------------------------------------------------------- */

/* Keeps the kernel's answer without the room for legs that it does not have. */
static int store_route(struct target *target, const struct rt_route *route)
{
	if (!target->route || target->route->legs_count != route->legs_count) {
		struct rt_route *room = malloc(route_size(route));

		if (!room)
			return -ENOMEM;
		free(target->route);
		target->route = room;
	}
	memcpy(target->route, route, route_size(route));
	return 0;
}

/* Does what the kernel said of another one hold for this one? That one must be in the changed prefix, too:
 * one that was asked about for another reason knows nothing of this change. */
static bool is_answered(const struct apply *apply, const struct target *target)
{
	const struct prefix changed = {.addr = target->address, .length = (uint8_t)(target->ask - 1)};

	return target->ask != ASK_ALONE && prefix_covers(&changed, &apply->answered) &&
	       answer_stands(&apply->answer, target->route, &target->address, changed.length,
			     policy_first(&apply->policy, target->address.family));
}

static int ask(struct apply *apply, struct target *target)
{
	struct rules_cause cause = {0};
	int err = 0;

	if (!is_answered(apply, target)) {
		struct rt_route route;

		err = apply->ask(&apply->policy, apply->query, &target->address, &route, &cause);
		apply->asks++;
		if (!err) {
			apply->answer_end = ends_take(apply, &route);
			memcpy(&apply->answer, &route, route_size(&route));
			apply->answered = target->address;
		}
	}
	if (!err)
		err = store_route(target, &apply->answer);
	if (err) {
		target->ask = ASK_ALONE;
		return err;
	}
	ends_note(apply, target, apply->answer_end);
	target->cause = cause;
	target->ask = 0;
	target->resolve = true;
	return 0;
}

static int update_target(struct apply *apply, struct target *target)
{
	int err = target->ask ? ask(apply, target) : 0;

	if (!target->resolve || !target->route)
		return err;
	target->resolve = false;
	for (struct member *member = target->members; member; member = member->next) {
		int failed = apply_member(apply, member);

		if (failed) {
			target->resolve = true;
			err = failed;
		}
	}
	return err;
}

/* A full table is what the caller can do something about: it is not forgotten for a later failure. */
static void note_failure(struct model *model, int err)
{
	if (err && model->failed != -ENOSPC)
		model->failed = err;
}

/*
 * The phases of a pass. Each does one thing that is to be done, and returns what that is worth in the unit of
 * the budget, a target that need not be asked about; 0 where nothing is left.
 */

/* How many times cheaper than a question it is to share the answer of the one before. */
#define SHARES_EACH 24

static size_t look_at_nexthop(struct apply *apply)
{
	struct table_nexthop *nexthop = tables_next_look(apply->tables);
	struct table_note *note;
	size_t marks;

	if (!nexthop)
		return 0;
	note = tables_nexthop_note(nexthop);
	/* With each part: its link may have come up again while those behind it are marked. */
	look_in_turn(apply, nexthop);
	if (apply->ops->keep_resolved)
		apply->ops->keep_resolved(nexthop, apply->arg);
	marks = mark_behind(note);
	if (note->behind.turn)
		tables_go_on_looking(apply->tables, nexthop);
	return 1 + marks / MARKS_EACH;
}

static void work_off(struct apply *apply, struct target *target)
{
	note_failure(apply->model, update_target(apply, target));
	if (target->ask || target->resolve)
		agenda_mark(&apply->model->work, &target->work);
}

#define EMPTY_EACH 16 /* places without a target to be updated, for one with */

/* Of those whose routes changed, the next. False at the end. */
static bool update_place(struct apply *apply)
{
	struct spans_turn turn = {0};

	for (size_t i = 0; i < EMPTY_EACH && !turn.target; i++) {
		if (!spans_take(&apply->model->spans, &turn))
			return i > 0;
	}
	if (!turn.target)
		return true;
	if (turn.target->ask || turn.several)
		turn.target->ask = ASK_ALONE;
	else
		turn.target->ask = (uint8_t)(turn.length + 1);
	work_off(apply, turn.target);
	return true;
}

static size_t update_one(struct apply *apply)
{
	struct agenda_item *item;
	struct target *target;
	uint64_t asks = apply->asks;
	size_t worth;
	bool all;

	/* Those that the one before made known, and that changed meanwhile. */
	tables_begin_looks(apply->tables);
	worth = look_at_nexthop(apply);
	if (worth)
		return worth;
	/* A new answer comes before what is to be worked out again from the old one. */
	if (!update_place(apply)) {
		item = agenda_take(&apply->model->work, &all);
		if (!item)
			return 0;
		target = AGENDA_OF(item, struct target, work);
		target->ask = all ? ASK_ALONE : target->ask;
		work_off(apply, target);
	}
	return apply->asks == asks ? 1 : SHARES_EACH;
}

/* All ways are known: who is led where follows from them. */
static size_t store_rings(struct apply *apply)
{
	int err;
	size_t worth = apply_store_rings(apply, &err);

	note_failure(apply->model, err);
	return worth;
}

/* No slot leads to them any more. */
static size_t finish_leaving(struct apply *apply)
{
	struct agenda_item *item = agenda_take(&apply->model->leavers, NULL);
	struct member *member;

	if (!item)
		return 0;
	member = AGENDA_OF(item, struct member, leaves);
	if (member->leaving && model_is_stale(member->service))
		agenda_mark(&apply->model->leavers, item);
	else if (member->leaving)
		apply_member_left(apply, member);
	return 1;
}

static void begin_phase(struct apply *apply)
{
	struct agenda *const agendas[] = {NULL, &apply->model->work, &apply->model->rings,
					  &apply->model->leavers, &apply->model->care};

	if (agendas[apply->model->phase])
		agenda_begin(agendas[apply->model->phase]);
	else
		tables_begin_looks(apply->tables);
	if (agendas[apply->model->phase] == &apply->model->work)
		spans_begin(&apply->model->spans);
}

int apply_part(struct apply *apply, size_t budget, bool *more)
{
	static size_t (*const phases[])(struct apply *) = {look_at_nexthop, update_one, store_rings,
							   finish_leaving, apply_care};
	struct model *model = apply->model;

	if (!model->passing) {
		model->passing = true;
		model->phase = 0;
		model->failed = 0;
		forget_answer(apply);
		apply_give_up_ring(apply); /* of a pass that was given up: for smaller tables? */
		apply_give_up_care(model);
		begin_phase(apply);
	}
	while (budget && model->phase < sizeof(phases) / sizeof(phases[0])) {
		size_t worth = phases[model->phase](apply);

		budget -= worth < budget ? worth : budget;
		if (!worth && ++model->phase < sizeof(phases) / sizeof(phases[0]))
			begin_phase(apply);
	}
	deal_forget(apply);
	*more = model->phase < sizeof(phases) / sizeof(phases[0]);
	if (*more)
		return 0;
	apply_give_up_ring(apply); /* none is under way: the room */
	note_failure(model, apply_answers(apply));
	model->passing = false;
	return model->failed;
}

int apply_pass(struct apply *apply)
{
	bool more;

	apply->model->passing = false;
	return apply_part(apply, SIZE_MAX, &more);
}
