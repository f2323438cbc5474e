/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * `shunt status`: the daemon in a few lines, and what became of the packets.
 */
#include "command.h"

static const struct column reasons_columns[] = {
	{"REASON", "name", cell_value, LEFT},
	{"PACKETS", "packets", cell_value, RIGHT},
	{"BYTES", "bytes", cell_bytes, RIGHT},
	{"MEANING", "words", cell_value, REST},
	{0},
};

/* A new list of the reasons that have counted something; NULL for want of memory. */
static json_t *counted(const json_t *reasons)
{
	json_t *list = json_array(), *reason;
	size_t i;

	json_array_foreach (reasons, i, reason) {
		if (json_integer_value(json_object_get(reason, "packets")) > 0)
			json_array_append(list, reason);
	}
	return list;
}

static void print_reasons(FILE *out, const json_t *status)
{
	static const struct table table = {reasons_columns, "no packets yet"};
	json_t *list = counted(json_object_get(status, "reasons"));

	fputc('\n', out);
	table_print(out, list, &table);
	json_decref(list);
}

static void print_line(FILE *out, const json_t *status, const char *title, const char *key)
{
	char text[CELL_SIZE];

	cell_value(status, key, text);
	fprintf(out, "%-11s %s\n", title, text);
}

static void print_backends(FILE *out, const json_t *status)
{
	json_int_t all = json_integer_value(json_object_get(status, "backends"));
	json_int_t active = json_integer_value(json_object_get(status, "active"));

	fprintf(out, "%-11s %" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT " active%s\n", "backends",
		active, all, active < all ? " (shunt show backends says why)" : "");
}

static void print_netlink(FILE *out, const json_t *netlink)
{
	char events[CELL_SIZE], overruns[CELL_SIZE], unparsed[CELL_SIZE], asks[CELL_SIZE];

	cell_value(netlink, "events", events);
	cell_value(netlink, "overruns", overruns);
	cell_value(netlink, "unparsed", unparsed);
	cell_value(netlink, "asks", asks);
	fprintf(out, "%-11s %s events (%s), %s overruns, %s unparsed, %s questions\n", "netlink", events,
		json_is_true(json_object_get(netlink, "filter")) ? "filtered" : "not filtered", overruns,
		unparsed, asks);
}

static void print_audit(FILE *out, const json_t *audit)
{
	char runs[CELL_SIZE], found[CELL_SIZE], interval[CELL_SIZE];

	cell_value(audit, "runs", runs);
	cell_value(audit, "found", found);
	cell_duration(audit, "interval", interval);
	if (json_number_value(json_object_get(audit, "interval")) > 0)
		fprintf(out, "%-11s every %s, %s so far, %s found missed\n", "audit", interval, runs, found);
	else
		fprintf(out, "%-11s off\n", "audit");
}

static void print_adverts(FILE *out, const json_t *adverts)
{
	char vips[CELL_SIZE], returned[CELL_SIZE];

	cell_value(adverts, "vips", vips);
	cell_value(adverts, "put_back", returned);
	fprintf(out, "%-11s %s, %s put back\n", "adverts", vips, returned);
}

static void print_status(FILE *out, json_t *status)
{
	char version[CELL_SIZE], role[CELL_SIZE], pid[CELL_SIZE], uptime[CELL_SIZE];

	cell_value(status, "version", version);
	cell_value(status, "role", role);
	cell_value(status, "pid", pid);
	cell_duration(status, "uptime", uptime);
	fprintf(out, "shuntd %s, role %s, pid %s, up %s\n\n", version, role, pid, uptime);
	print_line(out, status, "file", "file");
	print_line(out, status, "reloads", "reloads");
	print_line(out, status, "interfaces", "interfaces");
	print_line(out, status, "services", "services");
	print_backends(out, status);
	print_line(out, status, "next hops", "nexthops");
	print_line(out, status, "aliases", "aliases");
	print_line(out, status, "generation", "generation");
	print_line(out, status, "map writes", "map_writes");
	print_netlink(out, json_object_get(status, "netlink"));
	print_audit(out, json_object_get(status, "audit"));
	print_adverts(out, json_object_get(status, "adverts"));
	print_reasons(out, status);
}

int cmd_status(const struct command *command)
{
	json_t *answer;
	int status = command_ask(command, json_pack("{s:s}", "command", "status"), &answer);

	if (status)
		return status;
	command->writer->document(stdout, answer, print_status);
	json_decref(answer);
	return STATUS_DONE;
}
