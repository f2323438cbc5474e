/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * {own address, port, protocol} -> VIP, for every service that reaches this node by l3.
 * The file has refused what could not be told apart. See restore.h.
 */
#include <errno.h>
#include <stdlib.h>

#include <shunt/rt.h>

#include "dataplane.h"
#include "endpoint.h"
#include "restore.h"
#include "role.h"

static size_t add_service(const struct config_service *service, const struct rt_state *state, uint8_t family,
			  char *want, size_t size)
{
	size_t count = 0;

	if (service->forward == FORWARD_L2 || service->vip.family != family)
		return 0;
	for (size_t i = 0; i < service->backends_count; i++) {
		const struct addr *own = &service->backends[i].address;

		if (own->family != family || !role_own_address(state, own))
			continue;
		for (size_t j = 0; j < service->ports_count; j++)
			endpoint_entry(own, &service->ports[j], service->vip.bytes, addr_size(&service->vip),
				       want + size * count++);
	}
	return count;
}

static int sync_family(struct dataplane *dataplane, const struct config *config, const struct rt_state *state,
		       uint8_t family, uint64_t *writes)
{
	enum dataplane_hash hash = family == ADDR_IPV4 ? HASH_RESTORE4 : HASH_RESTORE6;
	size_t size = dataplane_entry_size(hash), room = 1, count = 0;
	char *want;
	int err;

	for (size_t i = 0; i < config->services_count; i++)
		room += config->services[i].ports_count * config->services[i].backends_count;
	want = calloc(room, size);
	if (!want)
		return -ENOMEM;
	for (size_t i = 0; state && i < config->services_count; i++)
		count += add_service(&config->services[i], state, family, want + count * size, size);
	err = dataplane_sync(dataplane, hash, want, count, writes);
	free(want);
	return err;
}

int restore_sync(struct dataplane *dataplane, const struct config *config, const struct rt_state *state,
		 enum role role, uint64_t *writes)
{
	const struct rt_state *own = role_serves(role) ? state : NULL;
	int err = sync_family(dataplane, config, own, ADDR_IPV4, writes);

	return err ? err : sync_family(dataplane, config, own, ADDR_IPV6, writes);
}
