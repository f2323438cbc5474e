/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the log writes, to a pipe (journald's form) and to a terminal.
 */
#include <setjmp.h>
#include <errno.h>
#include <pty.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "log.h"

/* stderr is `fd` while the message is logged. */
static void log_into(int fd, enum log_level level, const char *message)
{
	int saved = dup(STDERR_FILENO);

	fflush(stderr);
	dup2(fd, STDERR_FILENO);
	log_line(level, "%s", message);
	dup2(saved, STDERR_FILENO);
	close(saved);
}

static void assert_piped(enum log_level level, const char *message, const char *wanted)
{
	char text[16384];
	int fds[2];
	ssize_t length;

	assert_int_equal(pipe(fds), 0);
	log_into(fds[1], level, message);
	close(fds[1]);
	length = read(fds[0], text, sizeof(text) - 1);
	close(fds[0]);
	assert_true(length >= 0);
	text[length] = '\0';
	assert_string_equal(text, wanted);
}

static void assert_on_terminal(enum log_level level, const char *message, const char *wanted)
{
	char text[256];
	int master, slave;
	ssize_t length;

	assert_int_equal(openpty(&master, &slave, NULL, NULL, NULL), 0);
	log_into(slave, level, message);
	length = read(master, text, sizeof(text) - 1);
	close(master);
	close(slave);
	assert_true(length > 0);
	text[length] = '\0';
	assert_string_equal(text, wanted);
}

static void a_line_carries_its_priority(void **state)
{
	(void)state;
	assert_piped(LOG_ERROR, "it broke", "<3>it broke\n");
	assert_piped(LOG_WARN, "it may break", "<4>it may break\n");
	assert_piped(LOG_NOTE, "it runs", "<5>it runs\n");
	assert_piped(LOG_DEBUG, "x is 1", "<7>x is 1\n");
}

static void every_line_of_a_message_carries_it(void **state)
{
	(void)state;
	assert_piped(LOG_ERROR, "f:1:2: no\n  vip: x\n       ^", "<3>f:1:2: no\n<3>  vip: x\n<3>       ^\n");
	assert_piped(LOG_ERROR, "ends in a newline\n", "<3>ends in a newline\n");
	assert_piped(LOG_ERROR, "", "");
}

static void a_terminal_shows_a_word(void **state)
{
	(void)state;
	assert_on_terminal(LOG_ERROR, "it broke", "error: it broke\r\n");
	assert_on_terminal(LOG_WARN, "it may break", "warning: it may break\r\n");
	assert_on_terminal(LOG_NOTE, "it runs", "it runs\r\n");
	assert_on_terminal(LOG_DEBUG, "x is 1", "debug: x is 1\r\n");
}

static void a_long_message_is_cut_and_says_so(void **state)
{
	char message[5000], wanted[5000];

	(void)state;
	memset(message, 'x', sizeof(message) - 1);
	message[sizeof(message) - 1] = '\0';
	memcpy(wanted, "<3>", 3);
	memset(wanted + 3, 'x', 4095 - 6);
	memcpy(wanted + 3 + 4095 - 6, " [cut]\n", 8);
	assert_piped(LOG_ERROR, message, wanted);
}

static void errno_survives_and_a_closed_log_is_ignored(void **state)
{
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	errno = EBUSY;
	log_into(fds[0], LOG_ERROR, "to the end that only reads");
	assert_int_equal(errno, EBUSY);
	close(fds[0]);
	close(fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_carries_its_priority),
		cmocka_unit_test(every_line_of_a_message_carries_it),
		cmocka_unit_test(a_terminal_shows_a_word),
		cmocka_unit_test(a_long_message_is_cut_and_says_so),
		cmocka_unit_test(errno_survives_and_a_closed_log_is_ignored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
