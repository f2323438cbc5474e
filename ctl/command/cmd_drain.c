/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * `shunt drain` and `shunt undrain`: a backend, in one service or in all that have it; or a VIP.
 *
 * A drained backend takes no new flows. A drained VIP is advertised with the drain metric for a
 * while, and then withdrawn: other directors take over. Both last until undrain, through reloads
 * and restarts of the daemon.
 */
#include "command.h"

#include <string.h>

static void print_nothing_more(FILE *out, json_t *answer)
{
	fprintf(out, "done: %" JSON_INTEGER_FORMAT " marked\n",
		json_integer_value(json_object_get(answer, "marked")));
}

static const struct verb *verb_named(const struct command *command, const char *name)
{
	const struct verb *verb = command->verbs;

	while (strcmp(verb->name, name) != 0)
		verb++;
	return verb;
}

static int ask(const struct command *command, const char *name)
{
	json_t *request = json_pack("{s:s}", "command", name), *answer;
	int status;

	if (command->vip)
		json_object_set_new(request, "vip", json_string(command->vip));
	else
		json_object_set_new(request, "backend", json_string(command->arguments[0]));
	if (command->arguments_count == 2)
		json_object_set_new(request, "service", json_string(command->arguments[1]));
	status = command_ask(command, request, &answer);
	if (status)
		return status;
	command->writer->document(stdout, answer, print_nothing_more);
	json_decref(answer);
	return STATUS_DONE;
}

static int drain(const struct command *command, const char *name)
{
	/* Either a VIP alone, or a backend. */
	if ((command->vip != NULL) == (command->arguments_count > 0))
		return command_usage(verb_named(command, name));
	return ask(command, name);
}

int cmd_drain(const struct command *command)
{
	return drain(command, "drain");
}

int cmd_undrain(const struct command *command)
{
	return drain(command, "undrain");
}
