/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A doubly linked list without a type for its head. See behind.h. */
#include <stddef.h>

#include "behind.h"

void behind_enter(struct behind **list, struct behind *behind, struct member *member)
{
	*behind = (struct behind){.member = member, .next = *list, .link = list};
	if (*list)
		(*list)->link = &behind->next;
	*list = behind;
}

void behind_leave(struct behind *behind)
{
	*behind->link = behind->next;
	if (behind->next)
		behind->next->link = behind->link;
}
