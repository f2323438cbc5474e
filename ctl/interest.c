/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which addresses a config makes us track: its backends, whose ways are followed, and its VIPs, whose
 * routes we may have advertised. Routes that cover none of them are kept out of the event socket, so
 * that a full table that churns costs us nothing. Called by load.c, before the kernel is asked.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "controller.h"
#include "log.h"

static size_t count_addresses(const struct config *config)
{
	size_t count = 0;

	for (size_t i = 0; i < config->services_count; i++)
		count += 1 + config->services[i].backends_count;
	return count;
}

static struct addr *addresses_of(const struct config *config, size_t *count)
{
	struct addr *all;

	*count = 0;
	all = calloc(count_addresses(config) + 1, sizeof(*all));
	for (size_t i = 0; all && i < config->services_count; i++) {
		const struct config_service *service = &config->services[i];

		all[(*count)++] = service->vip;
		for (size_t j = 0; j < service->backends_count; j++)
			all[(*count)++] = service->backends[j].address;
	}
	return all;
}

void interest_follow(struct controller *controller, const struct config *config)
{
	size_t count;
	struct addr *addresses = addresses_of(config, &count);
	int err = addresses ? rt_watch_interest(controller->watch, addresses, count) : -ENOMEM;

	if (!err)
		err = rt_query_interest(controller->query, addresses, count);
	free(addresses);
	if (err && !controller->unfiltered)
		log_warn("cannot filter the kernel's route events: %s; all of them are read%s",
			 strerror(-err), err == -EPERM ? " (it needs CAP_BPF)" : "");
	controller->unfiltered = err != 0;
}
