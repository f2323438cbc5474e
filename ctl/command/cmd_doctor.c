/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * `shunt doctor [FILE]`: what is missing on this node and beside it, and the remedy. Status 1 where
 * something fails; what is only a warning may be meant so.
 */
#include "doctor.h"

#include "config.h"

static void print_findings(FILE *out, json_t *findings)
{
	const json_t *finding;
	size_t i;

	json_array_foreach (findings, i, finding) {
		char state[CELL_SIZE], check[CELL_SIZE], text[CELL_SIZE], remedy[CELL_SIZE];

		cell_value(finding, "state", state);
		cell_value(finding, "check", check);
		cell_value(finding, "text", text);
		cell_value(finding, "remedy", remedy);
		fprintf(out, "%-4s  %-10s  %s\n", state, check, text);
		if (remedy[0])
			fprintf(out, "%18s-> %s\n", "", remedy);
	}
}

int cmd_doctor(const struct command *command)
{
	struct doctor doctor = {.command = command, .findings = json_array()};

	doctor_place(&doctor);
	doctor_file(&doctor);
	doctor_daemon(&doctor);
	doctor_reach(&doctor);
	doctor_vips(&doctor);
	doctor_system(&doctor);
	doctor_routing(&doctor);
	command->writer->document(stdout, doctor.findings, print_findings);
	json_decref(doctor.findings);
	json_decref(doctor.adverts);
	json_decref(doctor.status);
	config_free(doctor.config);
	return doctor.failed ? STATUS_FAILED : STATUS_DONE;
}
