/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * rt_watch against the real kernel: the hint of each kind of event, what makes none, the state that
 * follows, and an overrun. Each test has a network namespace of its own.
 */
#include "live.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#include <shunt/rt.h>

#define DEADLINE_MS 10000

struct bench {
	struct rt_watch *watch;
	struct rt_state *state;
	struct rt_query *query;
	struct rt_hints hints;
	pid_t neighbour; /* a process that holds the namespace at the other end of va */
};

static struct addr parsed(const char *text)
{
	struct addr addr;

	assert_int_equal(addr_parse(text, &addr), 0);
	return addr;
}

/* ---- reading -------------------------------------------------------------------------------- */

/* Reads what is queued. `ip` has returned, so the kernel has queued all that it has to say at once. */
static void read_queued(struct bench *bench)
{
	struct pollfd ready = {.fd = rt_watch_fd(bench->watch), .events = POLLIN};

	while (poll(&ready, 1, 0) > 0)
		assert_int_equal(rt_watch_read(bench->watch, &bench->hints), 0);
}

/* Reads and forgets. */
static void settle(struct bench *bench)
{
	read_queued(bench);
	rt_hints_reset(&bench->hints);
}

static long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Reads until `done`, for what the kernel does in its own time. */
static void read_until(struct bench *bench, bool (*done)(const struct bench *))
{
	struct pollfd ready = {.fd = rt_watch_fd(bench->watch), .events = POLLIN};
	long end = now_ms() + DEADLINE_MS;

	while (!done(bench)) {
		long left = end - now_ms();

		if (left <= 0)
			fail_msg("the awaited event did not come");
		if (poll(&ready, 1, (int)left) > 0)
			assert_int_equal(rt_watch_read(bench->watch, &bench->hints), 0);
	}
}

/* ---- surroundings --------------------------------------------------------------------------- */

static int open_watch(struct bench *bench, size_t rcvbuf)
{
	if (rt_watch_open(&bench->watch, rcvbuf))
		return -1;
	bench->state = rt_watch_state(bench->watch);
	return 0;
}

/* va with addresses, its other end vb here, both up and past their asynchronous beginnings. */
static int enter_with(void **state, size_t rcvbuf)
{
	struct bench *bench;

	if (live_enter())
		return -1;
	bench = calloc(1, sizeof(*bench));
	if (!bench)
		return -1;
	*state = bench;
	live_run("echo 0 > /proc/sys/net/ipv6/conf/default/accept_dad");
	live_run("echo 1 > /proc/sys/net/ipv6/conf/default/addr_gen_mode");
	live_pair();
	live_run("ip addr add 198.51.100.1/24 dev va && ip addr add 2001:db8:1::1/64 dev va nodad");
	return rt_query_open(&bench->query) || open_watch(bench, rcvbuf) ? -1 : 0;
}

static bool va_has_carrier(const struct bench *bench)
{
	const struct rt_link *link = rt_state_link(bench->state, live_ifindex("va"));

	return link && link->up && link->carrier;
}

static int count_multicast(const struct rt_route *route, void *count)
{
	if (route->dst.length == 8 && route->dst.addr.bytes[0] == 0xff)
		++*(int *)count;
	return 0;
}

/* IPv6 configures a link when its carrier comes, up to the route for multicast; and a worker adds
 * the route of an address. */
static bool both_are_configured(const struct bench *bench)
{
	struct addr own = parsed("2001:db8:1::1");
	struct rt_route route;
	int count = 0;

	assert_int_equal(rt_dump_routes(bench->query, ADDR_IPV6, count_multicast, &count), 0);
	assert_int_equal(rt_query_fib(bench->query, &own, &route), 0);
	return va_has_carrier(bench) && count == 2 && route.type == RT_ROUTE_LOCAL;
}

static int enter(void **state)
{
	struct bench *bench;

	if (enter_with(state, 0))
		return -1;
	bench = *state;
	read_until(bench, both_are_configured);
	/* A command that takes the kernel's lock: what ran under it has told all when it returns. */
	live_run("ip link set lo up");
	settle(bench);
	return 0;
}

