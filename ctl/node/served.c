/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Own addresses and VIPs of every service of this node's. See served.h.
 *
 * A VIP comes out of a tunnel only where it is an alias here (aliases.h), so the two follow from the same.
 * Whatever the service's mode: directors that have read a file which names a tunnel lose nothing to a backend
 * that has yet to read it, or has read one that names it no more. It lets in nothing that could not come to
 * the VIP plainly.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <shunt/abi.h>
#include <shunt/rt.h>

#include "role.h"
#include "served.h"

static void add(struct dataplane_entries *want, const struct addr *address, struct sh_served as)
{
	char *entry = (char *)want->all + want->count++ * dataplane_entry_size(HASH_SERVED);
	struct sh_address key = {.family = address->family};

	memcpy(&key.ip, address->bytes, sizeof(key.ip));
	memcpy(entry, &key, sizeof(key));
	memcpy(entry + sizeof(key), &as, sizeof(as));
}

static void add_service(const struct config_service *service, const struct rt_state *state, uint16_t port,
			struct dataplane_entries *want)
{
	const struct sh_served own = {.as = SH_SERVED_OWN, .port = htons(port)};
	const struct sh_served vip = {.as = SH_SERVED_VIP};
	size_t before = want->count;

	for (size_t i = 0; i < service->backends_count; i++)
		if (role_own_address(state, &service->backends[i].address))
			add(want, &service->backends[i].address, own);
	if (want->count > before)
		add(want, &service->vip, vip);
}

int served_want(const struct config *config, const struct rt_state *state, enum role role,
		struct dataplane_entries *out)
{
	struct dataplane_entries want = {0};
	size_t room = 1;

	for (size_t i = 0; role_serves(role) && i < config->services_count; i++)
		room += config->services[i].backends_count + 1;
	want.all = calloc(room, dataplane_entry_size(HASH_SERVED));
	if (!want.all)
		return -ENOMEM;
	for (size_t i = 0; role_serves(role) && i < config->services_count; i++)
		add_service(&config->services[i], state, (uint16_t)config->tunnel.port, &want);
	*out = want;
	return 0;
}

int served_sync(struct dataplane *dataplane, const struct config *config, const struct rt_state *state,
		enum role role, uint64_t *writes)
{
	struct dataplane_entries want;
	int err = served_want(config, state, role, &want);

	if (err)
		return err;
	err = dataplane_sync(dataplane, HASH_SERVED, want.all, want.count, writes);
	free(want.all);
	return err;
}
