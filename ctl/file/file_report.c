/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The one error of a file: its place, its text, and the line with a caret.
 *
 * An excerpt shows at most EXCERPT_COLUMNS characters. Where the place lies far to the right the
 * excerpt starts shortly before it; how far follows from the column alone (excerpt_start), so
 * that file_error_format knows where the caret belongs without having the text.
 */
#include "file_report.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "file_utf8.h"

#define EXCERPT_COLUMNS 100
#define EXCERPT_INDENT	4

/* Characters left out in front of the excerpt: then "..." stands for them. */
static uint32_t excerpt_start(uint32_t column)
{
	return column <= 60 ? 0 : column - 40;
}

static const char *line_start(const struct report *report, uint32_t line)
{
	const char *at = report->text, *end = report->text + report->size;

	while (--line) {
		const char *newline = at < end ? memchr(at, '\n', (size_t)(end - at)) : NULL;

		if (!newline)
			return end;
		at = newline + 1;
	}
	return at;
}

/* One character as it is shown; returns its length in `out`, which has room for 4. */
static size_t show_character(const char *from, size_t bytes, uint32_t point, char *out)
{
	if (bytes && utf8_printable(point)) {
		memcpy(out, from, bytes);
		return bytes;
	}
	*out = bytes && point == '\t' ? ' ' : '?';
	return 1;
}

static void excerpt_fill(const struct report *report, struct place at, char *out, size_t size)
{
	const char *end = report->text + report->size, *from = line_start(report, at.line);
	uint32_t start = excerpt_start(at.column);
	size_t length = 0, bytes;

	for (uint32_t column = 0; from < end && *from != '\n' && *from != '\r'; column++, from += bytes) {
		uint32_t point;
		size_t decoded = utf8_decode(from, (size_t)(end - from), &point);

		bytes = decoded ? decoded : 1;
		if (column < start)
			continue;
		if (start && column == start)
			length = (size_t)snprintf(out, size, "...");
		if (column - start == EXCERPT_COLUMNS || length + 4 + sizeof("...") > size) {
			length += (size_t)snprintf(out + length, size - length, "...");
			break;
		}
		length += show_character(from, decoded, point, out + length);
	}
	out[length] = 0;
}

static void error_begin(const struct report *report, struct place at)
{
	struct file_error *error = report->error;

	memset(error, 0, sizeof(*error));
	if (snprintf(error->path, sizeof(error->path), "%s", report->path) >= (int)sizeof(error->path))
		memcpy(error->path + sizeof(error->path) - 4, "...", 4);
	error->line = at.line;
	error->column = at.column;
	if (at.line)
		excerpt_fill(report, at, error->excerpt, sizeof(error->excerpt));
}

int report_fail(const struct report *report, struct place at, const char *format, ...)
{
	va_list args;

	error_begin(report, at);
	va_start(args, format);
	vsnprintf(report->error->text, sizeof(report->error->text), format, args);
	va_end(args);
	return -EINVAL;
}

int report_fail_whole(const struct report *report, int code, const char *format, ...)
{
	va_list args;

	error_begin(report, (struct place){0});
	va_start(args, format);
	vsnprintf(report->error->text, sizeof(report->error->text), format, args);
	va_end(args);
	return code;
}

const char *report_show(const char *value, char out[static SHOW_SIZE])
{
	size_t left = strlen(value), length = 0;

	while (left) {
		uint32_t point;
		size_t decoded = utf8_decode(value, left, &point), bytes = decoded ? decoded : 1;

		if (length + 4 + sizeof("...") > SHOW_SIZE) {
			length += (size_t)snprintf(out + length, SHOW_SIZE - length, "...");
			break;
		}
		length += show_character(value, decoded, point, out + length);
		value += bytes;
		left -= bytes;
	}
	out[length] = 0;
	return out;
}

size_t file_error_format(const struct file_error *error, char *out, size_t size)
{
	uint32_t start = excerpt_start(error->column);
	int caret = (int)(error->column - start) + (start ? 3 : 0) + EXCERPT_INDENT;
	int length;

	if (!size)
		return 0;
	if (!error->line)
		length = snprintf(out, size, "%s: %s\n", error->path, error->text);
	else if (!error->excerpt[0])
		length = snprintf(out, size, "%s:%u:%u: %s\n", error->path, error->line, error->column,
				  error->text);
	else
		length = snprintf(out, size, "%s:%u:%u: %s\n%*s%s\n%*s\n", error->path, error->line,
				  error->column, error->text, EXCERPT_INDENT, "", error->excerpt, caret, "^");
	return (size_t)length < size ? (size_t)length : size - 1;
}
