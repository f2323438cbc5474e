/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The desired state as plain structs: how it is released, and how its values are called.
 *
 * Everybody who prints a value uses these names, so that output and file agree.
 */
#include "config.h"

#include <netinet/in.h>
#include <stdlib.h>

static void service_clear(struct config_service *service)
{
	free(service->name);
	free(service->ports);
	free(service->backends);
}

void config_free(struct config *config)
{
	if (!config)
		return;
	for (size_t i = 0; i < config->interfaces_count; i++)
		free(config->interfaces[i].match);
	for (size_t i = 0; i < config->services_count; i++)
		service_clear(&config->services[i]);
	free(config->interfaces);
	free(config->services);
	free(config);
}

enum forward config_remote(const struct config_service *service)
{
	return service->forward == FORWARD_AUTO ? service->remote : service->forward;
}

bool config_restores(const struct config_service *service)
{
	return config_remote(service) == FORWARD_L3;
}

bool config_tunnels(const struct config_service *service)
{
	return config_remote(service) == FORWARD_IPIP || config_remote(service) == FORWARD_GUE;
}

const char *forward_name(enum forward forward)
{
	static const char *const names[] = {
		[FORWARD_AUTO] = "auto", [FORWARD_L2] = "l2",	[FORWARD_L3] = "l3",
		[FORWARD_IPIP] = "ipip", [FORWARD_GUE] = "gue",
	};
	return names[forward];
}

const char *scheduler_name(enum scheduler scheduler)
{
	static const char *const names[] = {
		[SCHEDULER_MAGLEV] = "maglev",
		[SCHEDULER_RANDOM] = "random",
	};
	return names[scheduler];
}

const char *role_name(enum role role)
{
	static const char *const names[] = {
		[ROLE_AUTO] = "auto",
		[ROLE_DIRECTOR] = "director",
		[ROLE_BACKEND] = "backend",
		[ROLE_BOTH] = "both",
	};
	return names[role];
}

const char *attach_mode_name(enum attach_mode mode)
{
	static const char *const names[] = {
		[ATTACH_AUTO] = "auto",
		[ATTACH_NATIVE] = "native",
		[ATTACH_GENERIC] = "generic",
	};
	return names[mode];
}

const char *protocol_name(uint8_t protocol)
{
	return protocol == IPPROTO_UDP ? "udp" : "tcp";
}