static int enter_with_small_buffer(void **state)
{
	return enter_with(state, 4096);
}

static int leave(void **state)
{
	struct bench *bench = *state;

	if (bench->neighbour) {
		kill(bench->neighbour, SIGKILL);
		waitpid(bench->neighbour, NULL, 0);
	}
	rt_hints_free(&bench->hints);
	rt_watch_close(bench->watch);
	rt_query_close(bench->query);
	free(bench);
	return 0;
}

/* ---- hints ---------------------------------------------------------------------------------- */

/* What a command makes, in words: "everything links addrs 203.0.113.0/24 neigh:198.51.100.5". */
static void makes(struct bench *bench, const char *command, const char *expect)
{
	const struct rt_hints *hints = &bench->hints;
	char got[1024] = "", text[ADDR_TEXT_SIZE];
	size_t used = 0;

	settle(bench);
	live_run("%s", command);
	read_queued(bench);
	used += (size_t)snprintf(got, sizeof(got), "%s%s%s%s", hints->everything ? "everything " : "",
				 hints->links ? "links " : "", hints->addrs ? "addrs " : "",
				 hints->overrun ? "overrun " : "");
	for (size_t i = 0; i < hints->routes_count; i++)
		used += (size_t)snprintf(got + used, sizeof(got) - used, "%s ",
					 prefix_format(&hints->routes[i], text));
	for (size_t i = 0; i < hints->neighs_count; i++)
		used += (size_t)snprintf(got + used, sizeof(got) - used, "neigh:%s ",
					 addr_format(&hints->neighs[i].addr, text));
	if (used)
		got[used - 1] = '\0';
	if (strcmp(got, expect) != 0)
		fail_msg("%s: \"%s\" instead of \"%s\"", command, got, expect);
}

/* The same, where only what it contains is certain (other events come along). */
static void makes_everything(struct bench *bench, const char *command)
{
	settle(bench);
	live_run("%s", command);
	read_queued(bench);
	if (!bench->hints.everything)
		fail_msg("%s: no hint for everything", command);
}

static void routes_are_hinted_by_prefix(void **state)
{
	makes(*state, "ip route add 203.0.113.0/24 via 198.51.100.2", "203.0.113.0/24");
	makes(*state, "ip route replace 203.0.113.0/24 via 198.51.100.3", "203.0.113.0/24");
	makes(*state, "ip route del 203.0.113.0/24", "203.0.113.0/24");
	makes(*state, "ip route add default via 198.51.100.2", "0.0.0.0/0");
	makes(*state, "ip route add blackhole 203.0.113.1 table 1000", "203.0.113.1/32");
	makes(*state, "ip route add 2001:db8:a::/48 via 2001:db8:1::2", "2001:db8:a::/48");
	makes(*state, "ip -6 route add default via 2001:db8:1::2", "::/0");
	makes(*state, "ip -6 route del default", "::/0");
}

static void what_may_change_any_route_is_everything(void **state)
{
	makes(*state, "ip rule add to 203.0.113.0/24 lookup 1000", "everything");
	makes(*state, "ip rule del to 203.0.113.0/24 lookup 1000", "everything");
	makes(*state, "ip -6 rule add to 2001:db8::/32 lookup 1000", "everything");
	makes(*state, "ip nexthop add id 10 via 198.51.100.10 dev va", "everything");
	makes(*state, "ip nexthop replace id 10 via 198.51.100.11 dev va", "everything");
	makes(*state, "ip nexthop del id 10", "everything");
	makes(*state, "echo 1 > /proc/sys/net/ipv4/conf/va/ignore_routes_with_linkdown", "everything");
	makes(*state, "echo 1 > /proc/sys/net/ipv6/conf/va/ignore_routes_with_linkdown", "everything");
	makes(*state,
	      "echo 0 > /proc/sys/net/ipv4/conf/va/forwarding; echo 1 > "
	      "/proc/sys/net/ipv4/conf/va/forwarding",
	      "everything");
}

