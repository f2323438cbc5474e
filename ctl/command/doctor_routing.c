/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A routing daemon beside a director: is it there, does it take up shunt's routes, has a neighbour been
 * told of the VIPs. See doctor.h.
 *
 * FRR and BIRD are asked by their own commands, at the sockets that their processes were started with.
 */
#include "doctor.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <shunt/addr.h>

#include "config.h"

#define OUTPUT_SIZE (256 * 1024)

struct asking {
	struct doctor *doctor;
	char socket[PROCESS_ARGUMENT_SIZE]; /* of the daemon; "" for its usual one */
	char output[OUTPUT_SIZE];
};

static bool contains(const char *text, const char *what)
{
	return strstr(text, what) != NULL;
}

/* ---- FRR ------------------------------------------------------------------------------------- */

static int vtysh(struct asking *asking, const char *command)
{
	char name[] = "vtysh", socket[] = "--vty_socket", config[] = "--config_dir", execute[] = "-c";
	char line[PROCESS_ARGUMENT_SIZE];
	char *usual[] = {name, execute, line, NULL};
	char *there[] = {name, socket, asking->socket, config, asking->socket, execute, line, NULL};

	snprintf(line, sizeof(line), "%s", command);
	return process_output(asking->socket[0] ? there : usual, asking->output, sizeof(asking->output));
}

static void bgp_told(struct asking *asking, const struct addr *vip, const char *text)
{
	char command[PROCESS_ARGUMENT_SIZE];

	snprintf(command, sizeof(command), "show bgp %s unicast %s/%d json",
		 vip->family == ADDR_IPV4 ? "ipv4" : "ipv6", text, (int)addr_size(vip) * 8);
	if (vtysh(asking, command) || !contains(asking->output, "\"paths\""))
		doctor_note(asking->doctor, VERDICT_FAIL, "bgp",
			    "see `show route-map` in vtysh: it must let the metrics of `advertise:` through",
			    "bgpd does not have %s", text);
	else if (!contains(asking->output, "advertisedTo"))
		doctor_note(
			asking->doctor, VERDICT_FAIL, "bgp",
			"see `show bgp summary` in vtysh: is a session established, and does a filter stop "
			"it?",
			"bgpd has told no neighbour of %s", text);
	else
		doctor_note(asking->doctor, VERDICT_OK, "bgp", "", "a neighbour has been told of %s", text);
}

static void ospf_told(struct asking *asking, const struct addr *vip, const char *text)
{
	bool four = vip->family == ADDR_IPV4;

	if (vtysh(asking, four ? "show ip ospf database external self-originate"
			       : "show ipv6 ospf6 database as-external detail") ||
	    !contains(asking->output, text))
		doctor_note(asking->doctor, VERDICT_FAIL, "ospf",
			    "see `show route-map` in vtysh: it must let the metrics of `advertise:` through",
			    "%s does not originate %s", four ? "ospfd" : "ospf6d", text);
	else if (vtysh(asking, four ? "show ip ospf neighbor" : "show ipv6 ospf6 neighbor") ||
		 !contains(asking->output, "Full"))
		doctor_note(asking->doctor, VERDICT_FAIL, "ospf",
			    "compare area, timers and MTU with the neighbour's",
			    "%s has no neighbour that has been told of %s", four ? "ospfd" : "ospf6d", text);
	else
		doctor_note(asking->doctor, VERDICT_OK, "ospf", "", "a neighbour has been told of %s", text);
}

/* FRR's daemons that could carry a VIP. */
static const struct carrier {
	const char *process;
	int family; /* 0: both */
	void (*told)(struct asking *asking, const struct addr *vip, const char *text);
} carriers[] = {
	{"bgpd", 0, bgp_told},
	{"ospfd", ADDR_IPV4, ospf_told},
	{"ospf6d", ADDR_IPV6, ospf_told},
};

/* Each advertised VIP, by the daemon's own word. */
static void each_vip(struct asking *asking, int family,
		     void (*told)(struct asking *asking, const struct addr *vip, const char *text))
{
	size_t i;
	const json_t *row;

	json_array_foreach (asking->doctor->adverts, i, row) {
		const char *text = json_string_value(json_object_get(row, "vip"));
		const char *state = json_string_value(json_object_get(row, "state"));
		struct addr vip;

		if (text && state && !addr_parse(text, &vip) && strcmp(state, "withdrawn") != 0 &&
		    (!family || family == vip.family))
			told(asking, &vip, text);
	}
}

static bool redistributes(struct asking *asking)
{
	struct doctor *doctor = asking->doctor;
	int err = vtysh(asking, "show running-config");

	if (err) {
		doctor_note(doctor, VERDICT_WARN, "frr", "install frr, or run as root or in the group frrvty",
			    "vtysh cannot be asked: %s", strerror(-err));
		return false;
	}
	if (contains(asking->output, "redistribute kernel")) {
		doctor_note(doctor, VERDICT_OK, "frr", "", "redistributes kernel routes");
		return true;
	}
	doctor_note(doctor, VERDICT_FAIL, "frr",
		    "add `redistribute kernel route-map ...`: examples/frr-bgp and examples/frr-ospf have it "
		    "whole",
		    "does not redistribute kernel routes, so no VIP leaves this node");
	return false;
}

