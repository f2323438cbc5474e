/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The interest filter against the real kernel: of all prefixes near a tracked address those come that cover
 * it, and no others. Each test has a network namespace of its own.
 */
#include "live.h"

#include <arpa/inet.h>
#include <linux/capability.h>
#include <poll.h>
#include <sys/syscall.h>

#include <shunt/rt.h>

struct bench {
	struct rt_watch *watch;
	struct rt_hints hints;
};

static struct addr parsed(const char *text)
{
	struct addr addr;

	assert_int_equal(addr_parse(text, &addr), 0);
	return addr;
}

static int enter(void **state)
{
	struct bench *bench = calloc(1, sizeof(*bench));

	*state = bench;
	return !bench || live_enter() || rt_watch_open(&bench->watch, 0) ? -1 : 0;
}

static int leave(void **state)
{
	struct bench *bench = *state;

	rt_hints_free(&bench->hints);
	rt_watch_close(bench->watch);
	free(bench);
	return 0;
}

static void track(struct bench *bench, const char *const *texts, size_t count)
{
	struct addr addresses[8];

	for (size_t i = 0; i < count; i++)
		addresses[i] = parsed(texts[i]);
	assert_int_equal(rt_watch_interest(bench->watch, addresses, count), 0);
	assert_true(rt_watch_filtered(bench->watch));
}

/* Reads what is queued, after the hints before it were forgotten. */
static void read_queued(struct bench *bench)
{
	struct pollfd ready = {.fd = rt_watch_fd(bench->watch), .events = POLLIN};

	while (poll(&ready, 1, 0) > 0)
		assert_int_equal(rt_watch_read(bench->watch, &bench->hints), 0);
}

static void forget(struct bench *bench)
{
	read_queued(bench);
	rt_hints_reset(&bench->hints);
}

static bool came(const struct bench *bench, const struct prefix *prefix)
{
	for (size_t i = 0; i < bench->hints.routes_count; i++) {
		const struct prefix *route = &bench->hints.routes[i];

		if (route->length == prefix->length && addr_equal(&route->addr, &prefix->addr))
			return true;
	}
	return false;
}

/* The prefix of that length around `addr`, with its last bit flipped or not. */
static struct prefix around(const struct addr *addr, uint8_t length, bool flipped)
{
	struct prefix prefix = {.addr = {.family = addr->family}, .length = length};

	for (uint8_t bit = 0; bit < length; bit++)
		prefix.addr.bytes[bit / 8] |= addr->bytes[bit / 8] & (0x80 >> bit % 8);
	if (flipped)
		prefix.addr.bytes[(length - 1) / 8] ^= 0x80 >> (length - 1) % 8;
	return prefix;
}

/* One route for each prefix length around `addr`, or beside it. */
static void add_routes(const struct addr *addr, bool flipped)
{
	FILE *batch = popen("ip -batch -", "w");
	char text[ADDR_TEXT_SIZE];

	assert_non_null(batch);
	for (unsigned length = flipped ? 1 : 0; length <= addr_size(addr) * 8; length++) {
		struct prefix prefix = around(addr, (uint8_t)length, flipped);

		fprintf(batch, "route add blackhole %s table 100\n", prefix_format(&prefix, text));
	}
	assert_int_equal(pclose(batch), 0);
}

static void every_length(struct bench *bench, const char *text)
{
	const struct addr addr = parsed(text);
	const unsigned lengths = (unsigned)addr_size(&addr) * 8;

	forget(bench);
	add_routes(&addr, true);
	read_queued(bench);
	assert_int_equal(bench->hints.routes_count, 0);
	add_routes(&addr, false);
	read_queued(bench);
	assert_int_equal(bench->hints.routes_count, lengths + 1);
	for (unsigned length = 0; length <= lengths; length++) {
		struct prefix prefix = around(&addr, (uint8_t)length, false);

		assert_true(came(bench, &prefix));
	}
	assert_false(bench->hints.everything);
}

static void ipv4_prefixes_that_cover_come(void **state)
{
	static const char *const tracked[] = {"198.18.129.77", "2001:db8::1"};

	track(*state, tracked, 2);
	every_length(*state, "198.18.129.77");
}

static void ipv6_prefixes_that_cover_come(void **state)
{
	static const char *const tracked[] = {"198.18.129.77", "2001:db8:1234:5678:9abc:def0:1357:9bdf"};

	track(*state, tracked, 2);
	every_length(*state, "2001:db8:1234:5678:9abc:def0:1357:9bdf");
}

/* What one `ip` command lets through, out of several tracked addresses, the first and the last too. */
static void one_of_many_is_enough(void **state)
{
	static const char *const tracked[] = {"203.0.113.9", "198.18.0.1",    "198.18.0.1", "198.51.100.7",
					      "2001:db8::1", "2001:db8:f::1", "192.0.2.1"};
	static const struct {
		const char *prefix;
		bool comes;
	} rows[] = {
		{"192.0.2.0/24", true},	    {"192.0.2.0/32", false},	{"192.0.2.2/31", false},
		{"198.18.0.0/15", true},    {"198.18.0.1/32", true},	{"198.18.0.2/32", false},
		{"198.51.100.0/29", true},  {"198.51.100.8/29", false}, {"203.0.113.9/32", true},
		{"203.0.113.10/32", false}, {"203.0.113.0/24", true},	{"2001:db8::/128", false},
		{"2001:db8::/64", true},    {"2001:db8:f::/48", true},	{"2001:db8:10::/44", false},
		{"2001:db8::/32", true},
	};
	struct bench *bench = *state;

	track(bench, tracked, 7);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		forget(bench);
		live_run("ip route add blackhole %s", rows[i].prefix);
		read_queued(bench);
		assert_int_equal(bench->hints.routes_count, rows[i].comes);
		forget(bench);
		live_run("ip route del blackhole %s", rows[i].prefix);
		read_queued(bench);
		assert_int_equal(bench->hints.routes_count, rows[i].comes);
	}
}

