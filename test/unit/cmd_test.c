/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The command against a stand-in for the daemon with canned answers: what it prints, byte for
 * byte, and its exit status.
 */
#include "cmd_run.h"

static void services_are_a_table(void **state)
{
	assert_run(socket_of(state), "--socket @ show services", 0,
		   "SERVICE  VIP                     SCHEDULER  BACKENDS  ACTIVE  PACKETS    BYTES\n"
		   "web      203.0.113.10:80/tcp     maglev            2       1     1200  1.5 KiB\n"
		   "dns6     [2001:db8::10]:any/udp  random           12      12        7      999\n",
		   "");
}

static void backends_are_a_table(void **state)
{
	assert_run(socket_of(state), "show --socket @ backends", 0,
		   "SERVICE  BACKEND         WEIGHT  FORWARD  STATE        PATH                              "
		   "                PACKETS    BYTES  REASON\n"
		   "web      198.51.100.11        1  l3       active       192.0.2.1 dev eth1                "
		   "                   1200  3.0 GiB\n"
		   "web      198.51.100.12       10  l3       unreachable  -                                 "
		   "                      0        0  no route to 198.51.100.12\n"
		   "dns6     2001:db8:1::11       1  l2       active       2001:db8::1 dev eth1 x2, "
		   "2001:db8::2 dev eth2 x1        7      999\n",
		   "");
}

static void nexthops_are_a_table(void **state)
{
	assert_run(
		socket_of(state), "show nexthops --socket=@", 0,
		"NEXTHOP    DEV   STATE      DST-MAC  SRC-MAC            EGRESS  VLAN   MTU  BACKENDS  "
		"MANAGED\n"
		"192.0.2.1  eth1  resolving  -        02:00:00:00:00:01  eth0       7  1500      4000  yes\n",
		"");
}

static void interfaces_are_a_table(void **state)
{
	assert_run(socket_of(state), "show interfaces --socket @", 0,
		   "INTERFACE  IFINDEX  ROLE      MODE    STATE     REASON\n"
		   "eth1             3  director  native  attached\n"
		   "eth?2           14  director  -       blocked   another XDP program (id 7) is attached\n",
		   "");
}

static void aliases_are_a_table(void **state)
{
	assert_run(socket_of(state), "show aliases --socket @", 0,
		   "VIP           DEV  STATE    REASON\n"
		   "203.0.113.10  lo   present  -\n",
		   "");
}

static void flows_are_a_table(void **state)
{
	assert_run(socket_of(state), "show flows --socket @", 0,
		   "CLIENT             VIP                    SERVICE  BACKEND\n"
		   "198.18.0.1:40312   203.0.113.10:80/tcp    web      198.51.100.11\n"
		   "[2001:db8:2::1]:5  [2001:db8::10]:53/udp  dns6     2001:db8:1::11\n",
		   "");
}

static void status_is_a_summary(void **state)
{
	assert_run(socket_of(state), "status --socket @", 0,
		   "shuntd 0.1.0, role director, pid 321, up 1h 2m\n"
		   "\n"
		   "file        /etc/shunt/shunt.yaml\n"
		   "reloads     2\n"
		   "interfaces  2\n"
		   "services    2\n"
		   "backends    2 of 3 active (shunt show backends says why)\n"
		   "next hops   1\n"
		   "aliases     0\n"
		   "generation  9\n"
		   "map writes  88\n"
		   "netlink     120 events (filtered), 1 overruns, 0 unparsed, 45 questions\n"
		   "audit       every 30s, 12 so far, 1 found missed\n"
		   "adverts     2, 3 put back\n"
		   "\n"
		   "REASON        PACKETS    BYTES  MEANING\n"
		   "tx               1207  2.5 KiB  forwarded out of the interface it came in\n"
		   "drop_too_big        3  4.4 KiB  larger than the MTU of the path\n",
		   "");
}

static void verify_fails_where_something_differs(void **state)
{
	assert_run(socket_of(state), "verify --socket @", 1,
		   "WHAT     WHERE               WANT               HAVE\n"
		   "nexthop  192.0.2.1 dev eth1  02:00:00:00:00:02  -\n"
		   "1 difference (40 checked)\n",
		   "");
}

static void explain_tells_a_packets_way(void **state)
{
	assert_run(socket_of(state),
		   "explain [2001:db8:18::10]:40000 [2001:db8::10]:80/tcp --as ack --size 74 --socket @", 0,
		   "packet   [2001:db8:18::10]:40000 -> [2001:db8::10]:80/tcp, ack, 74 bytes\n"
		   "in       eth1 (program: director)\n"
		   "service  web\n"
		   "slot     7 of 256, moving: now nobody, before 198.51.100.11\n"
		   "backend  198.51.100.11, ipip, weight 2, draining, drained: it had the slot\n"
		   "path     192.0.2.1 dev eth1, weight 1, MTU 1500\n"
		   "path     192.0.2.2 dev eth2, weight 3, MTU 1400 <- taken\n"
		   "out      eth2, 02:00:00:00:00:01 -> 02:00:00:00:00:02, vlan 7, 98 bytes\n"
		   "outer    198.18.1.10 -> 198.51.100.11\n"
		   "verdict  redirect (redirect): forwarded out of another interface\n"
		   "advice   all is well\n",
		   "");
	assert_run(socket_of(state), "explain 198.18.0.1:1 203.0.113.10:53/udp --socket @", 0,
		   "packet   198.18.0.1:1 -> 203.0.113.10:53/udp, datagram, 42 bytes\n"
		   "in       eth1 (program: director)\n"
		   "service  dns\n"
		   "backend  none: there is none to pick\n"
		   "verdict  drop (drop_no_backend): the service has no active backend\n",
		   "");
}

