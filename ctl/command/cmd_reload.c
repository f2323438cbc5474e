/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * `shunt reload`: has the daemon read its file again. A file that it refuses changes nothing, and
 * the answer is the error with its place.
 */
#include "command.h"

/* Every number of the answer: "reloaded: services 2, backends 4". */
static void print_reload(FILE *out, json_t *answer)
{
	const char *before = ": ";
	const char *key;
	const json_t *value;

	fprintf(out, "reloaded");
	for (void *at = json_object_iter(answer); at; at = json_object_iter_next(answer, at)) {
		key = json_object_iter_key(at);
		value = json_object_iter_value(at);
		if (!json_is_integer(value))
			continue;
		fprintf(out, "%s%s %" JSON_INTEGER_FORMAT, before, key, json_integer_value(value));
		before = ", ";
	}
	fputc('\n', out);
}

int cmd_reload(const struct command *command)
{
	json_t *answer;
	int status = command_ask(command, json_pack("{s:s}", "command", "reload"), &answer);

	if (status)
		return status;
	command->writer->document(stdout, answer, print_reload);
	json_decref(answer);
	return STATUS_DONE;
}
