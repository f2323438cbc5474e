/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What is served so far stands in the tables, be it of the model before or of a former run; from there the
 * owners follow (succession.h). Who comes away empty handed from a split gets copies of what he was part of.
 */
#include "inherit.h"

#include <errno.h>
#include <stdlib.h>

#include "tables.h"

#define ROOM 16 /* to begin with */

struct gathering {
	struct ancestor *all;
	size_t count, room;
	int err;
};

static void gather(const struct addr *vip, const struct config_port *port, uint64_t owner, void *arg)
{
	struct gathering *gathering = arg;
	struct ancestor *all = gathering->all;

	if (gathering->count == gathering->room) {
		all = reallocarray(all, 2 * gathering->room, sizeof(*all));
		if (!all) {
			gathering->err = -ENOMEM;
			return;
		}
		gathering->all = all;
		gathering->room *= 2;
	}
	all[gathering->count++] = (struct ancestor){.vip = *vip, .port = *port, .owner = owner};
}

static int copy_origins(const struct config *config, struct tables *tables,
			const struct succession *succession)
{
	int err = 0;

	for (size_t i = 0; !err && i < config->services_count; i++) {
		const struct inheritance *service = &succession->services[i];

		if (service->origin)
			err = tables_copy_owner(tables, service->origin, service->owner);
	}
	return err;
}

/* Where both rings say the same, nothing is. */
static int find_lost(struct tables *tables, struct succession *succession)
{
	for (size_t i = 0; i < succession->heirs_count; i++) {
		struct heir *heir = &succession->heirs[i];
		uint64_t owner = succession->services[heir->service].owner;
		int agree = heir->lost ? tables_rings_agree(tables, heir->ancestor->owner, owner) : 0;

		if (agree < 0)
			return agree;
		heir->lost &= !agree;
	}
	return 0;
}

int inherit(const struct config *config, struct tables *tables, struct succession *out)
{
	struct gathering gathering = {.all = calloc(ROOM, sizeof(*gathering.all)), .room = ROOM};
	struct succession found;
	int err;

	if (!gathering.all)
		return -ENOMEM;
	tables_each_service(tables, gather, &gathering);
	err = gathering.err;
	if (!err)
		err = succession_find(config, gathering.all, gathering.count, &found);
	if (err) {
		free(gathering.all);
		return err;
	}
	err = copy_origins(config, tables, &found);
	if (!err)
		err = find_lost(tables, &found);
	if (err) {
		succession_free(&found);
		return err;
	}
	*out = found;
	return 0;
}