static void reload_says_what_is_there_now(void **state)
{
	assert_run(socket_of(state), "reload --socket @", 0, "reloaded: services 2, backends 3\n", "");
	assert_run(socket_of(state), "-j reload --socket @", 0,
		   "{\n"
		   "  \"ok\": true,\n"
		   "  \"services\": 2,\n"
		   "  \"backends\": 3\n"
		   "}\n",
		   "");
}

static void json_is_the_document(void **state)
{
	assert_run(socket_of(state), "show aliases -j --socket @", 0,
		   "[\n"
		   "  {\n"
		   "    \"vip\": \"203.0.113.10\",\n"
		   "    \"dev\": \"lo\",\n"
		   "    \"state\": \"present\"\n"
		   "  }\n"
		   "]\n",
		   "");
	assert_run(socket_of(state), "verify --json --socket @", 1,
		   "{\n"
		   "  \"checked\": 40,\n"
		   "  \"differences\": [\n"
		   "    {\n"
		   "      \"what\": \"nexthop\",\n"
		   "      \"where\": \"192.0.2.1 dev eth1\",\n"
		   "      \"want\": \"02:00:00:00:00:02\",\n"
		   "      \"have\": null\n"
		   "    }\n"
		   "  ],\n"
		   "  \"count\": 1\n"
		   "}\n",
		   "");
}

/* ---- the other daemon: nothing to show, a file that it refuses ---------------------------------- */

static void an_empty_list_says_so(void **state)
{
	assert_run(socket_of(state), "show services --socket @", 0, "no services\n", "");
	assert_run(socket_of(state), "show backends --socket @", 0, "no backends\n", "");
	assert_run(socket_of(state), "show nexthops --socket @", 0, "no next hops\n", "");
	assert_run(socket_of(state), "show interfaces --socket @", 0,
		   "no interface carries a program of shunt\n", "");
	assert_run(socket_of(state), "show aliases --socket @", 0,
		   "no aliases: none of this node's addresses is a backend's\n", "");
	assert_run(socket_of(state), "show flows --socket @", 0,
		   "no flows: only slots in transition and `scheduler: random` remember them\n", "");
	assert_run(socket_of(state), "show flows -j --socket @", 0, "[]\n", "");
}

static void verify_succeeds_where_nothing_differs(void **state)
{
	assert_run(socket_of(state), "verify --socket @", 0, "0 differences (40 checked)\n", "");
}

static void a_refusal_is_an_error_with_its_place(void **state)
{
	assert_run(socket_of(state), "reload --socket @", 1, "",
		   "shunt: shunt.yaml:3:5: unknown key 'vpi'\n"
		   "    vpi: x\n"
		   "    ^\n");
	assert_run(socket_of(state), "reload -j --socket @", 1,
		   "{\n"
		   "  \"error\": \"shunt.yaml:3:5: unknown key 'vpi'\\n    vpi: x\\n    ^\"\n"
		   "}\n",
		   "shunt: shunt.yaml:3:5: unknown key 'vpi'\n"
		   "    vpi: x\n"
		   "    ^\n");
}

static void a_command_that_the_daemon_does_not_know_fails(void **state)
{
	assert_run(
		socket_of(state), "status --socket @", 1, "",
		"shunt: unknown command 'status'; the daemon and the command may be of different versions\n");
}

/* ---- where the output goes ---------------------------------------------------------------------- */

static void a_reader_that_has_had_enough_is_no_error(void **state)
{
	struct result result;
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	close(fds[0]);
	run_into(fds[1], socket_of(state), "show backends --socket @", &result);
	close(fds[1]);
	assert_string_equal(result.err, "");
	assert_int_equal(result.status, 0);
}

static void a_full_disk_is_one(void **state)
{
	struct result result;
	int full = open("/dev/full", O_WRONLY);

	run_into(full, socket_of(state), "show backends --socket @", &result);
	close(full);
	assert_string_equal(result.err, "shunt: cannot write the output: No space left on device\n");
	assert_int_equal(result.status, 1);
}

/* ---- the daemons -------------------------------------------------------------------------------- */

static int start(void **state)
{
	static struct fake fake;

	fake_start(&fake, verbs);
	*state = &fake;
	return 0;
}

static int start_other(void **state)
{
	static struct fake fake;

	fake_start(&fake, other_verbs);
	*state = &fake;
	return 0;
}

static int stop(void **state)
{
	fake_stop(*state);
	return 0;
}

#define OTHER_FACT(name) cmocka_unit_test_setup_teardown(name, start_other, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(services_are_a_table),
		cmocka_unit_test(backends_are_a_table),
		cmocka_unit_test(nexthops_are_a_table),
		cmocka_unit_test(interfaces_are_a_table),
		cmocka_unit_test(aliases_are_a_table),
		cmocka_unit_test(flows_are_a_table),
		cmocka_unit_test(status_is_a_summary),
		cmocka_unit_test(verify_fails_where_something_differs),
		cmocka_unit_test(explain_tells_a_packets_way),
		cmocka_unit_test(reload_says_what_is_there_now),
		cmocka_unit_test(json_is_the_document),
		OTHER_FACT(an_empty_list_says_so),
		OTHER_FACT(verify_succeeds_where_nothing_differs),
		OTHER_FACT(a_refusal_is_an_error_with_its_place),
		OTHER_FACT(a_command_that_the_daemon_does_not_know_fails),
		cmocka_unit_test(a_reader_that_has_had_enough_is_no_error),
		cmocka_unit_test(a_full_disk_is_one),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
