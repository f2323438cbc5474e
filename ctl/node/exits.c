/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The interfaces that packets may be redirected to: the map `egress`. See controller.h.
 *
 * They are those at the bottom of the next hops' links (egress.h), whether the neighbour is known or not.
 * Where XDP cannot send by the link of a route, or redirected frames would be lost there, the packet path
 * must not find an entry: it then goes through the kernel. Which links receive natively decides that too.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "controller.h"
#include "interfaces.h"
#include "log.h"

bool node_take_natives(struct controller *controller)
{
	const struct interface_row *rows;
	size_t count = interfaces_rows(controller->interfaces, &rows), found = 0;
	int *ifindexes = calloc(count + 1, sizeof(*ifindexes));
	bool same;

	if (!ifindexes) {
		log_error("cannot list the interfaces in native mode: %s", strerror(ENOMEM));
		return false;
	}
	for (size_t i = 0; i < count; i++) {
		if (rows[i].state == INTERFACE_ATTACHED && rows[i].mode == ATTACH_NATIVE &&
		    rows[i].program != INTERFACE_BACKEND)
			ifindexes[found++] = rows[i].ifindex;
	}
	same = found == controller->natives.count &&
	       (!found || !memcmp(ifindexes, controller->natives.ifindexes, found * sizeof(*ifindexes)));
	free(controller->natives.ifindexes);
	controller->natives = (struct natives){ifindexes, found};
	return !same;
}

/* ---- what the map is to hold ---------------------------------------------------------------- */

struct exits {
	const struct apply *apply;
	char *want;
	size_t count, room, size; /* entries; bytes of each */
};

/* {ifindex, struct bpf_devmap_val}: the interface, and no program to run there. */
static void make_entry(uint32_t ifindex, char *entry)
{
	memcpy(entry, &ifindex, sizeof(ifindex));
	memcpy(entry + sizeof(ifindex), &ifindex, sizeof(ifindex));
}

/* Without room it is only counted. */
static void add_exit(int ifindex, void *arg)
{
	struct exits *exits = arg;

	if (exits->count < exits->room)
		make_entry((uint32_t)ifindex, exits->want + exits->count * exits->size);
	exits->count++;
}

static void add_exit_of(struct table_nexthop *nexthop, void *arg)
{
	const struct exits *exits = arg;
	int ifindex = resolve_exit(tables_nexthop_key(nexthop), exits->apply->state, exits->apply->natives);

	if (ifindex)
		add_exit(ifindex, arg);
}

static int compare_entries(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(uint32_t));
}

static size_t once(struct exits *exits)
{
	size_t kept = 0;

	qsort(exits->want, exits->count, exits->size, compare_entries);
	for (size_t i = 0; i < exits->count; i++) {
		const char *entry = exits->want + i * exits->size;

		if (!kept || compare_entries(exits->want + (kept - 1) * exits->size, entry))
			memmove(exits->want + kept++ * exits->size, entry, exits->size);
	}
	return kept;
}

int node_want_egress(const struct controller *controller, struct dataplane_entries *out)
{
	struct exits exits = {
		.apply = &controller->apply,
		.room = tables_nexthop_count(controller->apply.tables),
		.size = dataplane_entry_size(HASH_EGRESS),
	};

	exits.want = calloc(exits.room + 1, exits.size);
	if (!exits.want)
		return -ENOMEM;
	tables_each_nexthop(controller->apply.tables, add_exit_of, &exits);
	*out = (struct dataplane_entries){exits.want, once(&exits)};
	return 0;
}

/* ---- writing it ----------------------------------------------------------------------------- */

/* A link may vanish just before its event comes, which then brings us here again. */
static void say_failed(int err)
{
	if (err && err != -ENODEV && err != -EINVAL)
		log_error("cannot write the egress map: %s", strerror(-err));
}

void node_sync_egress(struct controller *controller)
{
	struct tables *tables = controller->apply.tables;
	struct exits exits = {.size = dataplane_entry_size(HASH_EGRESS)};
	uint64_t writes = 0;

	tables_each_exit(tables, add_exit, &exits);
	exits.room = exits.count;
	exits.count = 0;
	exits.want = calloc(exits.room + 1, exits.size);
	if (!exits.want) {
		log_error("cannot list the egress interfaces: %s", strerror(ENOMEM));
		return;
	}
	tables_each_exit(tables, add_exit, &exits);
	say_failed(
		dataplane_sync(controller->apply.dataplane, HASH_EGRESS, exits.want, once(&exits), &writes));
	tables_add_writes(tables, writes);
	free(exits.want);
}

void node_open_exit(uint32_t ifindex, void *arg)
{
	struct controller *controller = arg;
	char entry[64] = {0};

	make_entry(ifindex, entry);
	say_failed(dataplane_put(controller->apply.dataplane, HASH_EGRESS, entry));
	tables_add_writes(controller->apply.tables, 1);
}
