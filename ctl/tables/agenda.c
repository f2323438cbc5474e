/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Rings with a head, so that an item leaves without knowing which line it is in. See agenda.h.
 *
 * Marking all moves the whole idle line, and touches no item: those whose turn is not the agenda's
 * are marked by that. Whoever is idle has the agenda's turn.
 */
#include "agenda.h"

static void empty(struct agenda_item *head)
{
	head->next = head->previous = head;
}

static void unlink_item(struct agenda_item *item)
{
	item->previous->next = item->next;
	item->next->previous = item->previous;
}

static void append(struct agenda_item *head, struct agenda_item *item)
{
	item->previous = head->previous;
	item->next = head;
	head->previous->next = item;
	head->previous = item;
}

static bool is_empty(const struct agenda_item *head)
{
	return head->next == head;
}

/* Moves all of one line to the end of another. */
static void append_all(struct agenda_item *to, struct agenda_item *from)
{
	if (is_empty(from))
		return;
	from->next->previous = to->previous;
	to->previous->next = from->next;
	from->previous->next = to;
	to->previous = from->previous;
	empty(from);
}

void agenda_init(struct agenda *agenda)
{
	empty(&agenda->idle);
	empty(&agenda->due);
	empty(&agenda->now);
	agenda->turn = 0;
}

void agenda_add(struct agenda *agenda, struct agenda_item *item)
{
	item->turn = agenda->turn;
	item->marked = false;
	append(&agenda->idle, item);
}

void agenda_remove(struct agenda_item *item)
{
	unlink_item(item);
}

bool agenda_is_marked(const struct agenda *agenda, const struct agenda_item *item)
{
	return item->marked || item->turn != agenda->turn;
}

void agenda_mark(struct agenda *agenda, struct agenda_item *item)
{
	if (!agenda_is_marked(agenda, item)) {
		unlink_item(item);
		append(&agenda->due, item);
	}
	item->marked = true;
}

void agenda_mark_all(struct agenda *agenda)
{
	agenda->turn++;
	append_all(&agenda->due, &agenda->idle);
}

bool agenda_any(const struct agenda *agenda)
{
	return !is_empty(&agenda->now) || !is_empty(&agenda->due);
}

void agenda_begin(struct agenda *agenda)
{
	append_all(&agenda->now, &agenda->due);
}

struct agenda_item *agenda_take(struct agenda *agenda, bool *all)
{
	struct agenda_item *item = agenda->now.next;

	if (item == &agenda->now)
		return NULL;
	if (all)
		*all = item->turn != agenda->turn;
	unlink_item(item);
	agenda_add(agenda, item);
	return item;
}

void agenda_put_back(struct agenda *agenda, struct agenda_item *item)
{
	unlink_item(item);
	append(agenda->now.next, item); /* before the first */
	item->marked = true;
}
