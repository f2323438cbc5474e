/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What is to be done next, for things of one kind.
 *
 * Each thing carries an item and is always in exactly one of three lines:
 *
 *	idle   nothing is to be done
 *	due    it was marked, for the next round
 *	now    for the round that is going on
 *
 * Marking one thing, or all of them, costs the same however many there are; a round costs what was marked.
 * What is marked behind the round that goes on waits for the next, so a round ends, whatever comes
 * meanwhile. A thing that is marked again before its turn keeps its place.
 *
 * Used by apply.c for targets, services and next hops. Nothing is allocated; an item lives and dies
 * with its thing, which leaves the agenda first.
 */
#ifndef SHUNT_AGENDA_H
#define SHUNT_AGENDA_H

#include <stdbool.h>
#include <stddef.h>

/* The thing of `type` whose `member` the item is. */
#define AGENDA_OF(item, type, member) ((type *)(void *)((char *)(item)-offsetof(type, member)))

struct agenda_item {
	struct agenda_item *next, *previous;
	unsigned turn; /* of the agenda, when it was last taken */
	bool marked;   /* by itself */
};

struct agenda {
	struct agenda_item idle, due, now; /* heads of rings */
	unsigned turn;			   /* counts how often all were marked */
};

void agenda_init(struct agenda *agenda); /* also empties it: items are left as they are */
void agenda_add(struct agenda *agenda, struct agenda_item *item); /* idle */
void agenda_remove(struct agenda_item *item);
void agenda_mark(struct agenda *agenda, struct agenda_item *item);
void agenda_mark_all(struct agenda *agenda);
bool agenda_is_marked(const struct agenda *agenda, const struct agenda_item *item);
/* Is there anything to do? */
bool agenda_any(const struct agenda *agenda);

/* Begins a round with all that is due; what a former round has left comes first. */
void agenda_begin(struct agenda *agenda);
/* The next of the round, which is no longer marked then; NULL at its end. *all (may be NULL): it was among
 * those that were all marked at once. */
struct agenda_item *agenda_take(struct agenda *agenda, bool *all);
/* What was just taken is not done yet: it is the next of the round again. */
void agenda_put_back(struct agenda *agenda, struct agenda_item *item);

#endif