static void links_are_everything(void **state)
{
	struct bench *bench = *state;
	int va = live_ifindex("va");

	makes(bench, "ip link set va mtu 1400", "everything links");
	assert_int_equal(bench->hints.ifindexes_count, 1);
	assert_int_equal(bench->hints.ifindexes[0], va);
	/* nothing that we look at: what the kernel tells after carrier was lost and found at once is like
	 * this */
	makes(bench, "ip link set va alias nothing-that-we-hold", "everything");
	assert_int_equal(rt_state_link(bench->state, va)->mtu, 1400);
	makes_everything(bench, "ip link set va address 02:00:00:00:00:99");
	assert_true(bench->hints.links);
	assert_int_equal(rt_state_link(bench->state, va)->mac[5], 0x99);
	makes_everything(bench, "ip link set va down");
	assert_false(rt_state_link(bench->state, va)->up);
	makes_everything(bench, "ip link set va up");
	assert_true(rt_state_link(bench->state, va)->up);
	makes_everything(bench, "ip link set va name wan");
	assert_string_equal(rt_state_link(bench->state, va)->name, "wan");
}

static void what_a_link_is_can_be_told(void **state)
{
	struct bench *bench = *state;
	int va = live_ifindex("va"), vb = live_ifindex("vb");
	const struct rt_link *link = rt_state_link(bench->state, va);

	assert_string_equal(link->kind, "veth");
	assert_int_equal(link->lower, vb);
	assert_false(link->lower_elsewhere);
	assert_true(rt_state_link(bench->state, 1)->loopback);
	makes_everything(bench, "ip link add br1 type bridge");
	assert_string_equal(rt_state_link(bench->state, live_ifindex("br1"))->kind, "bridge");
}

/* A bridge speaks of its ports with messages like a link's: leaving it is no removal. */
static void a_bridge_port_that_leaves_is_still_a_link(void **state)
{
	struct bench *bench = *state;
	struct addr own = parsed("192.0.2.1");
	int vb = live_ifindex("vb");

	makes_everything(bench, "ip addr add 192.0.2.1/32 dev vb");
	makes_everything(bench, "ip link add br0 type bridge && ip link set vb master br0");
	assert_int_equal(rt_state_link(bench->state, vb)->master, live_ifindex("br0"));
	makes_everything(bench, "ip link set vb nomaster");
	assert_non_null(rt_state_link(bench->state, vb));
	assert_int_equal(rt_state_link(bench->state, vb)->master, 0);
	assert_int_equal(rt_state_addr(bench->state, &own)->ifindex, vb);
}

static void a_link_that_leaves_takes_all_along(void **state)
{
	struct bench *bench = *state;
	struct addr own = parsed("198.51.100.1"), peer = parsed("198.51.100.5");
	int va = live_ifindex("va");

	makes(bench, "ip neigh add 198.51.100.5 lladdr 02:00:00:00:00:05 dev va nud stale",
	      "neigh:198.51.100.5");
	assert_non_null(rt_state_neigh(bench->state, va, &peer));
	makes_everything(bench, "ip link del va");
	assert_true(bench->hints.links);
	assert_null(rt_state_link(bench->state, va));
	assert_null(rt_state_addr(bench->state, &own));
	assert_null(rt_state_neigh(bench->state, va, &peer));
}

static void addresses_are_everything(void **state)
{
	struct bench *bench = *state;
	struct addr four = parsed("203.0.113.10"), six = parsed("2001:db8:5::10");

	makes(bench, "ip addr add 203.0.113.10/32 dev lo", "everything addrs 203.0.113.10/32");
	assert_int_equal(rt_state_addr(bench->state, &four)->ifindex, 1);
	makes(bench, "ip addr change 203.0.113.10/32 dev lo valid_lft 1000 preferred_lft 1000", "");
	makes(bench, "ip addr del 203.0.113.10/32 dev lo", "everything addrs 203.0.113.10/32");
	assert_null(rt_state_addr(bench->state, &four));
	/* Last, as a kernel worker adds the route of an IPv6 address a moment later. */
	makes_everything(bench, "ip addr add 2001:db8:5::10/128 dev lo");
	assert_int_equal(rt_state_addr(bench->state, &six)->length, 128);
	makes_everything(bench, "ip addr del 2001:db8:5::10/128 dev lo");
	assert_null(rt_state_addr(bench->state, &six));
}

