/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * {own address, port, protocol} -> VIP, for every service that may reach this node by l3; where it has a
 * DSCP, that in place of port and protocol. The file has refused what could not be told apart. See restore.h.
 */
#include <errno.h>
#include <stdlib.h>

#include <shunt/rt.h>

#include "dataplane.h"
#include "endpoint.h"
#include "formers.h"
#include "restore.h"
#include "role.h"

static size_t add_service(const struct config_service *service, const struct rt_state *state, uint8_t family,
			  char *want, size_t size)
{
	const struct config_port mark = {.port = (uint16_t)service->dscp}; /* protocol 0: a DSCP */
	const struct config_port *ports = service->dscp ? &mark : service->ports;
	size_t ports_count = service->dscp ? 1 : service->ports_count;
	size_t count = 0;

	if (!config_restores(service) || service->vip.family != family)
		return 0;
	for (size_t i = 0; i < service->backends_count; i++) {
		const struct addr *own = &service->backends[i].address;

		if (own->family != family || !role_own_address(state, own))
			continue;
		for (size_t j = 0; j < ports_count; j++)
			endpoint_entry(own, &ports[j], service->vip.bytes, addr_size(&service->vip),
				       want + size * count++);
	}
	return count;
}

int restore_want(const struct config *config, const struct rt_state *state, enum role role,
		 enum dataplane_hash hash, const struct formers *formers, struct dataplane_entries *out)
{
	uint8_t family = hash == HASH_RESTORE4 ? ADDR_IPV4 : ADDR_IPV6;
	size_t size = dataplane_entry_size(hash), room = 1, count = 0;
	struct dataplane_entries entries;
	char *want;
	int err;

	for (size_t i = 0; role_serves(role) && i < config->services_count; i++)
		room += config->services[i].ports_count * config->services[i].backends_count;
	want = calloc(room, size);
	if (!want)
		return -ENOMEM;
	for (size_t i = 0; role_serves(role) && i < config->services_count; i++)
		count += add_service(&config->services[i], state, family, want + count * size, size);
	entries = (struct dataplane_entries){want, count};
	err = formers_append(formers, config, state, role, hash, &entries);
	if (err)
		free(entries.all);
	else
		*out = entries;
	return err;
}

int restore_sync(struct dataplane *dataplane, const struct config *config, const struct rt_state *state,
		 enum role role, const struct formers *formers, uint64_t *writes)
{
	static const enum dataplane_hash hashes[] = {HASH_RESTORE4, HASH_RESTORE6};
	struct dataplane_entries want;
	int err = 0;

	for (size_t i = 0; !err && i < sizeof(hashes) / sizeof(hashes[0]); i++) {
		err = restore_want(config, state, role, hashes[i], formers, &want);
		if (err)
			return err;
		err = dataplane_sync(dataplane, hashes[i], want.all, want.count, writes);
		free(want.all);
	}
	return err;
}

static void at_least(uint32_t *size, size_t entries)
{
	if (*size < 2 * entries)
		*size = (uint32_t)(2 * entries);
}

void restore_sizes(const struct config *config, const struct rt_state *state, struct dataplane_sizes *sizes)
{
	size_t restores = 0, served = 0;

	for (size_t i = 0; i < config->services_count; i++) {
		const struct config_service *service = &config->services[i];
		size_t own = 0;

		for (size_t j = 0; j < service->backends_count; j++)
			own += role_own_address(state, &service->backends[j].address) != NULL;
		restores += own * service->ports_count;
		served += own + 1;
	}
	at_least(&sizes->restore4, restores);
	at_least(&sizes->restore6, restores);
	at_least(&sizes->served, served);
}
