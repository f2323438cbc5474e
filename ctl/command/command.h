/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The command `shunt`: what its verbs (cmd_*.c) are given and what they share.
 *
 * A verb returns the exit status. It prints its result with the writer and its errors, once, to
 * stderr as "shunt: ...".
 */
#ifndef SHUNT_COMMAND_H
#define SHUNT_COMMAND_H

#include <jansson.h>
#include <stddef.h>

#include "writer.h"

/* Exit statuses; part of the contract. */
enum { STATUS_DONE = 0, STATUS_FAILED = 1, STATUS_USAGE = 2 };

#define COMMAND_SOCKET "/run/shunt/shunt.sock"
#define COMMAND_FILE   "/etc/shunt/shunt.yaml"

struct command;

struct verb {
	const char *name;
	const char *arguments; /* as the help shows them; "" for none */
	const char *help;      /* one line */
	size_t least, most;    /* number of arguments */
	int (*run)(const struct command *command);
	const char *options; /* that only it takes, besides those among `arguments`; "" for none */
};

struct command {
	const struct writer *writer;
	const char *socket;
	/* Values of options, for verbs that take them; else NULL. */
	const char *vip, *as, *dev, *size, *ttl;
	const struct verb *verbs; /* all, up to a NULL name */
	char *const *arguments;	  /* behind the verb */
	size_t arguments_count;
};

int cmd_status(const struct command *command);
int cmd_show(const struct command *command);
int cmd_events(const struct command *command);
int cmd_explain(const struct command *command);
int cmd_verify(const struct command *command);
int cmd_reload(const struct command *command);
int cmd_drain(const struct command *command);
int cmd_undrain(const struct command *command);
int cmd_doctor(const struct command *command);
int cmd_withdraw(const struct command *command);
int cmd_check(const struct command *command);
int cmd_down(const struct command *command);
int cmd_help(const struct command *command);
int cmd_version(const struct command *command);

/* Asks the daemon once. STATUS_DONE with its document, the caller's, in *out, or STATUS_FAILED with the
 * reason printed and *out untouched. Steals the request; NULL is "no memory". */
int command_ask(const struct command *command, json_t *request, json_t **out);
/* Sends the request and hands every document of the stream to the writer, as `text` shows it, till the
 * reader of stdout has gone (STATUS_DONE) or the daemon has (STATUS_FAILED, said). Steals the request. */
int command_follow(const struct command *command, json_t *request, void (*text)(FILE *out, json_t *event));

/* Says which verbs there are. STATUS_USAGE. */
int command_unknown_verb(const struct verb *verbs, const char *name);
/* "shunt: usage: shunt show ...", for a wrong number of arguments. STATUS_USAGE. */
int command_usage(const struct verb *verb);

#endif
