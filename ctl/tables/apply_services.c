/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The head of a packet's way: services, the VIP maps and the knobs. See apply.h.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "apply.h"
#include "endpoint.h"

static size_t count_ports(const struct model *model)
{
	size_t count = 0;

	for (size_t i = 0; i < model->services_count; i++)
		count += model->services[i].config->ports_count;
	return count;
}

/* One VIP map's entries, of the services of one family. */
static int sync_vips(struct apply *apply, uint8_t family, enum dataplane_hash hash)
{
	const struct model *model = apply->model;
	size_t size = dataplane_entry_size(hash), count = 0;
	char *want = calloc(count_ports(model) + 1, size);
	uint64_t writes = 0;
	int err;

	if (!want)
		return -ENOMEM;
	for (size_t i = 0; i < model->services_count; i++) {
		const struct service *service = &model->services[i];

		for (size_t j = 0; service->config->vip.family == family && j < service->config->ports_count;
		     j++) {
			uint32_t index = tables_service_index(service->entries[j]);

			endpoint_entry(&service->config->vip, &service->config->ports[j], &index,
				       sizeof(index), want + size * count++);
		}
	}
	err = dataplane_sync(apply->dataplane, hash, want, count, &writes);
	tables_add_writes(apply->tables, writes);
	free(want);
	return err;
}

static void set_any_port(struct apply *apply)
{
	struct sh_knobs *knobs = dataplane_port(apply->dataplane)->knobs;
	const struct model *model = apply->model;
	uint32_t any = 0;

	for (size_t i = 0; i < model->services_count; i++) {
		for (size_t j = 0; j < model->services[i].config->ports_count; j++)
			any |= model->services[i].config->ports[j].port == 0;
	}
	__atomic_store_n(&knobs->any_port, any, __ATOMIC_RELEASE);
}

int apply_services(struct apply *apply)
{
	int err;

	for (size_t i = 0; i < apply->model->services_count; i++) {
		const struct service *service = &apply->model->services[i];
		uint32_t flags = service->config->scheduler == SCHEDULER_RANDOM ? (uint32_t)SH_SERVICE_RANDOM
										: 0;

		for (size_t j = 0; j < service->config->ports_count; j++)
			tables_point_service(apply->tables, service->entries[j], service->owner,
					     service->ring, flags);
	}
	set_any_port(apply);
	err = sync_vips(apply, ADDR_IPV4, HASH_VIPS4);
	return err ? err : sync_vips(apply, ADDR_IPV6, HASH_VIPS6);
}
