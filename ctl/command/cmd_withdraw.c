/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * `shunt withdraw [FILE]`: removes every advert without the daemon, by the protocol of the file.
 *
 * For a daemon that stays dead: adverts outlive a crash, so that a restart loses nothing, and
 * somebody has to end them when there is none (shunt-withdraw.service does). A file that cannot be
 * read is no reason to go on attracting traffic: then the default protocol's go.
 */
#include "command.h"

#include <string.h>

#include <shunt/rt.h>

#include "adverts.h"
#include "config.h"
#include "file.h"

static uint8_t protocol_of(const char *path)
{
	uint32_t protocol = ADVERTISE_DEFAULTS.protocol;
	struct file_error error;
	struct config *config;
	char text[2048];

	if (file_load(path, &config, &error)) {
		file_error_format(&error, text, sizeof(text));
		fprintf(stderr, "%sshunt: going on with the default protocol, %u\n", text, protocol);
		return (uint8_t)protocol;
	}
	protocol = config->advertise.protocol;
	config_free(config);
	return (uint8_t)protocol;
}

static void print_count(FILE *out, json_t *result)
{
	fprintf(out, "withdrawn: %" JSON_INTEGER_FORMAT " routes with protocol %" JSON_INTEGER_FORMAT "\n",
		json_integer_value(json_object_get(result, "withdrawn")),
		json_integer_value(json_object_get(result, "protocol")));
}

int cmd_withdraw(const struct command *command)
{
	uint8_t protocol = protocol_of(command->arguments_count ? command->arguments[0] : COMMAND_FILE);
	struct rt_query *query;
	json_t *result;
	size_t count = 0;
	int err = rt_query_open(&query);

	if (!err) {
		err = adverts_sweep(query, protocol, &count);
		rt_query_close(query);
	}
	if (err) {
		fprintf(stderr, "shunt: cannot remove the routes with protocol %u: %s\n", protocol,
			strerror(-err));
		return STATUS_FAILED;
	}
	result = json_pack("{s:I, s:i}", "withdrawn", (json_int_t)count, "protocol", protocol);
	command->writer->document(stdout, result, print_count);
	json_decref(result);
	return STATUS_DONE;
}
