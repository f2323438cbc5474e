/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What all that examine something need: a place for findings, and the daemon's answers. See doctor.h.
 */
#include "doctor.h"

#include <stdarg.h>

#include "client.h"
#include "config.h"

#define ANSWER_MS 5000

static const char *const verdict_names[] = {
	[VERDICT_OK] = "ok",
	[VERDICT_WARN] = "warn",
	[VERDICT_FAIL] = "fail",
};

void doctor_note(struct doctor *doctor, enum verdict verdict, const char *check, const char *remedy,
		 const char *format, ...)
{
	char text[CELL_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	doctor->failed |= verdict == VERDICT_FAIL;
	json_array_append_new(doctor->findings,
			      json_pack("{s:s, s:s, s:s, s:s}", "check", check, "state",
					verdict_names[verdict], "text", text, "remedy", remedy));
}

bool doctor_advertises(const struct doctor *doctor)
{
	for (size_t i = 0; doctor->config && i < doctor->config->services_count; i++)
		if (doctor->config->services[i].advertise)
			return true;
	return false;
}

json_t *doctor_ask(const struct doctor *doctor, json_t *request)
{
	json_t *answer = NULL;
	struct client *client;

	if (request && !client_connect(doctor->command->socket, &client)) {
		if (client_request(client, request) || client_receive(client, ANSWER_MS, -1, &answer) <= 0)
			answer = NULL;
		client_close(client);
	}
	json_decref(request);
	return answer;
}
