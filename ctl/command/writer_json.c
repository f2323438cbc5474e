/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The writer for programs: documents exactly as the daemon made them, one indented document for
 * each command, one line for each event.
 */
#include "writer.h"

static void dump(FILE *out, const json_t *document, size_t flags)
{
	/* Fails where `out` does, which main looks at, or for want of memory. */
	if (json_dumpf(document, out, flags | JSON_ENCODE_ANY))
		fputs("{\"error\": \"no memory\"}", out);
	fputc('\n', out);
}

static void json_document(FILE *out, json_t *document, void (*text)(FILE *out, json_t *document))
{
	(void)text;
	dump(out, document, JSON_INDENT(2));
}

static void json_list(FILE *out, const json_t *list, const struct table *table)
{
	(void)table;
	dump(out, list, JSON_INDENT(2));
}

static void json_event(FILE *out, json_t *event, void (*text)(FILE *out, json_t *event))
{
	(void)text;
	dump(out, event, JSON_COMPACT);
}

static void json_failure(FILE *out, json_t *document)
{
	dump(out, document, JSON_INDENT(2));
}

const struct writer writer_json = {
	.document = json_document,
	.list = json_list,
	.event = json_event,
	.failure = json_failure,
};
