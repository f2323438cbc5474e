/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What shunt keeps on this node beside the tables: programs on interfaces, restore maps, aliases,
 * sysctls. See controller.h.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aliases.h"
#include "controller.h"
#include "interfaces.h"
#include "log.h"
#include "loop.h"
#include "macs.h"
#include "owns.h"
#include "restore.h"
#include "served.h"
#include "sysctls.h"

static void end_formers(void *arg)
{
	node_sync(arg);
}

int node_open(struct controller *controller)
{
	char saved[512];
	int err = loop_timer_add(controller->loop, end_formers, controller, &controller->former_timer);

	if (err)
		return err;

	if (snprintf(saved, sizeof(saved), "%s.saved", controller->options->socket) >= (int)sizeof(saved))
		return -ENAMETOOLONG;
	tell_interfaces(controller);
	if (!controller->interfaces || !controller->aliases)
		return -ENODEV;
	return sysctls_open(NULL, saved, &controller->sysctls);
}

/* What the rules have to say of a packet may depend on where it comes in. */
static void meet_ingress(struct controller *controller)
{
	const struct interface_row *rows = NULL;
	size_t count = interfaces_rows(controller->interfaces, &rows);
	bool changed = false;

	if (policy_meet(&controller->apply.policy, rows, count, controller->apply.state, &changed))
		log_error("cannot note the interfaces that packets come in by: out of memory");
	if (!changed)
		return;
	apply_mark_all(&controller->apply);
	controller_pass_next(controller);
}

void node_keep_formers(struct controller *controller)
{
	const struct config *config = controller->apply.model->config;
	const struct rt_state *state = controller->apply.state;
	struct role_view view;
	int err = formers_note(&controller->formers, controller->apply.dataplane, config, state,
			       role_of(config, state, &view), controller_now_ms());

	if (err)
		log_warn("cannot note what the former file had restored: %s", strerror(-err));
	if (controller->formers.count)
		log_note("l3 goes on being restored by %zu entries of the former file, for `idle`: directors "
			 "may read "
			 "this one later",
			 controller->formers.count);
}

static int sync_restores(struct controller *controller, enum role role, uint64_t *writes)
{
	const struct config *config = controller->apply.model->config;
	struct formers *formers = &controller->formers;
	uint64_t now = controller_now_ms(), next = formers_expire(formers, now);
	int err = restore_sync(controller->apply.dataplane, config, controller->apply.state, role, formers,
			       writes);

	/* What the file says goes first where the map is full. */
	if (err == -E2BIG && formers->count) {
		log_warn("no room to go on restoring what the former file had");
		formers_clear(formers);
		next = 0;
		err = restore_sync(controller->apply.dataplane, config, controller->apply.state, role,
				   formers, writes);
	}
	loop_timer_set(controller->former_timer, next ? next - now : 0, 0);
	return err;
}

/* Of the interfaces as they are now. */
static void sync_owns(struct controller *controller)
{
	const struct interface_row *rows = NULL;
	size_t count = interfaces_rows(controller->interfaces, &rows);
	uint64_t writes = 0;
	int err = owns_sync(controller->apply.dataplane, controller->apply.model->config,
			    controller->apply.state, rows, count, &writes);

	tables_add_writes(controller->apply.tables, writes);
	if (err)
		log_error("cannot write whom ICMP errors come from: %s; trying again", strerror(-err));
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

	if (macs_sync(dataplane_port(controller->apply.dataplane)->macs, state, &writes))
		log_error("cannot list the MAC addresses of this node: out of memory; trying again");
	/* A packet that arrives by the new program must find what it restores to. */
	err = sync_restores(controller, role, &writes);
	if (!err)
		err = served_sync(controller->apply.dataplane, config, state, role, &writes);
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
	sync_owns(controller);
	if (node_take_natives(controller)) {
		apply_all_nexthops(&controller->apply);
		controller_pass_next(controller);
	}
	meet_ingress(controller);
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
	free(controller->natives.ifindexes);
	loop_timer_remove(controller->former_timer);
	formers_clear(&controller->formers);
}
