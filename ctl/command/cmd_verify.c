/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * `shunt verify`: do the maps agree with what the kernel says now? Exit status 1 where not.
 */
#include "command.h"

static const struct column columns[] = {
	{"WHAT", "what", cell_value, LEFT},
	{"WHERE", "where", cell_value, LEFT},
	{"WANT", "want", cell_value, LEFT},
	{"HAVE", "have", cell_value, LEFT},
	{0},
};

static json_int_t count_of(const json_t *answer)
{
	return json_integer_value(json_object_get(answer, "count"));
}

static void print_verify(FILE *out, json_t *answer)
{
	static const struct table table = {columns, NULL};
	json_int_t count = count_of(answer);

	table_print(out, json_object_get(answer, "differences"), &table);
	fprintf(out, "%" JSON_INTEGER_FORMAT " difference%s (%" JSON_INTEGER_FORMAT " checked)\n", count,
		count == 1 ? "" : "s", json_integer_value(json_object_get(answer, "checked")));
}

int cmd_verify(const struct command *command)
{
	json_t *answer;
	int status = command_ask(command, json_pack("{s:s}", "command", "verify"), &answer);

	if (status)
		return status;
	command->writer->document(stdout, answer, print_verify);
	/* An answer without a count has shown nothing to be right. */
	if (!json_is_integer(json_object_get(answer, "count")) || count_of(answer) > 0)
		status = STATUS_FAILED;
	json_decref(answer);
	return status;
}
