/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The daemon's log: lines to stderr in the form that journald understands.
 *
 * Where stderr is no terminal each line starts with "<N>", N a syslog priority
 * (sd-daemon(3)); on a terminal it starts with a short word. An error is logged once, where
 * its context is known.
 */
#ifndef SHUNT_LOG_H
#define SHUNT_LOG_H

enum log_level { LOG_ERROR = 3, LOG_WARN = 4, LOG_NOTE = 5, LOG_DEBUG = 7 };

void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_line(LOG_ERROR, __VA_ARGS__)
#define log_warn(...)  log_line(LOG_WARN, __VA_ARGS__)
#define log_note(...)  log_line(LOG_NOTE, __VA_ARGS__)

#endif
