/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * `shunt check FILE`: reads a file as the daemon would, without the daemon.
 */
#include "command.h"
#include "config.h"
#include "file.h"

static size_t backends_of(const struct config *config)
{
	size_t count = 0;

	for (size_t i = 0; i < config->services_count; i++)
		count += config->services[i].backends_count;
	return count;
}

static void print_ok(FILE *out, json_t *result)
{
	fprintf(out, "%s: ok, %" JSON_INTEGER_FORMAT " services, %" JSON_INTEGER_FORMAT " backends\n",
		json_string_value(json_object_get(result, "file")),
		json_integer_value(json_object_get(result, "services")),
		json_integer_value(json_object_get(result, "backends")));
}

static int accepted(const struct command *command, const char *path, const struct config *config)
{
	json_t *result = json_pack("{s:s,s:b,s:I,s:I}", "file", path, "ok", 1, "services",
				   (json_int_t)config->services_count, "backends",
				   (json_int_t)backends_of(config));

	command->writer->document(stdout, result, print_ok);
	json_decref(result);
	return STATUS_DONE;
}

static int refused(const struct command *command, const char *path, const struct file_error *error)
{
	char text[2048];
	json_t *result = json_pack("{s:s,s:b,s:i,s:i,s:s}", "file", path, "ok", 0, "line", (int)error->line,
				   "column", (int)error->column, "error", error->text);

	file_error_format(error, text, sizeof(text));
	fputs(text, stderr);
	command->writer->failure(stdout, result);
	json_decref(result);
	return STATUS_FAILED;
}

int cmd_check(const struct command *command)
{
	const char *path = command->arguments[0];
	struct config *config;
	struct file_error error;
	int status;

	if (file_load(path, &config, &error))
		return refused(command, path, &error);
	status = accepted(command, path, config);
	config_free(config);
	return status;
}
