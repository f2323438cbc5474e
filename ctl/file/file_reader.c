/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * YAML without its surprises: scalars, lists and mappings, one document.
 *
 * A stream of libyaml's events, so that a file of any size needs the memory of one line. What
 * makes a file mean something else than what it shows (anchors, aliases, tags, directives,
 * a second document) is refused where it stands.
 */
#include "file_reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "file_syntax.h"

struct reader {
	const struct report *report;
	yaml_parser_t parser;
	yaml_event_t event; /* zeroed, or to be deleted before the next */
};

static struct place place_of(yaml_mark_t mark)
{
	return (struct place){(uint32_t)mark.line + 1, (uint32_t)mark.column + 1};
}

int reader_open(const struct report *report, struct reader **out)
{
	struct reader *reader = calloc(1, sizeof(*reader));

	if (!reader)
		return report_fail_whole(report, -ENOMEM, "out of memory");
	if (!yaml_parser_initialize(&reader->parser)) {
		free(reader);
		return report_fail_whole(report, -ENOMEM, "out of memory");
	}
	reader->report = report;
	yaml_parser_set_encoding(&reader->parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&reader->parser, (const unsigned char *)report->text, report->size);
	*out = reader;
	return 0;
}

void reader_close(struct reader *reader)
{
	if (!reader)
		return;
	yaml_event_delete(&reader->event);
	yaml_parser_delete(&reader->parser);
	free(reader);
}

const struct report *reader_report(const struct reader *reader)
{
	return reader->report;
}

static int parser_failed(const struct reader *reader)
{
	const yaml_parser_t *parser = &reader->parser;
	struct syntax_problem problem = {
		.what = parser->problem ? parser->problem : "not YAML",
		.at = place_of(parser->problem_mark),
	};

	if (parser->error == YAML_MEMORY_ERROR)
		return report_fail_whole(reader->report, -ENOMEM, "out of memory");
	if (parser->context) {
		problem.context = parser->context;
		problem.context_at = place_of(parser->context_mark);
	}
	return syntax_fail(reader->report, &problem);
}

static int event_next(struct reader *reader)
{
	yaml_event_delete(&reader->event);
	memset(&reader->event, 0, sizeof(reader->event));
	return yaml_parser_parse(&reader->parser, &reader->event) ? 0 : parser_failed(reader);
}

static int refuse_decoration(const struct reader *reader, const yaml_char_t *anchor, const yaml_char_t *tag)
{
	struct place at = place_of(reader->event.start_mark);
	char shown[SHOW_SIZE];

	if (anchor)
		return reader_fail(reader, at,
				   "anchor '&%s': anchors are not supported; write the value out where it "
				   "is used",
				   report_show((const char *)anchor, shown));
	if (tag)
		return reader_fail(reader, at, "tag '%s': tags are not supported; remove it",
				   report_show((const char *)tag, shown));
	return 0;
}

static int refuse_alias(const struct reader *reader)
{
	char shown[SHOW_SIZE];

	return reader_fail(reader, place_of(reader->event.start_mark),
			   "alias '*%s': aliases are not supported; write the value out, or quote a pattern "
			   "that starts with '*'",
			   report_show((const char *)reader->event.data.alias.anchor, shown));
}

static int scalar_node(const struct reader *reader, struct node *node)
{
	const yaml_event_t *event = &reader->event;

	node->kind = NODE_SCALAR;
	node->text = (const char *)event->data.scalar.value;
	node->empty = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && !event->data.scalar.length;
	if (strlen(node->text) != event->data.scalar.length)
		return reader_fail(reader, node->at, "the value holds a NUL character; remove it");
	/* No value here needs two lines; where one takes them, a quote, bracket or blank is wrong. */
	if (event->end_mark.line != event->start_mark.line)
		return reader_fail(reader, node->at,
				   "this value runs on into the next line; check quotes, brackets and the "
				   "indentation of what follows");
	return refuse_decoration(reader, event->data.scalar.anchor, event->data.scalar.tag);
}

static int node_of_event(const struct reader *reader, struct node *node)
{
	const yaml_event_t *event = &reader->event;

	*node = (struct node){.kind = NODE_END, .at = place_of(event->start_mark)};
	switch (event->type) {
	case YAML_SCALAR_EVENT:
		return scalar_node(reader, node);
	case YAML_SEQUENCE_START_EVENT:
		node->kind = NODE_LIST;
		return refuse_decoration(reader, event->data.sequence_start.anchor,
					 event->data.sequence_start.tag);
	case YAML_MAPPING_START_EVENT:
		node->kind = NODE_MAP;
		return refuse_decoration(reader, event->data.mapping_start.anchor,
					 event->data.mapping_start.tag);
	case YAML_ALIAS_EVENT:
		return refuse_alias(reader);
	default:
		return 0;
	}
}

int reader_next(struct reader *reader, struct node *node)
{
	int err = event_next(reader);

	return err ? err : node_of_event(reader, node);
}

static int refuse_directives(const struct reader *reader)
{
	const yaml_event_t *event = &reader->event;

	if (event->data.document_start.version_directive ||
	    event->data.document_start.tag_directives.start != event->data.document_start.tag_directives.end)
		return reader_fail(
			reader, place_of(event->start_mark),
			"YAML directives are not supported; remove the lines that start with '%%'");
	return 0;
}

int reader_begin(struct reader *reader, struct node *node)
{
	int err = event_next(reader); /* the stream's start */

	if (!err)
		err = event_next(reader);
	if (err)
		return err;
	if (reader->event.type == YAML_STREAM_END_EVENT)
		return reader_fail(reader, ((struct place){1, 1}),
				   "the file says nothing; the least is 'services: []'");
	err = refuse_directives(reader);
	return err ? err : reader_next(reader, node);
}

int reader_finish(struct reader *reader)
{
	int err = event_next(reader); /* the document's end */

	if (!err)
		err = event_next(reader);
	if (err)
		return err;
	if (reader->event.type != YAML_STREAM_END_EVENT)
		return reader_fail(reader, place_of(reader->event.start_mark),
				   "a second document starts here; a file holds one: remove it or the '---'");
	return 0;
}