/* The kernel's verifier takes the program whatever their number, and the search ends at each. */
static void a_hundred_thousand_addresses(void **state)
{
	const uint32_t count = 100000;
	struct addr *addresses = calloc(2UL * count, sizeof(*addresses));
	struct bench *bench = *state;

	assert_non_null(addresses);
	/* 198.18.0.0 and so on; of 2001:db8:: and so on every second one. */
	for (uint32_t i = 0; i < count; i++) {
		const uint32_t four = htonl(0xc6120000 + i), six = htonl(2 * i);

		addresses[i] = parsed("198.18.0.0");
		memcpy(addresses[i].bytes, &four, sizeof(four));
		addresses[count + i] = parsed("2001:db8::");
		memcpy(&addresses[count + i].bytes[12], &six, sizeof(six));
	}
	assert_int_equal(rt_watch_interest(bench->watch, addresses, 2UL * count), 0);
	assert_true(rt_watch_filtered(bench->watch));
	free(addresses);
	for (uint32_t i = 1; i < count; i = i * 3 + 1) {
		forget(bench);
		live_run("ip route add blackhole 198.%u.%u.%u/32", 18 + (i >> 16), i >> 8 & 255, i & 255);
		live_run("ip route add blackhole 2001:db8::%x:%x/128", 2 * i >> 16, 2 * i & 65535);
		live_run("ip route add blackhole 2001:db8::%x:%x/128", (2 * i + 1) >> 16,
			 (2 * i + 1) & 65535);
		read_queued(bench);
		assert_int_equal(bench->hints.routes_count, 2);
	}
	forget(bench);
	live_run("ip route add blackhole 198.19.134.160/32");
	read_queued(bench);
	assert_int_equal(bench->hints.routes_count, 0);
}

/* All but routes: links, addresses, neighbours, rules, nexthop objects, sysctls. */
static void other_events_come(void **state)
{
	static const char *const commands[] = {
		"ip link add va type veth peer name vb",	 "ip addr add 192.0.2.1/24 dev va",
		"ip rule add to 192.0.2.0/24 lookup 100",	 "ip nexthop add id 1 blackhole",
		"echo 1 > /proc/sys/net/ipv4/conf/va/rp_filter",
	};
	struct bench *bench = *state;

	assert_int_equal(rt_watch_interest(bench->watch, NULL, 0), 0);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		forget(bench);
		live_run("%s", commands[i]);
		read_queued(bench);
		if (!bench->hints.everything)
			fail_msg("%s: no hint", commands[i]);
	}
	forget(bench);
	live_run("ip neigh add 192.0.2.9 lladdr 02:00:00:00:00:01 nud permanent dev va");
	read_queued(bench);
	assert_int_equal(bench->hints.neighs_count, 1);
	forget(bench);
	live_run("ip route add blackhole 198.51.100.0/24");
	read_queued(bench);
	assert_int_equal(bench->hints.routes_count, 0);
}

static void another_set_takes_the_place_of_the_first(void **state)
{
	static const char *const first[] = {"192.0.2.1"}, *const second[] = {"198.51.100.1"};
	struct bench *bench = *state;

	track(bench, first, 1);
	track(bench, second, 1);
	forget(bench);
	live_run("ip route add blackhole 192.0.2.0/24");
	read_queued(bench);
	assert_int_equal(bench->hints.routes_count, 0);
	live_run("ip route add blackhole 198.51.100.0/24");
	read_queued(bench);
	assert_int_equal(bench->hints.routes_count, 1);
}

/* ---- without the right ---------------------------------------------------------------------- */

static void capabilities(int call, struct __user_cap_data_struct data[static 2])
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};

	assert_int_equal(syscall(call, &header, data), 0);
}

static void without_the_right_everything_comes(void **state)
{
	static const char *const tracked[] = {"192.0.2.1"};
	const struct addr other = parsed("192.0.2.2");
	struct __user_cap_data_struct had[2], less[2];
	struct bench *bench = *state;
	int err;

	track(bench, tracked, 1);
	capabilities(SYS_capget, had);
	memcpy(less, had, sizeof(less));
	less[0].effective &= ~(1U << CAP_SYS_ADMIN);
	less[1].effective &= ~(1U << (CAP_BPF - 32));
	capabilities(SYS_capset, less);
	err = rt_watch_interest(bench->watch, &other, 1);
	capabilities(SYS_capset, had);
	if (!err)
		skip(); /* kernel.unprivileged_bpf_disabled is 0 */
	assert_int_equal(err, -EPERM);
	assert_false(rt_watch_filtered(bench->watch));
	forget(bench);
	live_run("ip route add blackhole 198.51.100.0/24");
	read_queued(bench);
	assert_int_equal(bench->hints.routes_count, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(ipv4_prefixes_that_cover_come, enter, leave),
		cmocka_unit_test_setup_teardown(ipv6_prefixes_that_cover_come, enter, leave),
		cmocka_unit_test_setup_teardown(one_of_many_is_enough, enter, leave),
		cmocka_unit_test_setup_teardown(a_hundred_thousand_addresses, enter, leave),
		cmocka_unit_test_setup_teardown(other_events_come, enter, leave),
		cmocka_unit_test_setup_teardown(another_set_takes_the_place_of_the_first, enter, leave),
		cmocka_unit_test_setup_teardown(without_the_right_everything_comes, enter, leave),
	};

	if (!live_possible("rt_interest_live_test"))
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
