/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A doubly linked list without a type for its head. See behind.h. */
#include "behind.h"

void behind_enter(struct behind_list *list, struct behind *behind, struct member *member)
{
	*behind = (struct behind){.member = member, .next = list->first, .link = &list->first};
	if (list->first)
		list->first->link = &behind->next;
	list->first = behind;
}

void behind_leave(struct behind_list *list, struct behind *behind)
{
	if (list->turn == behind)
		list->turn = behind->next;
	*behind->link = behind->next;
	if (behind->next)
		behind->next->link = behind->link;
}
