/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Aliases on a real loopback: installed, put back, removed with their service; others left alone.
 */
#include "live.h"

#include <shunt/rt.h>

#include "aliases.h"
#include "observed.h"

#define VIP4 "203.0.113.10"
#define VIP6 "2001:db8:1::10"

struct bench {
	char names[2][8];
	struct config_backend four, six;
	struct config_service services[3]; /* VIP4, VIP6, and one with VIP4 again, on another port */
	struct config config;
	struct rt_query *query;
	struct rt_state *state;
	struct aliases *aliases;
	char told[512];
};

static void on_change(const struct alias_row *row, void *arg)
{
	struct bench *bench = arg;
	size_t used = strlen(bench->told);
	char text[ADDR_TEXT_SIZE];

	snprintf(bench->told + used, sizeof(bench->told) - used, "%s%s=%s", used ? " " : "",
		 addr_format(&row->vip, text), alias_state_name(row->state));
}

static void observe(struct bench *bench)
{
	bench->told[0] = '\0';
	assert_int_equal(rt_state_load(bench->state, bench->query), 0);
}

static void sync_tells(struct bench *bench, const char *told)
{
	observe(bench);
	assert_int_equal(
		aliases_sync(bench->aliases, &bench->config, bench->state, bench->config.role, bench->query),
		0);
	assert_string_equal(bench->told, told);
}

/* The protocol of a host address on lo, -1 where it is not there. */
static int protocol_of(struct bench *bench, const char *text)
{
	struct addr addr = test_addr(text);
	const struct rt_addr *there;

	assert_int_equal(rt_state_load(bench->state, bench->query), 0);
	there = rt_state_addr(bench->state, &addr);
	if (!there || there->ifindex != 1)
		return -1;
	assert_int_equal(there->length, addr_size(&addr) * 8);
	return there->protocol;
}

static int setup(void **state)
{
	struct bench *bench = calloc(1, sizeof(*bench));

	if (!bench)
		return -1;
	*state = bench;
	if (live_enter())
		return -1;
	bench->four = (struct config_backend){.address = test_addr("198.51.100.11"), .weight = 1};
	bench->six = (struct config_backend){.address = test_addr("2001:db8::11"), .weight = 1};
	strcpy(bench->names[0], "four");
	strcpy(bench->names[1], "six");
	bench->services[0] = (struct config_service){.name = bench->names[0],
						     .vip = test_addr(VIP4),
						     .backends = &bench->four,
						     .backends_count = 1};
	bench->services[1] = (struct config_service){.name = bench->names[1],
						     .vip = test_addr(VIP6),
						     .backends = &bench->six,
						     .backends_count = 1};
	bench->services[2] = bench->services[0];
	bench->config = (struct config){
		.role = ROLE_BACKEND, .services = bench->services, .services_count = 3};
	live_run("ip link add v0 type veth peer name w0; ip link set v0 up");
	live_run("ip addr add 198.51.100.11/24 dev v0; ip addr add 2001:db8::11/64 dev v0 nodad");
	if (rt_query_open(&bench->query) || rt_state_new(&bench->state))
		return -1;
	return aliases_new(on_change, bench, &bench->aliases);
}

static int teardown(void **state)
{
	struct bench *bench = *state;

	aliases_free(bench->aliases);
	rt_state_free(bench->state);
	rt_query_close(bench->query);
	free(bench);
	return 0;
}

static void installed_once(void **state)
{
	struct bench *bench = *state;
	const struct alias_row *rows;

	sync_tells(bench, VIP4 "=installed " VIP6 "=installed");
	sync_tells(bench, "");
	assert_int_equal(protocol_of(bench, VIP4), SHUNT_PROTOCOL);
	assert_int_equal(protocol_of(bench, VIP6), SHUNT_PROTOCOL);
	assert_int_equal(aliases_rows(bench->aliases, &rows), 2);
	assert_string_equal(rows[0].dev, "lo");
	assert_string_equal(rows[0].reason, "");
}

static void put_back_when_removed_by_hand(void **state)
{
	struct bench *bench = *state;

	sync_tells(bench, VIP4 "=installed " VIP6 "=installed");
	observe(bench);
	live_run("ip addr del " VIP4 "/32 dev lo; ip addr del " VIP6 "/128 dev lo");
	assert_int_equal(protocol_of(bench, VIP4), -1);
	sync_tells(bench, "");
	assert_int_equal(protocol_of(bench, VIP4), SHUNT_PROTOCOL);
	assert_int_equal(protocol_of(bench, VIP6), SHUNT_PROTOCOL);
}

static void gone_with_the_service(void **state)
{
	struct bench *bench = *state;

	sync_tells(bench, VIP4 "=installed " VIP6 "=installed");
	bench->config.services_count = 1; /* one of the two with VIP4 is left */
	sync_tells(bench, VIP6 "=removed");
	assert_int_equal(protocol_of(bench, VIP6), -1);
	assert_int_equal(protocol_of(bench, VIP4), SHUNT_PROTOCOL);
	live_run("ip addr del 198.51.100.11/24 dev v0"); /* no backend any more */
	sync_tells(bench, VIP4 "=removed");
	assert_int_equal(protocol_of(bench, VIP4), -1);
}