static void check_frr(struct asking *asking)
{
	char ignored[PROCESS_ARGUMENT_SIZE];
	bool any = false;

	if (asking->doctor->config->advertise.table != 254)
		doctor_note(asking->doctor, VERDICT_FAIL, "frr", "leave `advertise: {table:}` at main",
			    "FRR redistributes the main table, but adverts go to table %u",
			    asking->doctor->config->advertise.table);
	if (!redistributes(asking))
		return;
	for (size_t i = 0; i < sizeof(carriers) / sizeof(carriers[0]); i++) {
		if (!process_find(carriers[i].process, "", ignored))
			continue;
		any = true;
		each_vip(asking, carriers[i].family, carriers[i].told);
	}
	if (!any)
		doctor_note(asking->doctor, VERDICT_FAIL, "frr", "enable bgpd or ospfd in /etc/frr/daemons",
			    "zebra runs, but neither bgpd nor ospfd nor ospf6d");
}

/* ---- BIRD ------------------------------------------------------------------------------------ */

static int birdc(struct asking *asking, const char *command)
{
	char name[] = "birdc", restricted[] = "-r", socket[] = "-s", line[PROCESS_ARGUMENT_SIZE];
	char *usual[] = {name, restricted, line, NULL};
	char *there[] = {name, restricted, socket, asking->socket, line, NULL};

	snprintf(line, sizeof(line), "%s", command);
	return process_output(asking->socket[0] ? there : usual, asking->output, sizeof(asking->output));
}

/* The next protocol of `show protocols` that speaks to neighbours and is up. */
static bool next_protocol(char **at, char name[static 64])
{
	char kind[16], table[64], state[16], since[32], rest[128];

	for (char *line; (line = strsep(at, "\n"));) {
		int got = sscanf(line, "%63s %15s %63s %15s %31s %127[^\n]", name, kind, table, state, since,
				 rest);

		if (got >= 5 && (!strcmp(kind, "BGP") || !strcmp(kind, "OSPF")) && !strcmp(state, "up"))
			return true;
	}
	return false;
}

static bool bird_exports(struct asking *asking, const char *prefix)
{
	char *protocols, command[PROCESS_ARGUMENT_SIZE], name[64], *at;
	bool found = false;

	if (birdc(asking, "show protocols"))
		return false;
	at = protocols = strdup(asking->output);
	while (!found && at && next_protocol(&at, name)) {
		snprintf(command, sizeof(command), "show route %s export %s", prefix, name);
		found = !birdc(asking, command) && contains(asking->output, prefix);
	}
	free(protocols);
	return found;
}

static void bird_told(struct asking *asking, const struct addr *vip, const char *text)
{
	char prefix[ADDR_TEXT_SIZE + 8], command[PROCESS_ARGUMENT_SIZE];

	snprintf(prefix, sizeof(prefix), "%s/%d", text, (int)addr_size(vip) * 8);
	snprintf(command, sizeof(command), "show route %s", prefix);
	if (birdc(asking, command) || !contains(asking->output, prefix))
		doctor_note(
			asking->doctor, VERDICT_FAIL, "bird",
			"give the kernel protocol `learn;` and `import all;`, and the table of `advertise:`",
			"has not learnt %s", text);
	else if (!bird_exports(asking, prefix))
		doctor_note(asking->doctor, VERDICT_FAIL, "bird",
			    "see `show protocols` in birdc, and the export filter: examples/bird-bgp has one",
			    "no neighbour has been told of %s", text);
	else
		doctor_note(asking->doctor, VERDICT_OK, "bird", "", "a neighbour has been told of %s", text);
}

static void check_bird(struct asking *asking)
{
	int err = birdc(asking, "show status");

	if (err)
		doctor_note(asking->doctor, VERDICT_WARN, "bird", "run it as root",
			    "birdc cannot be asked: %s", strerror(-err));
	else
		each_vip(asking, 0, bird_told);
}

void doctor_routing(struct doctor *doctor)
{
	static struct asking asking; /* too large for the stack; the command is one run */
	bool any = false;

	if (!role_directs(doctor->role.role) || !doctor_advertises(doctor))
		return;
	asking.doctor = doctor;
	if (process_find("zebra", "--vty_socket", asking.socket)) {
		any = true;
		doctor_note(doctor, VERDICT_OK, "routing", "", "FRR runs");
		check_frr(&asking);
	}
	if (process_find("bird", "-s", asking.socket)) {
		any = true;
		doctor_note(doctor, VERDICT_OK, "routing", "", "BIRD runs");
		check_bird(&asking);
	}
	if (!any)
		doctor_note(
			doctor, VERDICT_FAIL, "routing",
			"install and start FRR or BIRD: examples/frr-bgp, frr-ospf and bird-bgp are ready",
			"no routing daemon runs in this network namespace: the VIPs go nowhere");
}
