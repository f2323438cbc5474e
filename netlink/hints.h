/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How watch.c adds to a struct rt_hints. Nothing here fails: a hint that finds no room becomes `everything`.
 */
#ifndef NETLINK_HINTS_H
#define NETLINK_HINTS_H

#include <shunt/rt.h>

/* Up to this many prefixes or neighbours are named one by one. */
#define HINTS_MAX 4096

void hints_add_link(struct rt_hints *hints, int ifindex);
void hints_add_route(struct rt_hints *hints, const struct prefix *prefix);
/* Beyond HINTS_MAX `hosts_cut` is set instead. */
void hints_add_host(struct rt_hints *hints, const struct rt_host_event *event);
void hints_add_neigh(struct rt_hints *hints, int ifindex, const struct addr *addr);

#endif
