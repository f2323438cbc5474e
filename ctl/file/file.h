/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The file: YAML text in, a `struct config` or one error with its place out.
 */
#ifndef SHUNT_FILE_H
#define SHUNT_FILE_H

#include <stddef.h>

struct config;

/* Where and why a file was refused, and what to do about it. Plain text, no allocation. */
struct file_error {
	char path[256];
	unsigned line, column; /* from 1; 0 where the file as a whole is meant (cannot be opened) */
	char text[320];	       /* "unknown key 'bakends'; did you mean 'backends'?" */
	char excerpt[256];     /* the line itself, tabs as blanks, cut where too long; may be empty */
};

/* Reads and checks a file. 0 and *out (config_free), or -errno with *error filled: -EINVAL for
 * what the file says, else why it could not be read. */
int file_load(const char *path, struct config **out, struct file_error *error);
/* The same for text in memory; `path` is only used in the error. */
int file_parse(const char *path, const char *text, size_t size, struct config **out,
	       struct file_error *error);

/* Two or three lines: "path:line:col: text", the excerpt, a caret. Returns the length written,
 * at most size - 1. */
size_t file_error_format(const struct file_error *error, char *out, size_t size);

#endif
