/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The ends of things: `shunt down`, and the ways in which `shunt events` comes to its end.
 */
#include "cmd_run.h"

static void down_is_answered(void **state)
{
	struct fake fake;

	(void)state;
	fake_start(&fake, verbs);
	assert_run(fake.socket, "down --socket @", 0,
		   "down: shuntd has removed what it had installed, and ended\n", "");
	fake_stop(&fake);
}

static void events_are_lines_till_the_daemon_ends(void **state)
{
	struct fake fake;

	(void)state;
	fake_start(&fake, verbs);
	assert_run(
		fake.socket, "events --socket @", 1,
		"12:26:40.250  dispatch  198.18.0.1:40312 -> 203.0.113.10:80/tcp -> 198.51.100.11 (web, tx)\n"
		"12:26:40.500  dispatch  [2001:db8:2::1]:5 -> [2001:db8::10]:53/udp -> none (dns6, "
		"drop_no_backend), 12 not shown\n"
		"12:26:40.000  neighbour 192.0.2.1 dev eth1: 02:00:00:00:00:02 -> 02:00:00:00:00:03\n"
		"12:26:40.000  route     198.51.100.11: 192.0.2.1 dev eth1 -> none\n"
		"12:26:40.000  state     web 198.51.100.11: active -> unreachable (no route)\n"
		"12:26:40.000  interface eth1: attached\n"
		"12:26:40.000  alias     203.0.113.10: put back\n"
		"12:26:40.000  audit     mode of web 198.51.100.11 was missed: none -> l3\n"
		"12:26:40.000  overrun\n"
		"12:26:40.000  eclipse   of=moon part=0.5 seen=yes\n",
		"shunt: the daemon closed the connection; its log may say why (journalctl -u shuntd)\n");
	fake_stop(&fake);
}

static void events_are_documents_too(void **state)
{
	json_t *events = json_loads(events_json, 0, NULL), *event;
	struct result result;
	struct fake fake;
	char *line = result.out;
	size_t i;

	(void)state;
	fake_start(&fake, verbs);
	run(fake.socket, "-j events --socket @", &result);
	json_array_foreach (events, i, event) {
		char *end = strchr(line, '\n');
		json_t *got;

		assert_non_null(end);
		got = json_loadb(line, (size_t)(end - line), 0, NULL);
		assert_true(json_equal(got, event));
		json_decref(got);
		line = end + 1;
	}
	assert_string_equal(line, "");
	json_decref(events);
	fake_stop(&fake);
}

/* A stream that never ends, and an interrupt once its first line is there. */
static void an_interrupt_is_the_normal_end_of_events(void **state)
{
	struct fake fake;
	int fds[2], status;
	char byte;
	pid_t pid;

	(void)state;
	fake_start(&fake, endless_verbs);
	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (!pid) {
		dup2(fds[1], STDOUT_FILENO);
		exec_command(fake.socket, "events --socket @");
	}
	close(fds[1]);
	assert_int_equal(read(fds[0], &byte, 1), 1);
	kill(pid, SIGINT);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	close(fds[0]);
	fake_stop(&fake);
}

/* The reader goes while nothing happens: no event is needed to notice. */
static void events_end_when_their_reader_does(void **state)
{
	struct fake fake;
	int fds[2], status;
	char byte;
	pid_t pid;

	(void)state;
	fake_start(&fake, endless_verbs);
	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (!pid) {
		close(fds[0]);
		dup2(fds[1], STDOUT_FILENO);
		exec_command(fake.socket, "events --socket @");
	}
	close(fds[1]);
	assert_int_equal(read(fds[0], &byte, 1), 1);
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	fake_stop(&fake);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(down_is_answered),
		cmocka_unit_test(events_are_lines_till_the_daemon_ends),
		cmocka_unit_test(events_are_documents_too),
		cmocka_unit_test(an_interrupt_is_the_normal_end_of_events),
		cmocka_unit_test(events_end_when_their_reader_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
