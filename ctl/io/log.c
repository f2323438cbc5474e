/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Writing the log: one message, one write(2).
 *
 * A message may hold several lines (an error of the file with its excerpt and caret): each line
 * carries the prefix, because journald takes every line as an entry of its own. What does not
 * fit is cut and says so. Nothing is kept between calls, and a log that cannot be written to is
 * no reason to stop forwarding: errors of write(2) are ignored.
 */
#include "log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MESSAGE_SIZE 4096
#define LINES_SIZE   (2 * MESSAGE_SIZE)

static const char *word_of(enum log_level level)
{
	switch (level) {
	case LOG_ERROR:
		return "error: ";
	case LOG_WARN:
		return "warning: ";
	case LOG_DEBUG:
		return "debug: ";
	case LOG_NOTE:
		break;
	}
	return "";
}

/* Puts `prefix` before each line of `message`. Returns the length; what does not fit is left out. */
static size_t prefix_lines(const char *prefix, const char *message, char *out, size_t size)
{
	size_t length = 0, prefix_length = strlen(prefix);

	while (*message) {
		size_t line = strcspn(message, "\n");

		if (length + prefix_length + line + 1 > size)
			break;
		memcpy(out + length, prefix, prefix_length);
		memcpy(out + length + prefix_length, message, line);
		length += prefix_length + line;
		out[length++] = '\n';
		message += line;
		message += *message == '\n';
	}
	return length;
}

static void write_all(const char *text, size_t length)
{
	while (length) {
		ssize_t written = write(STDERR_FILENO, text, length);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return;
		text += written;
		length -= (size_t)written;
	}
}

void log_line(enum log_level level, const char *format, ...)
{
	static const char cut[] = " [cut]";
	char message[MESSAGE_SIZE], lines[LINES_SIZE], prefix[16];
	int saved = errno, wanted;
	va_list args;

	va_start(args, format);
	wanted = vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	if (wanted < 0)
		return;
	if ((size_t)wanted >= sizeof(message))
		memcpy(message + sizeof(message) - sizeof(cut), cut, sizeof(cut));
	if (isatty(STDERR_FILENO))
		snprintf(prefix, sizeof(prefix), "%s", word_of(level));
	else
		snprintf(prefix, sizeof(prefix), "<%d>", (int)level);
	write_all(lines, prefix_lines(prefix, message, lines, sizeof(lines)));
	errno = saved;
}
