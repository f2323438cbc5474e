/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What shunt keeps on this node beside the tables: programs on interfaces, restore maps, aliases,
 * sysctls, and the set of interfaces that packets may leave by. See controller.h.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aliases.h"
#include "controller.h"
#include "interfaces.h"
#include "log.h"
#include "restore.h"
#include "sysctls.h"

int node_open(struct controller *controller)
{
	char saved[512];

	if (snprintf(saved, sizeof(saved), "%s.saved", controller->options->socket) >= (int)sizeof(saved))
		return -ENAMETOOLONG;
	tell_interfaces(controller);
	if (!controller->interfaces || !controller->aliases)
		return -ENODEV;
	return sysctls_open(NULL, saved, &controller->sysctls);
}

void node_sync(struct controller *controller)
{
	const struct config *config = controller->apply.model->config;
	const struct rt_state *state = controller->apply.state;
	enum role role = role_of(config, state, &controller->role);
	const struct interface_programs programs = {
		.director = dataplane_director_fd(controller->apply.dataplane),
		.backend = dataplane_backend_fd(controller->apply.dataplane),
	};
	uint64_t writes = 0;
	int err;

	/* A packet that arrives by the new program must find what it restores to. */
	err = restore_sync(controller->apply.dataplane, config, state, role, &writes);
	tables_add_writes(controller->apply.tables, writes);
	if (err)
		log_error("cannot write the restore maps: %s", strerror(-err));
	/* Each of these logs what failed; the audit calls again. */
	(void)sysctls_sync(controller->sysctls, role_serves(role));
	err = aliases_sync(controller->aliases, config, state, role, controller->query);
	if (err)
		log_error("cannot keep aliases: %s", strerror(-err));
	err = interfaces_sync(controller->interfaces, config, state, role, &programs);
	if (err)
		log_error("cannot keep programs on interfaces: %s; trying again", strerror(-err));
}

struct egress {
	char *want;
	size_t count, size;
};

static void add_egress(struct table_nexthop *nexthop, void *arg)
{
	struct egress *egress = arg;
	uint32_t ifindex = (uint32_t)tables_nexthop_key(nexthop)->ifindex;
	char *entry = egress->want + egress->count++ * egress->size;

	/* struct bpf_devmap_val: the interface, and no program to run there. */
	memcpy(entry, &ifindex, sizeof(ifindex));
	memcpy(entry + sizeof(ifindex), &ifindex, sizeof(ifindex));
}

static int compare_entries(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(uint32_t));
}

/* Leaves out what is there twice, and links that are gone: the kernel refuses those. */
static size_t present_once(const struct rt_state *state, struct egress *egress)
{
	size_t kept = 0;

	qsort(egress->want, egress->count, egress->size, compare_entries);
	for (size_t i = 0; i < egress->count; i++) {
		const char *entry = egress->want + i * egress->size;
		int ifindex;

		memcpy(&ifindex, entry, sizeof(ifindex));
		if (!rt_state_link(state, ifindex) ||
		    (kept && !compare_entries(egress->want + (kept - 1) * egress->size, entry)))
			continue;
		memmove(egress->want + kept++ * egress->size, entry, egress->size);
	}
	return kept;
}

int node_want_egress(const struct controller *controller, struct dataplane_entries *out)
{
	struct egress egress = {.size = dataplane_entry_size(HASH_EGRESS)};

	egress.want = calloc(tables_nexthop_count(controller->apply.tables) + 1, egress.size);
	if (!egress.want)
		return -ENOMEM;
	tables_each_nexthop(controller->apply.tables, add_egress, &egress);
	*out = (struct dataplane_entries){egress.want, present_once(controller->apply.state, &egress)};
	return 0;
}

void node_sync_egress(struct controller *controller)
{
	struct dataplane_entries want;
	uint64_t writes = 0;
	int err = node_want_egress(controller, &want);

	if (err) {
		log_error("cannot list the egress interfaces: %s", strerror(-err));
		return;
	}
	err = dataplane_sync(controller->apply.dataplane, HASH_EGRESS, want.all, want.count, &writes);
	tables_add_writes(controller->apply.tables, writes);
	/* A link may vanish just before its event comes, which then brings us here again. */
	if (err && err != -ENODEV && err != -EINVAL)
		log_error("cannot write the egress map: %s", strerror(-err));
	free(want.all);
}

void node_down(struct controller *controller)
{
	interfaces_down(controller->interfaces);
	(void)aliases_down(controller->aliases, controller->apply.state, controller->query);
	(void)sysctls_down(controller->sysctls);
}

void node_close(struct controller *controller)
{
	interfaces_close(controller->interfaces);
	aliases_free(controller->aliases);
	sysctls_close(controller->sysctls);
}
