/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A config into tables. See controller.h.
 *
 * Where it fits into the maps in use, a new model is built beside the old: records that both
 * need stay as they are, so only differences are written. Where it does not, or the program must
 * change, a whole new dataplane is filled and the interfaces are switched to it, each in one
 * step. Either way what was there goes only after what is new serves.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <bpf/libbpf.h>

#include "controller.h"
#include "file.h"
#include "log.h"
#include "restore.h"

/* What is replaced, until the new is in use. */
struct former {
	struct model *model;
	struct tables *tables;
	struct dataplane *dataplane;
	enum role loaded;
};

static struct former remember(const struct controller *controller)
{
	return (struct former){controller->apply.model, controller->apply.tables, controller->apply.dataplane,
			       controller->loaded};
}

static void put_back(struct controller *controller, const struct former *former)
{
	controller->apply.model = former->model;
	controller->apply.tables = former->tables;
	managed_use(&controller->managed, former->tables);
	controller->apply.dataplane = former->dataplane;
	controller->loaded = former->loaded;
}

static void released(struct table_nexthop *nexthop, void *arg)
{
	managed_release(arg, nexthop);
}

/* Fills the tables from a model that is new to them. The kernel is asked about every backend. */
static int fill(struct controller *controller)
{
	int err;

	drain_members(controller);
	err = controller_follow_rules(controller);
	if (!err)
		err = apply_pass(&controller->apply);
	controller_await_end(controller);
	managed_tell(&controller->managed);
	if (!err)
		err = apply_copy_flows(&controller->apply);
	if (!err)
		err = apply_services(&controller->apply);
	if (!err)
		err = apply_copy_flows(&controller->apply);
	return err;
}

/* All that the model says is to be asked about, and stored where it differs. */
static void mark_stored(struct controller *controller)
{
	agenda_mark_all(&controller->apply.model->rings);
	apply_mark_all(&controller->apply);
}

/* Its slots, services and VIPs are stored again from it. What was to take its place lets go of its config. */
static void go_back_to(struct controller *controller, struct model *former)
{
	controller->apply.model->config = NULL;
	controller->apply.model = former;
	mark_stored(controller);
	(void)fill(controller);
}

static int build_beside(struct controller *controller, struct config *config)
{
	struct former former = remember(controller);
	struct model *model;
	int err = model_new(config, role_directs(controller->loaded), former.tables, &model);

	if (!err) {
		controller->apply.model = model;
		err = fill(controller);
		if (err)
			go_back_to(controller, former.model);
		model_free(err ? model : former.model, former.tables);
	}
	/* Copies that nobody asked for. */
	tables_sweep(former.tables);
	if (err)
		return err;
	node_sync_egress(controller);
	node_keep_formers(controller);
	node_sync(controller);
	return 0;
}

static void sizes_of(const struct controller *controller, const struct config *config, enum role role,
		     struct dataplane_sizes *sizes)
{
	model_sizes(config, role_directs(role), sizes);
	restore_sizes(config, controller->apply.state, sizes);
	sizes->services <<= controller->growth;
	sizes->slots <<= controller->growth;
	sizes->backends <<= controller->growth;
	sizes->quic_ids <<= controller->growth;
	sizes->paths <<= controller->growth;
	sizes->nexthops <<= controller->growth;
}

static int open_anew(struct controller *controller, struct config *config, enum role role)
{
	struct dataplane_sizes sizes;
	int err;

	sizes_of(controller, config, role, &sizes);
	controller->apply.model = NULL;
	controller->apply.tables = NULL;
	controller->apply.dataplane = NULL;
	err = dataplane_open(controller->options->pin_dir, &sizes, role == ROLE_BOTH,
			     &controller->apply.dataplane);
	if (!err)
		err = tables_new(dataplane_port(controller->apply.dataplane), &controller->apply.tables);
	if (err)
		return err;
	managed_use(&controller->managed, controller->apply.tables);
	controller->loaded = role;
	tables_on_release(controller->apply.tables, released, &controller->managed);
	err = model_new(config, role_directs(role), controller->apply.tables, &controller->apply.model);
	return err ? err : fill(controller);
}

static void drop(struct model *model, struct tables *tables, struct dataplane *dataplane)
{
	/* Its records live on in the tables that took its place, or are adopted by the next start. */
	if (tables)
		tables_leave(tables);
	model_free(model, tables);
	tables_free(tables);
	dataplane_close(dataplane);
}

