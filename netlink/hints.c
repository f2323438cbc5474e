/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Hints: what a batch of events may concern, gathered for ctl/ to ask the kernel about.
 *
 * watch.c adds, ctl/ reads and resets. A hint may say too much, never too little: where a list
 * grows past its bound or memory runs out, it is emptied and `everything` is set instead. What is
 * named already by the entry before is not named again, so one flapping route is one hint.
 */
#include "hints.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void rt_hints_reset(struct rt_hints *hints)
{
	hints->everything = false;
	hints->links = false;
	hints->addrs = false;
	hints->fdb = false;
	hints->rules = false;
	hints->failed6 = false;
	hints->sysctls = false;
	hints->overrun = false;
	hints->ifindexes_count = 0;
	hints->routes_count = 0;
	hints->hosts_count = 0;
	hints->hosts_cut = false;
	hints->neighs_count = 0;
}

void rt_hints_free(struct rt_hints *hints)
{
	free(hints->ifindexes);
	free(hints->routes);
	free(hints->hosts);
	free(hints->neighs);
	*hints = (struct rt_hints){0};
}

bool rt_hints_any(const struct rt_hints *hints)
{
	return hints->everything || hints->links || hints->addrs || hints->fdb || hints->failed6 ||
	       hints->overrun || hints->routes_count || hints->neighs_count;
}

/* The doubled array, or NULL where the bound or memory is reached. *size is updated. */
static void *grown(void *array, size_t *size, size_t each)
{
	size_t wanted = *size ? *size * 2 : 64;
	void *bigger;

	if (wanted > HINTS_MAX)
		return NULL;
	bigger = reallocarray(array, wanted, each);
	if (bigger)
		*size = wanted;
	return bigger;
}

void hints_add_link(struct rt_hints *hints, int ifindex)
{
	if (hints->ifindexes_count && hints->ifindexes[hints->ifindexes_count - 1] == ifindex)
		return;
	if (hints->ifindexes_count == hints->ifindexes_size) {
		int *ifindexes = grown(hints->ifindexes, &hints->ifindexes_size, sizeof(*ifindexes));

		if (!ifindexes) {
			hints->everything = true;
			hints->ifindexes_count = 0;
			return;
		}
		hints->ifindexes = ifindexes;
	}
	hints->ifindexes[hints->ifindexes_count++] = ifindex;
}

static bool same_prefix(const struct prefix *a, const struct prefix *b)
{
	return a->length == b->length && addr_equal(&a->addr, &b->addr);
}

void hints_add_route(struct rt_hints *hints, const struct prefix *prefix)
{
	if (hints->routes_count && same_prefix(&hints->routes[hints->routes_count - 1], prefix))
		return;
	if (hints->routes_count == hints->routes_size) {
		struct prefix *routes = grown(hints->routes, &hints->routes_size, sizeof(*routes));

		if (!routes) {
			hints->everything = true;
			hints->routes_count = 0;
			return;
		}
		hints->routes = routes;
	}
	hints->routes[hints->routes_count++] = *prefix;
}

void hints_add_host(struct rt_hints *hints, const struct rt_host_event *event)
{
	if (hints->hosts_count == hints->hosts_size) {
		struct rt_host_event *hosts = grown(hints->hosts, &hints->hosts_size, sizeof(*hosts));

		hints->hosts_cut |= !hosts;
		if (!hosts)
			return;
		hints->hosts = hosts;
	}
	hints->hosts[hints->hosts_count++] = *event;
}

static bool same_key(const struct rt_neigh_key *key, int ifindex, const struct addr *addr)
{
	return key->ifindex == ifindex && addr_equal(&key->addr, addr);
}

void hints_add_neigh(struct rt_hints *hints, int ifindex, const struct addr *addr)
{
	if (hints->neighs_count && same_key(&hints->neighs[hints->neighs_count - 1], ifindex, addr))
		return;
	if (hints->neighs_count == hints->neighs_size) {
		struct rt_neigh_key *neighs = grown(hints->neighs, &hints->neighs_size, sizeof(*neighs));

		if (!neighs) {
			hints->everything = true;
			hints->neighs_count = 0;
			return;
		}
		hints->neighs = neighs;
	}
	hints->neighs[hints->neighs_count++] = (struct rt_neigh_key){.ifindex = ifindex, .addr = *addr};
}
