/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * `shunt show WHAT`: one list of the daemon as a table. What can be shown, and which columns
 * people get to see, is data.
 */
#include "command.h"
#include "file_near.h"

#include <string.h>

static const struct column services_columns[] = {
	{"SERVICE", "name", cell_value, LEFT},	      {"VIP", "vip", cell_vip, LEFT},
	{"SCHEDULER", "scheduler", cell_value, LEFT}, {"BACKENDS", "backends", cell_value, RIGHT},
	{"ACTIVE", "active", cell_value, RIGHT},      {"PACKETS", "packets", cell_value, RIGHT},
	{"BYTES", "bytes", cell_bytes, RIGHT},	      {0},
};

static const struct column backends_columns[] = {
	{"SERVICE", "service", cell_value, LEFT},  {"BACKEND", "address", cell_value, LEFT},
	{"WEIGHT", "weight", cell_value, RIGHT},   {"FORWARD", "forward", cell_value, LEFT},
	{"STATE", "state", cell_value, LEFT},	   {"PATH", "paths", cell_paths, LEFT},
	{"PACKETS", "packets", cell_value, RIGHT}, {"BYTES", "bytes", cell_bytes, RIGHT},
	{"REASON", "reason", cell_value, REST},	   {0},
};

static const struct column nexthops_columns[] = {
	{"NEXTHOP", "nexthop", cell_value, LEFT},
	{"DEV", "dev", cell_value, LEFT},
	{"STATE", "state", cell_value, LEFT},
	{"DST-MAC", "dst_mac", cell_value, LEFT},
	{"SRC-MAC", "src_mac", cell_value, LEFT},
	{"EGRESS", "egress", cell_value, LEFT},
	{"VLAN", "vlan", cell_value, RIGHT},
	{"MTU", "mtu", cell_value, RIGHT},
	{"BACKENDS", "backends", cell_value, RIGHT},
	{"MANAGED", "managed", cell_value, LEFT},
	{0},
};

static const struct column interfaces_columns[] = {
	{"INTERFACE", "name", cell_value, LEFT},
	{"IFINDEX", "ifindex", cell_value, RIGHT},
	{"ROLE", "role", cell_value, LEFT},
	{"MODE", "mode", cell_value, LEFT},
	{"STATE", "state", cell_value, LEFT},
	{"REASON", "reason", cell_value, REST},
	{0},
};

static const struct column aliases_columns[] = {
	{"VIP", "vip", cell_value, LEFT},
	{"DEV", "dev", cell_value, LEFT},
	{"STATE", "state", cell_value, LEFT},
	{"REASON", "reason", cell_value, LEFT},
	{0},
};

static const struct column adverts_columns[] = {
	{"VIP", "vip", cell_value, LEFT},
	{"STATE", "state", cell_value, LEFT},
	{"METRIC", "metric", cell_value, RIGHT},
	{"REASON", "reason", cell_value, REST},
	{0},
};

static const struct column flows_columns[] = {
	{"CLIENT", "client", cell_client, LEFT},
	{"VIP", "vip", cell_vip, LEFT},
	{"SERVICE", "service", cell_value, LEFT},
	{"BACKEND", "backend", cell_value, LEFT},
	{0},
};

static const struct {
	const char *what;
	struct table table;
} lists[] = {
	{"services", {services_columns, "no services"}},
	{"backends", {backends_columns, "no backends"}},
	{"nexthops", {nexthops_columns, "no next hops"}},
	{"interfaces", {interfaces_columns, "no interface carries a program of shunt"}},
	{"aliases", {aliases_columns, "no aliases: none of this node's addresses is a backend's"}},
	{"adverts", {adverts_columns, "no adverts: no service of a director says `advertise: true`"}},
	{"flows",
	 {flows_columns, "no flows: only slots in transition and `scheduler: random` remember them"}},
};

#define LISTS (sizeof(lists) / sizeof(*lists))

static int unknown_list(const char *what)
{
	const char *names[LISTS];
	char advice[NEAR_TEXT_SIZE];

	for (size_t i = 0; i < LISTS; i++)
		names[i] = lists[i].what;
	fprintf(stderr, "shunt: cannot show '%s'; %s\n", what, near_advice(what, names, LISTS, advice));
	return STATUS_USAGE;
}

static int show(const struct command *command, const struct table *table, const char *what)
{
	json_t *list;
	int status = command_ask(command, json_pack("{s:s,s:s}", "command", "show", "what", what), &list);

	if (status)
		return status;
	command->writer->list(stdout, list, table);
	json_decref(list);
	return STATUS_DONE;
}

int cmd_show(const struct command *command)
{
	const char *what = command->arguments[0];

	for (size_t i = 0; i < LISTS; i++) {
		if (!strcmp(lists[i].what, what))
			return show(command, &lists[i].table, what);
	}
	return unknown_list(what);
}
