/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What belongs to no backend, against what it should be: the maps of VIPs, of egress links and of
 * what a backend restores, each as a whole, and the aliases. For verify.c and the audit.
 */
#include <stdlib.h>
#include <string.h>

#include "aliases.h"
#include "controller.h"
#include "interfaces.h"
#include "macs.h"
#include "owns.h"
#include "restore.h"
#include "served.h"
#include "verification.h"

/* One hash map as a whole. */
static void check_entries(struct verification *verification, const char *map, enum dataplane_hash hash,
			  int err, struct dataplane_entries *want)
{
	char have[64];
	size_t differences = 0;

	if (!err) {
		err = dataplane_compare(verification->controller->apply.dataplane, hash, want->all,
					want->count, &differences);
		free(want->all);
	}
	if (err)
		snprintf(have, sizeof(have), "%s", strerror(-err));
	else
		snprintf(have, sizeof(have), "%zu missing or wrong entries", differences);
	verification_compare(verification, "map", map, "0 missing or wrong entries", have);
}

/* By a wrong ring in one packets would go astray; one that is missing or empty costs them time. */
static void check_guesses(struct verification *verification)
{
	const struct apply *apply = &verification->controller->apply;
	const struct port *port = dataplane_port(apply->dataplane);
	struct sh_guess *want = apply_want_guesses(apply);
	uint32_t wrong = 0;
	char have[64] = "out of memory";

	for (uint32_t i = 0; want && i < port->guesses_size; i++)
		wrong += memcmp(&port->guesses[i], &want[i], sizeof(want[i])) != 0;
	if (want)
		snprintf(have, sizeof(have), "%u missing or wrong entries", wrong);
	verification_compare(verification, "map", "guesses", "0 missing or wrong entries", have);
	free(want);
}

/* By the records that they follow, whatever those are. */
static void check_lanes(struct verification *verification)
{
	const struct port *port = dataplane_port(verification->controller->apply.dataplane);
	uint32_t wrong = 0;
	char have[64];

	for (uint32_t i = 1; i < port->backends_size && i < port->lanes_size; i++) {
		const struct sh_backend *backend = &port->backends[i];
		struct sh_lane want;

		lane_want(port, backend->given_up ? 0 : backend->how, &want);
		wrong += !lane_is(port, i, &want);
	}
	snprintf(have, sizeof(have), "%u missing or wrong entries", wrong);
	verification_compare(verification, "map", "lanes", "0 missing or wrong entries", have);
}

/* Who speaks for each VIP, and whether it answers. */
static void check_echo(struct verification *verification)
{
	const struct apply *apply = &verification->controller->apply;
	const struct port *port = dataplane_port(apply->dataplane);
	struct dataplane_entries entries = {0};
	int err = apply_want_addresses(apply, &entries);
	bool *want = apply_want_answers(apply);
	const struct model *model = apply->model;
	char have[64] = "out of memory";
	uint32_t wrong = 0;

	check_entries(verification, "addresses", HASH_ADDRESSES, err, &entries);
	for (size_t i = 0; want && i < model->services_count; i++)
		wrong += port->services[tables_service_index(model->services[i].entries[0])].answers !=
			 want[i];
	if (want)
		snprintf(have, sizeof(have), "%u wrong", wrong);
	verification_compare(verification, "echo", "answers", "0 wrong", have);
	free(want);
}

/* A frame to a MAC that is missing here would pass. */
static void check_macs(struct verification *verification)
{
	const struct port *port = dataplane_port(verification->controller->apply.dataplane);
	char have[64] = "out of memory";
	uint32_t wrong;

	if (!macs_compare(port->macs, verification->state, &wrong))
		snprintf(have, sizeof(have), "%u missing or wrong entries", wrong);
	verification_compare(verification, "map", "macs", "0 missing or wrong entries", have);
}

static void check_vips(struct verification *verification, const char *name, enum dataplane_hash hash)
{
	struct dataplane_entries want = {0};
	int err = apply_want_vips(&verification->controller->apply, hash, &want);

	check_entries(verification, name, hash, err, &want);
}

static void check_vips4(struct verification *verification)
{
	check_vips(verification, "vips4", HASH_VIPS4);
}

static void check_vips6(struct verification *verification)
{
	check_vips(verification, "vips6", HASH_VIPS6);
}

static void check_restores(struct verification *verification)
{
	static const struct {
		const char *name;
		enum dataplane_hash hash;
	} restores[] = {{"restore4", HASH_RESTORE4}, {"restore6", HASH_RESTORE6}};
	const struct controller *controller = verification->controller;
	struct dataplane_entries want = {0};

	for (size_t i = 0; i < 2; i++) {
		int err = restore_want(controller->apply.model->config, verification->state,
				       controller->role.role, restores[i].hash, &controller->formers, &want);

		check_entries(verification, restores[i].name, restores[i].hash, err, &want);
	}
}

static void check_ids(struct verification *verification)
{
	struct dataplane_entries want = {0};
	int err = apply_want_quic_ids(&verification->controller->apply, &want);

	check_entries(verification, "quic_ids", HASH_QUIC_IDS, err, &want);
}

static void check_served(struct verification *verification)
{
	const struct controller *controller = verification->controller;
	struct dataplane_entries want = {0};
	int err = served_want(controller->apply.model->config, verification->state, controller->role.role,
			      &want);

	check_entries(verification, "served", HASH_SERVED, err, &want);
}

static void check_egress(struct verification *verification)
{
	struct dataplane_entries want = {0};
	int err = node_want_egress(verification->controller, &want);

	check_entries(verification, "egress", HASH_EGRESS, err, &want);
}

static void check_owns(struct verification *verification)
{
	const struct controller *controller = verification->controller;
	const struct interface_row *rows = NULL;
	size_t count = interfaces_rows(controller->interfaces, &rows);
	struct dataplane_entries want = {0};
	int err = owns_want(controller->apply.model->config, verification->state, rows, count, &want);

	check_entries(verification, "owns", HASH_OWNS, err, &want);
}

static void check_tunnel(struct verification *verification)
{
	const struct apply *apply = &verification->controller->apply;
	const struct sh_knobs *knobs = dataplane_port(apply->dataplane)->knobs;
	struct sh_tunnel want;

	apply_want_tunnel(apply, &want);
	verification_compare(verification, "tunnel", "knobs", "as wanted",
			     memcmp(&want, &knobs->tunnels[knobs->tunnel], sizeof(want)) ? "another source"
											 : "as wanted");
}

/* A VIP that this node serves is on its loopback, or it would refuse its packets. */
static void check_aliases(struct verification *verification)
{
	const struct alias_row *rows;
	size_t count = aliases_rows(verification->controller->aliases, &rows);
	char vip[ADDR_TEXT_SIZE];

	for (size_t i = 0; i < count; i++)
		verification_compare(verification, "alias", addr_format(&rows[i].vip, vip), "installed",
				     rt_state_addr(verification->state, &rows[i].vip) ? "installed"
										      : "missing");
}

bool verification_node(struct verification *verification)
{
	static void (*const checks[])(struct verification * verification) = {
		check_vips4, check_vips6,  check_restores, check_guesses, check_lanes,
		check_echo,  check_ids,	   check_macs,	   check_served,  check_egress,
		check_owns,  check_tunnel, check_aliases,
	};

	checks[verification->node++](verification);
	return verification->node < sizeof(checks) / sizeof(checks[0]);
}
