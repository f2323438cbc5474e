/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * An array, and then a list. See members.h.
 */
#include "members.h"

#include "model.h"

struct member *members_next(struct members *members)
{
	const struct service *service = members->service;
	struct gone *gone;

	if (members->next < service->config->backends_count)
		return &service->members[members->next++];
	gone = members->next == service->config->backends_count ? service->gone : members->gone;
	members->next = service->config->backends_count + 1;
	members->gone = gone ? gone->next : NULL;
	return gone ? &gone->member : NULL;
}
