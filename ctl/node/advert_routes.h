/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The routes of adverts, as a set that is kept equal to what is wanted. Part of adverts.c.
 */
#ifndef SHUNT_ADVERT_ROUTES_H
#define SHUNT_ADVERT_ROUTES_H

#include <stdbool.h>
#include <stddef.h>

#include <shunt/rt.h>

struct advert_routes {
	struct rt_blackhole *items; /* owned; by address, table and metric */
	size_t count, size;
	uint64_t returned; /* were gone, and have been put back */
};

/* At the end, where the caller sees to the order. -ENOMEM, or 0. */
int advert_routes_add(struct advert_routes *routes, const struct rt_blackhole *route);
/* The first that leads to the address, or NULL. */
const struct rt_blackhole *advert_routes_find(const struct advert_routes *routes, const struct addr *addr);
/* Enters one, or takes out who has its address, table and metric: false where there is none. */
int advert_routes_enter(struct advert_routes *routes, const struct rt_blackhole *route);
bool advert_routes_leave(struct advert_routes *routes, const struct rt_blackhole *route);
void advert_routes_clear(struct advert_routes *routes);

/* Adds those in the kernel that have the protocol and are not in the set. */
int advert_routes_load(struct advert_routes *routes, uint8_t protocol);

/*
 * Writes what only `want` has, then removes what only `have` has; `have` becomes what the kernel
 * holds. By an audit what is in both is looked after, too: one that somebody removed is put back, with a line
 * in the log. `failed` is told of each that could not be written. 0; or -ENOMEM: then what was written is to
 * be found again by advert_routes_load.
 */
int advert_routes_apply(struct advert_routes *want, struct advert_routes *have, struct rt_query *query,
			bool audit, void (*failed)(const struct rt_blackhole *route, int err, void *arg),
			void *arg);

#endif
