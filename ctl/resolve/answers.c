/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* See answers.h. */
#include <stddef.h>

#include "answers.h"

/* Does it follow from the longest prefix alone? */
static bool is_clear(const struct rt_route *route)
{
	if (route->type != RT_ROUTE_UNICAST)
		return false;
	return route->dst.addr.family == ADDR_IPV4 || (!route->nexthop_id && route->legs_count == 1);
}

bool answer_stands(const struct rt_route *answer, const struct rt_route *before, const struct addr *dst,
		   uint8_t length, uint32_t first)
{
	if (!before || !is_clear(answer) || !is_clear(before))
		return false;
	return first && answer->table == first && before->table == first &&
	       before->dst.addr.family == dst->family && before->dst.length <= length &&
	       prefix_covers(&answer->dst, dst);
}