static void neighbours_are_hinted_where_it_matters(void **state)
{
	struct bench *bench = *state;
	uint64_t before;

	makes(bench, "ip neigh add 198.51.100.5 lladdr 02:00:00:00:00:05 dev va nud reachable",
	      "neigh:198.51.100.5");
	before = rt_watch_stats(bench->watch)->events;
	makes(bench, "ip neigh replace 198.51.100.5 lladdr 02:00:00:00:00:05 dev va nud stale", "");
	makes(bench, "ip neigh replace 198.51.100.5 lladdr 02:00:00:00:00:05 dev va nud reachable", "");
	assert_true(rt_watch_stats(bench->watch)->events >= before + 2);
	makes(bench, "ip neigh replace 198.51.100.5 lladdr 02:00:00:00:00:06 dev va nud stale",
	      "neigh:198.51.100.5");
	makes(bench, "ip neigh replace 198.51.100.5 lladdr 02:00:00:00:00:06 dev va nud permanent",
	      "neigh:198.51.100.5");
	makes(bench, "ip neigh del 198.51.100.5 dev va", "neigh:198.51.100.5");
	makes(bench, "ip neigh add proxy 198.51.100.77 dev va", "");
	makes(bench, "ip neigh add 2001:db8:1::5 lladdr 02:00:00:00:00:05 dev va nud permanent",
	      "neigh:2001:db8:1::5");
}

/* ---- neighbours that answer ----------------------------------------------------------------- */

