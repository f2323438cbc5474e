/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What libyaml could not read, in our words. For file_reader.c only.
 */
#ifndef SHUNT_FILE_SYNTAX_H
#define SHUNT_FILE_SYNTAX_H

#include "file_report.h"

struct syntax_problem {
	const char *what; /* libyaml's text */
	struct place at;
	const char *context; /* "while scanning a quoted scalar", or NULL */
	struct place context_at;
};

/* Reports it with the remedy for its usual cause. Returns -EINVAL. */
int syntax_fail(const struct report *report, const struct syntax_problem *problem);

#endif