static void a_director_has_none(void **state)
{
	struct bench *bench = *state;

	bench->config.role = ROLE_DIRECTOR;
	sync_tells(bench, "");
	bench->config.role = ROLE_BOTH;
	sync_tells(bench, VIP4 "=installed " VIP6 "=installed");
}

static void others_are_left_alone(void **state)
{
	struct bench *bench = *state;
	const struct alias_row *rows;

	live_run("ip addr add " VIP4 "/32 dev lo; ip addr add 203.0.113.99/32 dev lo");
	sync_tells(bench, VIP4 "=installed " VIP6 "=installed");
	assert_int_equal(aliases_rows(bench->aliases, &rows), 2);
	assert_string_equal(rows[0].reason, "was there before shunt: left alone");
	assert_int_equal(protocol_of(bench, VIP4), 0);
	bench->config.services_count = 0;
	sync_tells(bench, VIP4 "=removed " VIP6 "=removed");
	assert_int_equal(protocol_of(bench, VIP4), 0);
	assert_int_equal(protocol_of(bench, VIP6), -1);
	assert_int_equal(protocol_of(bench, "203.0.113.99"), 0);
}

static void a_restart_knows_its_own(void **state)
{
	struct bench *bench = *state;

	sync_tells(bench, VIP4 "=installed " VIP6 "=installed");
	aliases_free(bench->aliases);
	assert_int_equal(aliases_new(on_change, bench, &bench->aliases), 0);
	bench->config.services_count = 1;
	sync_tells(bench, VIP4 "=installed");
	assert_int_equal(protocol_of(bench, VIP6), -1);
}

static void down_removes_ours(void **state)
{
	struct bench *bench = *state;

	live_run("ip addr add 203.0.113.99/32 dev lo");
	sync_tells(bench, VIP4 "=installed " VIP6 "=installed");
	observe(bench);
	assert_int_equal(aliases_down(bench->aliases, bench->state, bench->query), 0);
	assert_string_equal(bench->told, VIP4 "=removed " VIP6 "=removed");
	assert_int_equal(protocol_of(bench, VIP4), -1);
	assert_int_equal(protocol_of(bench, VIP6), -1);
	assert_int_equal(protocol_of(bench, "203.0.113.99"), 0);
}

/* Without IFA_PROTO the address shows protocol 0: what this process installed is ours all the same. */
static void a_kernel_without_protocols(void **state)
{
	struct bench *bench = *state;
	struct rt_addr record = {.ifindex = 1, .addr = test_addr(VIP4), .length = 32};

	bench->config.services_count = 1;
	sync_tells(bench, VIP4 "=installed");
	assert_int_equal(rt_state_put_addr(bench->state, &record), 0);
	for (int i = 0; i < 2; i++) {
		bench->told[0] = '\0';
		assert_int_equal(aliases_sync(bench->aliases, &bench->config, bench->state, ROLE_BACKEND,
					      bench->query),
				 0);
		assert_string_equal(bench->told, "");
	}
	assert_int_equal(aliases_down(bench->aliases, bench->state, bench->query), 0);
	assert_int_equal(protocol_of(bench, VIP4), -1);
}

static void the_loopback_is_down(void **state)
{
	struct bench *bench = *state;
	const struct alias_row *rows;

	live_run("ip link set lo down");
	sync_tells(bench, VIP4 "=failed " VIP6 "=failed");
	assert_int_equal(aliases_rows(bench->aliases, &rows), 2);
	assert_string_equal(rows[0].reason, "lo is down; run: ip link set lo up");
	live_run("ip link set lo up");
	sync_tells(bench, VIP4 "=installed " VIP6 "=installed");
}

static void ipv6_is_disabled(void **state)
{
	struct bench *bench = *state;
	const struct alias_row *rows;

	live_run("echo 1 > /proc/sys/net/ipv6/conf/lo/disable_ipv6");
	sync_tells(bench, VIP4 "=installed " VIP6 "=failed");
	assert_int_equal(aliases_rows(bench->aliases, &rows), 2);
	assert_non_null(strstr(rows[1].reason, "sysctl -w net.ipv6.conf.lo.disable_ipv6=0"));
	live_run("echo 0 > /proc/sys/net/ipv6/conf/lo/disable_ipv6");
	sync_tells(bench, VIP6 "=installed");
}

#define FACT(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		FACT(installed_once),	   FACT(put_back_when_removed_by_hand), FACT(gone_with_the_service),
		FACT(a_director_has_none), FACT(others_are_left_alone),		FACT(a_restart_knows_its_own),
		FACT(down_removes_ours),   FACT(a_kernel_without_protocols),	FACT(the_loopback_is_down),
		FACT(ipv6_is_disabled),
	};

	(void)argc;
	return live_possible(argv[0]) ? cmocka_run_group_tests(tests, NULL, NULL) : 0;
}