/* Moves vb into a namespace that a child process holds; it dies with this process. */
static void give_vb_away(struct bench *bench)
{
	int ready[2];
	char byte;

	assert_int_equal(pipe(ready), 0);
	bench->neighbour = fork();
	assert_true(bench->neighbour >= 0);
	if (!bench->neighbour) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (unshare(CLONE_NEWNET) || write(ready[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	live_run("ip link set vb netns %d", bench->neighbour);
	live_run("nsenter -t %d -n sh -c 'ip link set vb address 02:00:00:00:00:0b; ip link set vb up; "
		 "ip addr add 198.51.100.2/24 dev vb; ip addr add 2001:db8:1::2/64 dev vb nodad'",
		 bench->neighbour);
}

static const struct rt_neigh *found(const struct bench *bench, const char *text)
{
	struct addr addr = parsed(text);

	return rt_state_neigh(bench->state, live_ifindex("va"), &addr);
}

static bool is_managed_and_valid(const struct rt_neigh *neigh, uint8_t last)
{
	return neigh && neigh->state == RT_NEIGH_VALID && neigh->managed && neigh->mac[5] == last;
}

static bool vb_is_elsewhere(const struct bench *bench)
{
	return va_has_carrier(bench) && rt_state_link(bench->state, live_ifindex("va"))->lower_elsewhere;
}

static bool both_resolved(const struct bench *bench)
{
	return is_managed_and_valid(found(bench, "198.51.100.2"), 0x0b) &&
	       is_managed_and_valid(found(bench, "2001:db8:1::2"), 0x0b);
}

static bool both_gone(const struct bench *bench)
{
	return !found(bench, "198.51.100.2") && !found(bench, "2001:db8:1::2");
}

static void managed_neighbours_resolve_and_are_followed(void **state)
{
	struct bench *bench = *state;
	struct addr four = parsed("198.51.100.2"), six = parsed("2001:db8:1::2");
	int va = live_ifindex("va");
	bool managed;

	give_vb_away(bench);
	read_until(bench, vb_is_elsewhere);
	/* Without a packet that asks, the kernel solicits from a link-local address only. */
	live_run("ip addr add fe80::1/64 dev va nodad");
	rt_hints_reset(&bench->hints);
	assert_int_equal(rt_neigh_manage(bench->query, va, &four, &managed), 0);
	assert_true(managed);
	assert_int_equal(rt_neigh_manage(bench->query, va, &six, &managed), 0);
	assert_true(managed);
	read_until(bench, both_resolved);
	assert_true(bench->hints.neighs_count >= 2);
	/* A new MAC of ours makes the kernel drop managed entries too. */
	rt_hints_reset(&bench->hints);
	live_run("ip link set va address 02:00:00:00:00:aa");
	read_until(bench, both_gone);
	assert_true(bench->hints.everything);
	assert_true(bench->hints.neighs_count >= 2);
}

/* ---- overrun -------------------------------------------------------------------------------- */

static void storm(void)
{
	live_run("for i in $(seq 0 19999); do echo route add 198.18.$((i / 256)).$((i %% 256))/32 dev va; "
		 "done | "
		 "ip -batch -");
}

static void an_overrun_is_recovered(void **state)
{
	struct bench *bench = *state;
	struct addr vip = parsed("203.0.113.10"), peer = parsed("198.51.100.5"),
		    late = parsed("203.0.113.11");
	int va = live_ifindex("va");

	live_run("ip neigh add 198.51.100.5 lladdr 02:00:00:00:00:05 dev va nud permanent");
	live_run("ip addr add 203.0.113.10/32 dev lo");
	storm();
	/* Lost with the rest: */
	live_run("ip addr del 203.0.113.10/32 dev lo && ip addr add 203.0.113.11/32 dev lo");
	live_run("ip neigh replace 198.51.100.5 lladdr 02:00:00:00:00:06 dev va nud permanent");
	live_run("ip link set va mtu 1400 && ip link add gone type bridge && ip link del vb && ip link del "
		 "gone");
	assert_int_equal(rt_watch_read(bench->watch, &bench->hints), 0);
	assert_int_equal(rt_watch_stats(bench->watch)->overruns, 1);
	assert_true(bench->hints.overrun);
	assert_true(bench->hints.everything && bench->hints.links && bench->hints.addrs);
	assert_null(rt_state_addr(bench->state, &vip));
	assert_int_equal(rt_state_addr(bench->state, &late)->ifindex, 1);
	assert_null(rt_state_link(bench->state, va));
	assert_null(rt_state_neigh(bench->state, va, &peer));
	/* And events count again. */
	makes(bench, "ip route add blackhole 203.0.113.64/28", "203.0.113.64/28");
	makes(bench, "ip addr add 203.0.113.12/32 dev lo", "everything addrs 203.0.113.12/32");
	assert_int_equal(rt_watch_stats(bench->watch)->overruns, 1);
	assert_int_equal(rt_watch_stats(bench->watch)->unparsed, 0);
	/* What had queued before the loss was older than the dump, and is forgotten. */
	assert_null(rt_state_addr(bench->state, &vip));
}

static void a_large_buffer_loses_nothing(void **state)
{
	struct bench *bench = *state;

	storm();
	/* One call reads a bounded batch, and keeps what it has not read. */
	assert_int_equal(rt_watch_read(bench->watch, &bench->hints), 0);
	assert_in_range(rt_watch_stats(bench->watch)->events, 4096, 5000);
	read_queued(bench);
	assert_true(rt_watch_stats(bench->watch)->events >= 20000);
	assert_int_equal(rt_watch_stats(bench->watch)->overruns, 0);
	/* More prefixes than are worth naming. */
	assert_true(bench->hints.everything);
	assert_false(bench->hints.overrun);
}

int main(void)
{
#define LIVE(test) cmocka_unit_test_setup_teardown(test, enter, leave)
	const struct CMUnitTest tests[] = {
		LIVE(routes_are_hinted_by_prefix),
		LIVE(what_may_change_any_route_is_everything),
		LIVE(links_are_everything),
		LIVE(what_a_link_is_can_be_told),
		LIVE(a_bridge_port_that_leaves_is_still_a_link),
		LIVE(a_link_that_leaves_takes_all_along),
		LIVE(addresses_are_everything),
		LIVE(neighbours_are_hinted_where_it_matters),
		LIVE(managed_neighbours_resolve_and_are_followed),
		cmocka_unit_test_setup_teardown(an_overrun_is_recovered, enter_with_small_buffer, leave),
		LIVE(a_large_buffer_loses_nothing),
	};

	if (!live_possible("rt_watch_live_test"))
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
