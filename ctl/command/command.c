/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the verbs of the command share: talking to the daemon, and the words for what goes wrong
 * on the way, each with its remedy.
 */
#include "command.h"
#include "client.h"
#include "file_near.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ANSWER_MS 30000
#define VERBS_MAX 32

static void cannot_connect(const char *path, int error)
{
	fprintf(stderr, "shunt: cannot connect to %s: %s", path, strerror(-error));
	if (error == -ENOENT || error == -ECONNREFUSED || error == -ENOTDIR)
		fprintf(stderr, "; is shuntd running? (systemctl status shuntd, or --socket PATH)\n");
	else if (error == -EACCES || error == -EPERM)
		fprintf(stderr, "; only root may: try again with sudo\n");
	else
		fprintf(stderr, "; --socket PATH names another\n");
}

/* The daemon was there, but did not answer. */
static void no_answer(const char *path, int error)
{
	static const char log[] = "its log may say why (journalctl -u shuntd)";

	if (error == 0 || error == -ECONNRESET || error == -EPIPE)
		fprintf(stderr, "shunt: the daemon closed the connection; %s\n", log);
	else if (error == -ETIMEDOUT)
		fprintf(stderr, "shunt: the daemon has not answered for %d s; %s\n", ANSWER_MS / 1000, log);
	else if (error == -EPROTO)
		fprintf(stderr,
			"shunt: what answers at %s does not speak JSON; --socket PATH names another\n", path);
	else
		fprintf(stderr, "shunt: cannot ask the daemon: %s\n", strerror(-error));
}

/* Connects and sends; *out is the caller's. STATUS_DONE, or STATUS_FAILED and said. Steals the request. */
static int request_from(const struct command *command, json_t *request, struct client **out)
{
	struct client *client;
	int error = client_connect(command->socket, &client);

	if (error) {
		json_decref(request);
		cannot_connect(command->socket, error);
		return STATUS_FAILED;
	}
	error = request ? client_request(client, request) : -ENOMEM;
	json_decref(request);
	/* A daemon that refuses and closes early has still said why: that is read next. */
	if (error && error != -EPIPE) {
		no_answer(command->socket, error);
		client_close(client);
		return STATUS_FAILED;
	}
	*out = client;
	return STATUS_DONE;
}

static bool ends_line(const char *text)
{
	size_t length = strlen(text);

	return length && text[length - 1] == '\n';
}

/* Says an {"error": text}, in JSON where that was asked for. STATUS_FAILED, or STATUS_DONE where it is none.
 */
static int check_refusal(const struct command *command, json_t *answer)
{
	const char *text = json_string_value(json_object_get(answer, "error"));

	if (!text)
		return STATUS_DONE;
	fprintf(stderr, "shunt: %s%s", text, ends_line(text) ? "" : "\n");
	command->writer->failure(stdout, answer);
	return STATUS_FAILED;
}

int command_ask(const struct command *command, json_t *request, json_t **out)
{
	struct client *client;
	json_t *answer;
	int status = request_from(command, request, &client);
	int result;

	if (status)
		return status;
	result = client_receive(client, ANSWER_MS, -1, &answer);
	client_close(client);
	if (result <= 0) {
		no_answer(command->socket, result);
		return STATUS_FAILED;
	}
	status = check_refusal(command, answer);
	if (status)
		json_decref(answer);
	else
		*out = answer;
	return status;
}

int command_follow(const struct command *command, json_t *request, void (*text)(FILE *out, json_t *event))
{
	struct client *client;
	json_t *event;
	int status = request_from(command, request, &client);
	int result = 1;

	if (status)
		return status;
	while (status == STATUS_DONE && (result = client_receive(client, -1, STDOUT_FILENO, &event)) > 0) {
		status = check_refusal(command, event);
		if (!status)
			command->writer->event(stdout, event, text);
		json_decref(event);
		if (fflush(stdout))
			break; /* main says why, unless it is a closed pipe */
	}
	client_close(client);
	if (result > 0 || result == -EPIPE)
		return status;
	no_answer(command->socket, result);
	return STATUS_FAILED;
}

int command_unknown_verb(const struct verb *verbs, const char *name)
{
	const char *names[VERBS_MAX];
	char advice[NEAR_TEXT_SIZE];
	size_t count = 0;

	while (count < VERBS_MAX && verbs[count].name) {
		names[count] = verbs[count].name;
		count++;
	}
	fprintf(stderr, "shunt: unknown verb '%s'; %s\n", name, near_advice(name, names, count, advice));
	return STATUS_USAGE;
}

int command_usage(const struct verb *verb)
{
	fprintf(stderr, "shunt: usage: shunt %s%s%s%s%s [-j] [--socket PATH]: %s\n", verb->name,
		*verb->arguments ? " " : "", verb->arguments, *verb->options ? " " : "", verb->options,
		verb->help);
	return STATUS_USAGE;
}