static int build_anew(struct controller *controller, struct config *config, enum role role)
{
	struct former former = remember(controller);
	int err = open_anew(controller, config, role);

	if (err) {
		if (controller->apply.model)
			controller->apply.model->config = NULL;
		drop(controller->apply.model, controller->apply.tables, controller->apply.dataplane);
		put_back(controller, &former);
		return err;
	}
	tables_sweep(controller->apply.tables);
	node_sync_egress(controller);
	node_keep_formers(controller);
	node_sync(controller);
	/* Without pins packets flow all the same, but the next start begins afresh: logged there. */
	(void)dataplane_commit(controller->apply.dataplane);
	if (former.dataplane && former.model->config == config)
		former.model->config = NULL;
	ring_buffer__free(controller->dispatches);
	controller->dispatches = NULL;
	drop(former.model, former.tables, former.dataplane);
	controller->generation++;
	return tell_dispatches_open(controller);
}

/* Paths and next hops are as many as the kernel's routes have it; backends that are gone from the file, rings
 * that were larger, and what was given up and still rests, need room, too: where they do not fit, in larger
 * maps. */
static int build_growing(struct controller *controller, struct config *config, enum role role)
{
	int err = build_anew(controller, config, role);

	while (err == -ENOSPC && controller->growth < GROWTH_MAX) {
		controller->growth++;
		err = build_anew(controller, config, role);
	}
	return err;
}

static bool must_build_anew(const struct controller *controller, const struct config *config, enum role role)
{
	struct dataplane_sizes sizes;

	sizes_of(controller, config, role, &sizes);
	return !controller->apply.dataplane || role != controller->loaded ||
	       !dataplane_fits(controller->apply.dataplane, &sizes);
}

bool load_fits(const struct controller *controller)
{
	return !must_build_anew(controller, controller->apply.model->config, controller->loaded);
}

/* Events about what the former config tracks may have been kept out meanwhile. */
static void go_back(struct controller *controller)
{
	if (!controller->apply.model)
		return;
	interest_follow(controller, controller->apply.model->config);
	mark_stored(controller);
	controller_pass_soon(controller);
}

int load_config(struct controller *controller, struct config *config)
{
	struct role_view role;
	enum role before = controller->role.role;
	int err = -ENOSPC;

	role_of(config, controller->apply.state, &role);
	advertise_before(controller, config);
	interest_follow(controller, config);
	if (!must_build_anew(controller, config, role.role))
		err = build_beside(controller, config);
	if (err == -ENOSPC)
		err = build_growing(controller, config, role.role);
	controller_settle_soon(controller);
	if (err) {
		log_error("cannot load %zu services: %s", config->services_count, strerror(-err));
		go_back(controller);
		advertise_sync(controller);
		return err;
	}
	tell_succession(controller);
	drain_tell_lost(controller);
	succession_free(&controller->apply.model->succession);
	advertise_sync(controller);
	audit_follow(&controller->audit, config->audit);
	if (before != role.role || !controller->control)
		log_note("role: %s (%s)", role_name(role.role), role.reason);
	return 0;
}

int load_again(struct controller *controller)
{
	int err = build_growing(controller, controller->apply.model->config, controller->role.role);

	advertise_sync(controller);
	audit_follow(&controller->audit, controller->apply.model->config->audit);
	return err;
}

int load_file(struct controller *controller, char *text, size_t size)
{
	struct file_error error;
	struct config *config;
	int err = file_load(controller->options->file, &config, &error);

	if (err) {
		size_t length = file_error_format(&error, text, size);

		if (length && text[length - 1] == '\n')
			text[length - 1] = '\0';
		log_error("%.*s; the running state is unchanged", (int)strcspn(text, "\n"), text);
		return err;
	}
	err = load_config(controller, config);
	if (err) {
		snprintf(text, size, "cannot load %s: %s; the former state stays", controller->options->file,
			 strerror(-err));
		config_free(config);
		return err;
	}
	controller->reloads++;
	tell_reload(controller);
	return 0;
}

void load_free(struct controller *controller)
{
	ring_buffer__free(controller->dispatches);
	apply_give_up_ring(&controller->apply);
	drop(controller->apply.model, controller->apply.tables, controller->apply.dataplane);
	controller->dispatches = NULL;
	policy_free(&controller->apply.policy);
	controller->apply = (struct apply){0};
}
