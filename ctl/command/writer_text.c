/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The writer for people. A table is formatted twice, once to measure its columns and once to
 * print it, so that it needs no memory however long it is.
 */
#include "writer.h"

#include <string.h>

#define COLUMNS_MAX 16
#define GAP	    2

/* Characters, not bytes: a service's name may be UTF-8. */
static size_t width_of(const char *text)
{
	size_t width = 0;

	for (; *text; text++)
		width += ((unsigned char)*text & 0xc0) != 0x80;
	return width;
}

static void cell_of(const struct column *column, const json_t *row, char out[static CELL_SIZE])
{
	column->format(row, column->key, out);
	if (!out[0] && column->align != REST)
		snprintf(out, CELL_SIZE, "-");
}

static void measure(const json_t *list, const struct column *columns, size_t widths[static COLUMNS_MAX])
{
	const json_t *row;
	size_t i;

	for (size_t c = 0; columns[c].title; c++)
		widths[c] = strlen(columns[c].title);
	json_array_foreach (list, i, row) {
		for (size_t c = 0; columns[c].title; c++) {
			char text[CELL_SIZE];

			cell_of(&columns[c], row, text);
			if (width_of(text) > widths[c])
				widths[c] = width_of(text);
		}
	}
}

/* Blanks are owed until something follows them: no line ends in blanks. */
static void print_cell(FILE *out, const struct column *column, const char *text, size_t width, size_t *owed)
{
	size_t fill = width - width_of(text);

	if (column->align == RIGHT)
		*owed += fill;
	if (text[0]) {
		fprintf(out, "%*s%s", (int)*owed, "", text);
		*owed = 0;
	} else {
		fill = width;
	}
	*owed += GAP + (column->align == RIGHT ? 0 : fill);
}

void table_print(FILE *out, const json_t *list, const struct table *table)
{
	const struct column *columns = table->columns;
	size_t widths[COLUMNS_MAX] = {0}, owed = 0, i;
	const json_t *row;

	if (!json_array_size(list)) {
		if (table->empty)
			fprintf(out, "%s\n", table->empty);
		return;
	}
	measure(list, columns, widths);
	for (size_t c = 0; columns[c].title; c++)
		print_cell(out, &columns[c], columns[c].title, widths[c], &owed);
	fputc('\n', out);
	json_array_foreach (list, i, row) {
		owed = 0;
		for (size_t c = 0; columns[c].title; c++) {
			char text[CELL_SIZE];

			cell_of(&columns[c], row, text);
			print_cell(out, &columns[c], text, widths[c], &owed);
		}
		fputc('\n', out);
	}
}

static void text_document(FILE *out, json_t *document, void (*text)(FILE *out, json_t *document))
{
	text(out, document);
}

static void text_failure(FILE *out, json_t *document)
{
	(void)out;
	(void)document;
}

const struct writer writer_text = {
	.document = text_document,
	.list = table_print,
	.event = text_document,
	.failure = text_failure,
};
