/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * `shunt down`: has the daemon remove all that it has installed (programs, pins, aliases,
 * sysctls) and end. Stopping the daemon alone leaves the packets flowing.
 */
#include "command.h"

static void print_down(FILE *out, json_t *answer)
{
	(void)answer;
	fprintf(out, "down: shuntd has removed what it had installed, and ends\n");
}

int cmd_down(const struct command *command)
{
	json_t *answer;
	int status = command_ask(command, json_pack("{s:s}", "command", "down"), &answer);

	if (status)
		return status;
	command->writer->document(stdout, answer, print_down);
	json_decref(answer);
	return STATUS_DONE;
}
