/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The file, the daemon, and what the daemon says of interfaces, aliases, backends, next hops and adverts. See
 * doctor.h.
 */
#include "doctor.h"

#include <string.h>

#include <shunt/rt.h>

#include "config.h"
#include "file.h"

/* ---- the file -------------------------------------------------------------------------------- */

static void find_role(struct doctor *doctor)
{
	struct rt_query *query = NULL;
	struct rt_state *state = NULL;

	if (rt_query_open(&query) || rt_state_new(&state) || rt_state_load(state, query))
		doctor_note(doctor, VERDICT_FAIL, "role", "run it as root",
			    "the kernel's links and addresses cannot be read");
	else if (role_of(doctor->config, state, &doctor->role) == ROLE_AUTO)
		doctor_note(doctor, VERDICT_FAIL, "role",
			    "correct `interfaces:` or the backends' addresses, or set `role:`",
			    "this node has nothing to do: %s", doctor->role.reason);
	else
		doctor_note(doctor, VERDICT_OK, "role", "", "%s (%s)", role_name(doctor->role.role),
			    doctor->role.reason);
	rt_state_free(state);
	rt_query_close(query);
}

void doctor_file(struct doctor *doctor)
{
	struct file_error error;

	if (file_load(doctor->path, &doctor->config, &error)) {
		doctor->config = NULL;
		doctor_note(doctor, VERDICT_FAIL, "file", "correct it; `shunt check` shows the place",
			    "%s:%u:%u: %s", error.path, error.line, error.column, error.text);
		return;
	}
	doctor_note(doctor, VERDICT_OK, "file", "", "%s: %zu services", doctor->path,
		    doctor->config->services_count);
	find_role(doctor);
}

/* ---- the daemon ------------------------------------------------------------------------------ */

static json_t *ask(const struct doctor *doctor, const char *what)
{
	return doctor_ask(doctor, json_pack("{s:s, s:s}", "command", "show", "what", what));
}

static const char *text_of(const json_t *row, const char *key)
{
	const char *text = json_string_value(json_object_get(row, key));

	return text ? text : "";
}

/* A list of the daemon, whose rows are right in one state, and what is to be done where they are not. */
static const struct list {
	const char *what, *key, *right;
	enum verdict otherwise;
	const char *remedy;
} lists[] = {
	{"interfaces", "name", "attached", VERDICT_FAIL,
	 "see the reason, or take the interface out of `interfaces:`"},
	{"aliases", "vip", "installed", VERDICT_FAIL, "see the reason"},
	{"backends", "address", "active", VERDICT_WARN, "see the reason"},
	{"adverts", "vip", "advertised", VERDICT_WARN, "see the reason"},
};

static void check_list(struct doctor *doctor, const struct list *list, const json_t *rows)
{
	size_t right = 0, i;
	const json_t *row;

	json_array_foreach (rows, i, row) {
		const char *state = text_of(row, "state");

		if (!strcmp(state, list->right))
			right++;
		else
			doctor_note(doctor, list->otherwise, list->what, list->remedy, "%s is %s: %s",
				    text_of(row, list->key), state, text_of(row, "reason"));
	}
	if (right)
		doctor_note(doctor, VERDICT_OK, list->what, "", "%zu of %zu %s", right, json_array_size(rows),
			    list->right);
}

static void check_managed(struct doctor *doctor)
{
	json_t *rows = ask(doctor, "nexthops");
	size_t unmanaged = 0, i;
	const json_t *row;

	json_array_foreach (rows, i, row)
		unmanaged += json_is_false(json_object_get(row, "managed")) &&
			     strcmp(text_of(row, "state"), "permanent") != 0;
	if (unmanaged)
		doctor_note(doctor, VERDICT_WARN, "nexthops",
			    "use Linux 5.16 or later; until then shuntd asks again itself",
			    "the kernel does not keep %zu of %zu next hops resolved", unmanaged,
			    json_array_size(rows));
	else if (json_array_size(rows))
		doctor_note(doctor, VERDICT_OK, "nexthops", "", "the kernel keeps all %zu resolved",
			    json_array_size(rows));
	json_decref(rows);
}

/* A director that matches no interface carries no packet. */
static void check_any_interface(struct doctor *doctor, const json_t *rows)
{
	if (doctor->config && role_directs(doctor->role.role) && !json_array_size(rows))
		doctor_note(doctor, VERDICT_FAIL, "interfaces",
			    "correct the patterns: `ip -br link` lists names",
			    "no interface matches `interfaces:`");
}

/* The same of a backend that has no backend's address: `role:` has made it one. */
static void check_any_alias(struct doctor *doctor, const json_t *rows)
{
	if (doctor->config && role_serves(doctor->role.role) && !json_array_size(rows))
		doctor_note(doctor, VERDICT_WARN, "aliases",
			    "correct the backends' addresses or `role:`: `ip -br address` lists this node's",
			    "none of this node's addresses is a backend's: it serves no VIP");
}

void doctor_daemon(struct doctor *doctor)
{
	json_t *rows = ask(doctor, lists[0].what);

	if (!rows) {
		doctor_note(doctor, VERDICT_FAIL, "daemon",
			    "systemctl start shuntd, or name its --socket PATH",
			    "shuntd does not answer at %s", doctor->command->socket);
		return;
	}
	doctor_note(doctor, VERDICT_OK, "daemon", "", "shuntd answers at %s", doctor->command->socket);
	check_any_interface(doctor, rows);
	check_list(doctor, &lists[0], rows);
	doctor_offload(doctor, rows);
	json_decref(rows);
	for (size_t i = 1; i < sizeof(lists) / sizeof(lists[0]); i++) {
		rows = ask(doctor, lists[i].what);
		if (!strcmp(lists[i].what, "aliases"))
			check_any_alias(doctor, rows);
		check_list(doctor, &lists[i], rows);
		json_decref(rows);
	}
	check_managed(doctor);
	doctor->adverts = ask(doctor, "adverts");
}
