/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * `shunt down`: has the daemon take leave of the network, remove all that it has installed
 * (programs, pins, aliases, sysctls) and end. Stopping the daemon alone leaves the packets flowing.
 *
 * Taking leave lasts as long as `advertise: {wait:}` says: this waits until the daemon has ended.
 */
#include "command.h"
#include "client.h"

#include <time.h>

#define STEP_MS 20L
#define WAIT_MS 90000 /* more than the longest `wait` */

static void print_down(FILE *out, json_t *answer)
{
	(void)answer;
	fprintf(out, "down: shuntd has removed what it had installed, and ended\n");
}

static bool answers(const char *path)
{
	struct client *client;

	if (client_connect(path, &client))
		return false;
	client_close(client);
	return true;
}

/* The socket is closed when all has been removed. */
static bool ended(const char *path)
{
	const struct timespec step = {.tv_nsec = STEP_MS * 1000000};

	for (int waited = 0; waited < WAIT_MS; waited += STEP_MS) {
		if (!answers(path))
			return true;
		nanosleep(&step, NULL);
	}
	return false;
}

int cmd_down(const struct command *command)
{
	json_t *answer;
	int status = command_ask(command, json_pack("{s:s}", "command", "down"), &answer);

	if (status)
		return status;
	if (ended(command->socket)) {
		command->writer->document(stdout, answer, print_down);
	} else {
		fprintf(stderr, "shunt: the daemon has not ended for %d s; its log may say why\n",
			WAIT_MS / 1000);
		status = STATUS_FAILED;
	}
	json_decref(answer);
	return status;
}
