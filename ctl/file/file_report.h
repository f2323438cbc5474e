/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where in the file, and what is wrong there. For file*.c only.
 */
#ifndef SHUNT_FILE_REPORT_H
#define SHUNT_FILE_REPORT_H

#include <stddef.h>
#include <stdint.h>

#include "file.h"

/* From 1; line 0 means nowhere. A column is a character (code point), not a byte. */
struct place {
	uint32_t line, column;
};

/* The text that is being read, and where its error goes. All borrowed. */
struct report {
	const char *path;
	const char *text; /* `size` bytes, no byte order mark in front; not terminated */
	size_t size;
	struct file_error *error;
};

/* Fills the error, with the line's excerpt. Returns -EINVAL, for `return report_fail(...)`. */
int report_fail(const struct report *report, struct place at, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* The same about the file as a whole; returns `code`, which is -errno. */
int report_fail_whole(const struct report *report, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Is the text UTF-8 without control characters, and indented with blanks? 0 or report_fail. */
int report_check_text(const struct report *report);

#define SHOW_SIZE 48

/* A value of the file as an error quotes it: unprintable bytes as '?', cut where too long. */
const char *report_show(const char *value, char out[static SHOW_SIZE]);

#endif
