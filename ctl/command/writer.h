/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Output of the command: the same documents for people (aligned tables) or for programs (JSON).
 *
 * A verb hands over the daemon's document and how people see it; which of the two happens is
 * the writer's choice. Errors of the stream stay in it (ferror).
 */
#ifndef SHUNT_WRITER_H
#define SHUNT_WRITER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "cell.h"

/* RIGHT is for numbers, REST for the free text of a last column: only there an empty cell stays empty. */
struct column {
	const char *title; /* NULL ends the columns */
	const char *key;   /* of the value in the row, for `format` */
	void (*format)(const json_t *row, const char *key, char out[static CELL_SIZE]);
	enum { LEFT, RIGHT, REST } align;
};

struct table {
	const struct column *columns;
	const char *empty; /* what is said in place of a table without rows; NULL: nothing */
};

struct writer {
	/* One document; `text` shows it to people. */
	void (*document)(FILE *out, json_t *document, void (*text)(FILE *out, json_t *document));
	/* A document that is a list of objects. */
	void (*list)(FILE *out, const json_t *list, const struct table *table);
	/* One document of a stream: one line. */
	void (*event)(FILE *out, json_t *event, void (*text)(FILE *out, json_t *event));
	/* A refusal, which people have already read on stderr. */
	void (*failure)(FILE *out, json_t *document);
};

extern const struct writer writer_text;
extern const struct writer writer_json;

/* The text writer's `list`, for verbs whose text holds a table beside other things. Columns are as wide as
 * their content, two blanks apart; an empty cell shows as "-". */
void table_print(FILE *out, const json_t *list, const struct table *table);

#endif
