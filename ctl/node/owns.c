/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * See owns.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <shunt/abi.h>
#include <shunt/rt.h>

#include "aliases.h"
#include "owns.h"

/* The best found of each family, or NULL; borrowed from the state. */
struct found {
	const struct rt_addr *four, *six;
};

struct search {
	const struct config *config;
	int ifindex, master; /* 0: none */
	struct found here, above, anywhere;
};

/* Of this link, or of this host, alone. */
static bool is_confined(const struct addr *addr)
{
	static const uint8_t loopback[16] = {[15] = 1};

	if (addr->family == ADDR_IPV4)
		return addr->bytes[0] == 127 || (addr->bytes[0] == 169 && addr->bytes[1] == 254);
	return (addr->bytes[0] == 0xfe && (addr->bytes[1] & 0xc0) == 0x80) ||
	       !memcmp(addr->bytes, loopback, sizeof(loopback));
}

static bool is_vip(const struct config *config, const struct addr *addr)
{
	for (size_t i = 0; i < config->services_count; i++)
		if (addr_equal(&config->services[i].vip, addr))
			return true;
	return false;
}

static bool is_better(const struct rt_addr *a, const struct rt_addr *than)
{
	if (a->length != than->length)
		return a->length < than->length;
	return memcmp(a->addr.bytes, than->addr.bytes, sizeof(a->addr.bytes)) < 0;
}

static const struct rt_addr **place(struct found *found, uint8_t family)
{
	return family == ADDR_IPV4 ? &found->four : &found->six;
}

static void consider(const struct rt_addr *address, void *arg)
{
	struct search *search = arg;
	const struct rt_addr **to = place(&search->anywhere, address->addr.family);

	if (address->ifindex == search->ifindex)
		to = place(&search->here, address->addr.family);
	else if (address->ifindex == search->master)
		to = place(&search->above, address->addr.family);
	if (address->protocol == SHUNT_PROTOCOL || is_confined(&address->addr))
		return;
	if ((!*to || is_better(address, *to)) && !is_vip(search->config, &address->addr))
		*to = address;
}

/* Writes the nearest of that family, where there is one. */
static void take_nearest(struct search *search, uint8_t family, void *out)
{
	const struct rt_addr *found = *place(&search->here, family);

	if (!found)
		found = *place(&search->above, family);
	if (!found)
		found = *place(&search->anywhere, family);
	if (found)
		memcpy(out, found->addr.bytes, addr_size(&found->addr));
}

static void add(const struct config *config, const struct rt_state *state, int ifindex,
		struct dataplane_entries *want)
{
	char *entry = (char *)want->all + want->count * dataplane_entry_size(HASH_OWNS);
	const struct rt_link *link = rt_state_link(state, ifindex);
	struct search search = {.config = config, .ifindex = ifindex, .master = link ? link->master : 0};
	struct sh_own own = {0};

	rt_state_each_addr(state, consider, &search);
	take_nearest(&search, ADDR_IPV4, &own.v4);
	take_nearest(&search, ADDR_IPV6, &own.v6);
	memcpy(entry, &ifindex, sizeof(ifindex));
	memcpy(entry + sizeof(ifindex), &own, sizeof(own));
	want->count++;
}

int owns_want(const struct config *config, const struct rt_state *state, const struct interface_row *rows,
	      size_t count, struct dataplane_entries *out)
{
	struct dataplane_entries want = {.all = calloc(count + 1, dataplane_entry_size(HASH_OWNS))};

	if (!want.all)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		if (rows[i].state == INTERFACE_ATTACHED && rows[i].program != INTERFACE_BACKEND)
			add(config, state, rows[i].ifindex, &want);
	*out = want;
	return 0;
}

int owns_sync(struct dataplane *dataplane, const struct config *config, const struct rt_state *state,
	      const struct interface_row *rows, size_t count, uint64_t *writes)
{
	struct dataplane_entries want;
	int err = owns_want(config, state, rows, count, &want);

	if (err)
		return err;
	err = dataplane_sync(dataplane, HASH_OWNS, want.all, want.count, writes);
	free(want.all);
	return err;
}
