/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * `shunt help [VERB]`, `shunt version`, and what `shunt` alone says: the next thing to type.
 */
#include "command.h"

#include <string.h>

static int help_on(const struct verb *verb)
{
	printf("shunt %s%s%s%s%s\n    %s\n", verb->name, *verb->arguments ? " " : "", verb->arguments,
	       *verb->options ? " " : "", verb->options, verb->help);
	return STATUS_DONE;
}

static int width_of(const struct verb *verb)
{
	return (int)strlen(verb->name) + 1 + (int)strlen(verb->arguments);
}

static void print_verbs(const struct verb *verbs)
{
	int width = 0;

	for (const struct verb *verb = verbs; verb->name; verb++)
		width = width_of(verb) > width ? width_of(verb) : width;
	for (const struct verb *verb = verbs; verb->name; verb++)
		printf("  %s %s%*s  %s\n", verb->name, verb->arguments, width - width_of(verb), "",
		       verb->help);
}

int cmd_help(const struct command *command)
{
	if (command->arguments_count) {
		for (const struct verb *verb = command->verbs; verb->name; verb++) {
			if (!strcmp(verb->name, command->arguments[0]))
				return help_on(verb);
		}
		return command_unknown_verb(command->verbs, command->arguments[0]);
	}
	printf("shunt: routing-aware direct server return; the command of the daemon shuntd\n\n"
	       "usage: shunt [-j] [--socket PATH] VERB [ARGUMENT]\n\n");
	print_verbs(command->verbs);
	printf("\noptions\n"
	       "  -j, --json     one JSON document (events: one a line) instead of text\n"
	       "  --vip VIP      drain, undrain: a VIP in place of a backend\n"
	       "  --as KIND      explain: syn, ack; datagram, initial (QUIC)\n"
	       "  --dev NAME     explain: where the packet comes in\n"
	       "  --size BYTES   explain: of the frame\n"
	       "  --ttl TTL      explain: TTL or hop limit (64)\n"
	       "  --socket PATH  where the daemon listens (" COMMAND_SOCKET ")\n"
	       "  -h, --help     this text, or the verb's\n"
	       "  -V, --version  the version of this command\n\n"
	       "examples\n"
	       "  sudo shunt show backends\n"
	       "  shunt check /etc/shunt/shunt.yaml && sudo shunt reload\n");
	return STATUS_DONE;
}

static void print_version(FILE *out, json_t *document)
{
	fprintf(out, "shunt %s\n", json_string_value(json_object_get(document, "version")));
}

int cmd_version(const struct command *command)
{
	json_t *document = json_pack("{s:s}", "version", SHUNT_VERSION);

	command->writer->document(stdout, document, print_version);
	json_decref(document);
	return STATUS_DONE;
}
