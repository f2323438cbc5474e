/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The command `shunt`: its verbs as a table, its options, and its exit status.
 *
 * Options are taken anywhere, before or behind the verb. Whatever a verb returns, the status is
 * 1 where its output could not be written, except to a pipe whose reader has had enough.
 */
#include "command.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static const struct verb verbs[] = {
	{"status", "", "what runs, and what became of the packets", 0, 0, cmd_status, ""},
	{"show", "LIST", "services, backends, nexthops, interfaces, aliases, adverts or flows", 1, 1,
	 cmd_show, ""},
	{"events", "", "live: dispatches (sampled), routing and state changes", 0, 0, cmd_events, ""},
	{"explain", "SRC:PORT VIP:PORT/PROTO", "ask the loaded program what it does with a packet, and why",
	 2, 2, cmd_explain, "[--as KIND] [--dev NAME] [--size BYTES] [--ttl TTL]"},
	{"verify", "", "compare the maps with the kernel now; status 1 where they differ", 0, 0, cmd_verify,
	 ""},
	{"drain", "BACKEND [SERVICE] | --vip VIP", "no new flows to a backend; or take leave with a VIP", 0,
	 2, cmd_drain, ""},
	{"undrain", "BACKEND [SERVICE] | --vip VIP", "end that", 0, 2, cmd_undrain, ""},
	{"reload", "", "read the file again; a broken one changes nothing", 0, 0, cmd_reload, ""},
	{"check", "FILE", "check a file, without the daemon", 1, 1, cmd_check, ""},
	{"doctor", "[FILE]", "what is missing on this node and beside it, and the remedy", 0, 1, cmd_doctor,
	 ""},
	{"withdraw", "[FILE]", "remove every advert, without the daemon; for when it stays dead", 0, 1,
	 cmd_withdraw, ""},
	{"down", "", "remove programs, pins and aliases, and end the daemon", 0, 0, cmd_down, ""},
	{"help", "[VERB]", "this text, or one verb's", 0, 1, cmd_help, ""},
	{"version", "", "the version of this command", 0, 0, cmd_version, ""},
	{0},
};

enum { VALUE_SOCKET, VALUE_VIP, VALUE_AS, VALUE_DEV, VALUE_SIZE, VALUE_TTL, VALUES };

/* Options that take a value; all but --socket belong to the verbs that name them. */
static const struct {
	const char *name, *usage;
} values[VALUES] = {
	[VALUE_SOCKET] = {"--socket", "--socket PATH"},
	[VALUE_VIP] = {"--vip", "--vip VIP"},
	[VALUE_AS] = {"--as", "--as syn, ack, datagram or initial"},
	[VALUE_DEV] = {"--dev", "--dev NAME"},
	[VALUE_SIZE] = {"--size", "--size BYTES"},
	[VALUE_TTL] = {"--ttl", "--ttl TTL"},
};

struct options {
	bool json, help, version;
	const char *value[VALUES];
};

#define FIRST_VALUE 256 /* what getopt returns for the first of `values` */

static int refuse(int option, const char *word)
{
	if (option == ':')
		fprintf(stderr, "shunt: %s needs a value: %s\n", word, values[optopt - FIRST_VALUE].usage);
	else if (optopt && word[1] != '-')
		fprintf(stderr, "shunt: unknown option -%c; try shunt --help\n", optopt);
	else
		fprintf(stderr, "shunt: unknown option %s; try shunt --help\n", word);
	return STATUS_USAGE;
}

/* Leaves optind at the first word that is no option; getopt has moved those to the front. */
static int parse_options(int argc, char **argv, struct options *out)
{
	static const struct option known[] = {
		{"json", no_argument, NULL, 'j'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		{"socket", required_argument, NULL, FIRST_VALUE + VALUE_SOCKET},
		{"vip", required_argument, NULL, FIRST_VALUE + VALUE_VIP},
		{"as", required_argument, NULL, FIRST_VALUE + VALUE_AS},
		{"dev", required_argument, NULL, FIRST_VALUE + VALUE_DEV},
		{"size", required_argument, NULL, FIRST_VALUE + VALUE_SIZE},
		{"ttl", required_argument, NULL, FIRST_VALUE + VALUE_TTL},
		{0},
	};
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, ":jhV", known, NULL)) != -1) {
		if (option == 'j')
			out->json = true;
		else if (option == 'h')
			out->help = true;
		else if (option == 'V')
			out->version = true;
		else if (option >= FIRST_VALUE)
			out->value[option - FIRST_VALUE] = optarg;
		else
			return refuse(option, argv[optind - 1]);
	}
	return STATUS_DONE;
}

/* The first option that the verb does not take, or NULL. */
static const char *foreign_option(const struct verb *verb, const struct options *options)
{
	for (int i = VALUE_VIP; i < VALUES; i++) {
		bool named = strstr(verb->arguments, values[i].name) || strstr(verb->options, values[i].name);

		if (options->value[i] && !named)
			return values[i].name;
	}
	return NULL;
}

/* Is what stands behind the verb what it takes? Says what is not. */
static bool fits(const struct verb *verb, const struct options *options, const struct command *command)
{
	const char *word = foreign_option(verb, options);

	if (!word && command->arguments_count > verb->most)
		word = command->arguments[verb->most];
	if (word)
		fprintf(stderr, "shunt: %s takes no '%s'\n", verb->name, word);
	return !word && command->arguments_count >= verb->least;
}

static int run(const struct options *options, char *const *words, size_t count)
{
	struct command command = {
		.writer = options->json ? &writer_json : &writer_text,
		.socket = options->value[VALUE_SOCKET],
		.vip = options->value[VALUE_VIP],
		.as = options->value[VALUE_AS],
		.dev = options->value[VALUE_DEV],
		.size = options->value[VALUE_SIZE],
		.ttl = options->value[VALUE_TTL],
		.verbs = verbs,
		.arguments = words,
		.arguments_count = count,
	};
	const struct verb *verb = verbs;

	if (options->version)
		return cmd_version(&command);
	if (!count || options->help)
		return cmd_help(&command);
	while (verb->name && strcmp(verb->name, words[0]))
		verb++;
	if (!verb->name)
		return command_unknown_verb(verbs, words[0]);
	command.arguments++;
	command.arguments_count--;
	if (!fits(verb, options, &command))
		return command_usage(verb);
	return verb->run(&command);
}

static int finish(int status)
{
	if (!fflush(stdout) && !ferror(stdout))
		return status;
	if (errno == EPIPE)
		return status;
	fprintf(stderr, "shunt: cannot write the output: %s\n", strerror(errno));
	return STATUS_FAILED;
}

int main(int argc, char **argv)
{
	struct options options = {.value[VALUE_SOCKET] = COMMAND_SOCKET};
	int status = parse_options(argc, argv, &options);

	if (status)
		return status;
	signal(SIGPIPE, SIG_IGN);
	return finish(run(&options, argv + optind, (size_t)(argc - optind)));
}
