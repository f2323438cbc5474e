/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Adverts: the decision as a truth table, and the routes in a real kernel.
 */
#include "live.h"

#include <shunt/rt.h>

#include "adverts.h"
#include "config.h"
#include "observed.h"

#define VIP4 "203.0.113.10"
#define VIP6 "2001:db8:203::10"

/* ---- the decision ---------------------------------------------------------------------------- */

/* In the order of struct advert_facts; every combination is decided by exactly one row. -1: whatever. */
static const struct {
	int routed, attached, enough, holds, leaving, waited;
	enum advert_state state;
} decisions[] = {
	{-1, 0, -1, -1, -1, -1, ADVERT_WITHDRAWN}, /* nobody would take the packets */
	{0, 1, 0, -1, -1, -1, ADVERT_WITHDRAWN},   /* not before there are enough */
	{0, 1, 1, -1, 0, -1, ADVERT_ADVERTISED},
	{0, 1, 1, -1, 1, -1, ADVERT_WITHDRAWN}, /* who leaves does not come first */
	{1, 1, -1, 0, -1, -1, ADVERT_WITHDRAWN},
	{1, 1, -1, 1, 0, -1, ADVERT_ADVERTISED}, /* resolving suffices to stay */
	{1, 1, -1, 1, 1, 0, ADVERT_DRAINING},
	{1, 1, -1, 1, 1, 1, ADVERT_WITHDRAWN},
};

static bool fits(int wanted, bool fact)
{
	return wanted < 0 || wanted == fact;
}

static void every_combination_is_decided(void **unused)
{
	(void)unused;
	for (unsigned bits = 0; bits < 64; bits++) {
		const struct advert_facts facts = {bits & 1, bits & 2,	bits & 4,
						   bits & 8, bits & 16, bits & 32};
		unsigned rows = 0;

		for (size_t i = 0; i < sizeof(decisions) / sizeof(decisions[0]); i++) {
			if (!fits(decisions[i].routed, facts.routed) ||
			    !fits(decisions[i].attached, facts.attached) ||
			    !fits(decisions[i].enough, facts.enough) ||
			    !fits(decisions[i].holds, facts.holds) ||
			    !fits(decisions[i].leaving, facts.leaving) ||
			    !fits(decisions[i].waited, facts.waited))
				continue;
			rows++;
			if (advert_decide(&facts) != decisions[i].state)
				fail_msg("facts %#x: %s", bits, advert_state_name(advert_decide(&facts)));
		}
		assert_int_equal(rows, 1);
	}
}

/* ---- the routes ------------------------------------------------------------------------------ */

struct bench {
	struct rt_query *query;
	struct adverts *adverts;
	struct config_advertise config;
	struct advert_want wants[2];
	struct adverts_input input;
	char told[512];
};

static void on_change(const struct advert_row *row, void *arg)
{
	struct bench *bench = arg;
	size_t used = strlen(bench->told);
	char text[ADDR_TEXT_SIZE];

	snprintf(bench->told + used, sizeof(bench->told) - used, "%s%s=%s/%u", used ? " " : "",
		 addr_format(&row->vip, text), advert_state_name(row->state), row->metric);
}

static int setup(void **state)
{
	struct bench *bench = calloc(1, sizeof(*bench));

	if (!bench)
		return -1;
	*state = bench;
	if (live_enter() || rt_query_open(&bench->query) || adverts_new(on_change, bench, &bench->adverts))
		return -1;
	bench->config = ADVERTISE_DEFAULTS;
	bench->wants[0] = (struct advert_want){test_addr(VIP6), true, true, false, ""};
	bench->wants[1] = (struct advert_want){test_addr(VIP4), true, true, false, ""};
	bench->input = (struct adverts_input){.config = &bench->config,
					      .wants = bench->wants,
					      .count = 2,
					      .attached = true,
					      .now = 1000,
					      .query = bench->query};
	return 0;
}

static int teardown(void **state)
{
	struct bench *bench = *state;

	adverts_free(bench->adverts);
	rt_query_close(bench->query);
	free(bench);
	return 0;
}

static void sync_tells(struct bench *bench, const char *told)
{
	bench->told[0] = '\0';
	assert_int_equal(adverts_sync(bench->adverts, &bench->input), 0);
	assert_string_equal(bench->told, told);
}

/* What `ip` lists of that protocol, both families, in one line. */
static void routes_are(const char *protocol, const char *wanted)
{
	char line[256], all[1024] = "";
	FILE *pipe;

	snprintf(line, sizeof(line),
		 "{ ip -4 route show table all proto %s; ip -6 route show table all proto %s; } | "
		 "sed -E 's/ dev lo//; s/ pref medium//; s/ +$//' | tr '\\n' ';'",
		 protocol, protocol);
	pipe = popen(line, "r"); // NOLINT(cert-env33-c): a command of this file, not of a user
	assert_non_null(pipe);
	if (!fgets(all, sizeof(all), pipe))
		all[0] = '\0';
	pclose(pipe);
	assert_string_equal(all, wanted);
}

static struct advert_want *want(struct bench *bench, const char *text)
{
	struct addr vip = test_addr(text);

	return addr_compare(&bench->wants[0].vip, &vip) ? &bench->wants[1] : &bench->wants[0];
}

static void come_and_go(void **state)
{
	struct bench *bench = *state;

	sync_tells(bench, VIP4 "=advertised/100 " VIP6 "=advertised/100");
	routes_are("240", "blackhole " VIP4 " metric 100;blackhole " VIP6 " metric 100;");
	sync_tells(bench, "");
	want(bench, VIP4)->enough = false;
	sync_tells(bench, "");
	want(bench, VIP4)->holds = false;
	snprintf(want(bench, VIP4)->reason, ADVERT_REASON_SIZE, "web: 0 of 2");
	sync_tells(bench, VIP4 "=withdrawn/0");
	routes_are("240", "blackhole " VIP6 " metric 100;");
	bench->input.attached = false;
	sync_tells(bench, VIP4 "=withdrawn/0 " VIP6 "=withdrawn/0"); /* the first for its new reason */
	routes_are("240", "");
}

static void drains_then_goes(void **state)
{
	struct bench *bench = *state;

	assert_int_equal(adverts_sync(bench->adverts, &bench->input), 0);
	want(bench, VIP6)->drained = true;
	sync_tells(bench, VIP6 "=draining/200");
	routes_are("240", "blackhole " VIP4 " metric 100;blackhole " VIP6 " metric 200;");
	assert_int_equal(adverts_due(bench->adverts, &bench->config, 1500), 1500);
	bench->input.now = 2999;
	sync_tells(bench, "");
	bench->input.now = 3000;
	sync_tells(bench, VIP6 "=withdrawn/0");
	routes_are("240", "blackhole " VIP4 " metric 100;");
	assert_int_equal(adverts_due(bench->adverts, &bench->config, 3000), 0);
	want(bench, VIP6)->drained = false;
	sync_tells(bench, VIP6 "=advertised/100");
}

static void a_dead_runs_routes_are_taken_over_or_swept(void **state)
{
	struct bench *bench = *state;

	live_run("ip route add blackhole " VIP4 " proto 240 metric 100");
	live_run("ip route add blackhole " VIP4 " proto 240 metric 200");
	live_run("ip route add blackhole 203.0.113.66 proto 240 metric 100 table 77");
	live_run("ip -6 route add blackhole 2001:db8:203::66 proto 240 metric 100");
	live_run("ip route add blackhole 203.0.113.67 proto 241 metric 100");
	live_run("ip route add blackhole 198.51.100.0/24 proto 240 metric 100");
	/* One that is there already needs less to stay. */
	want(bench, VIP4)->enough = false;
	sync_tells(bench, VIP4 "=advertised/100 " VIP6 "=advertised/100");
	routes_are("240", "blackhole 198.51.100.0/24 metric 100;blackhole " VIP4 " metric 100;blackhole " VIP6
			  " metric 100;");
	routes_are("241", "blackhole 203.0.113.67 metric 100;");
}

static void a_removed_route_is_put_back(void **state)
{
	struct bench *bench = *state;

	assert_int_equal(adverts_sync(bench->adverts, &bench->input), 0);
	live_run("ip route del blackhole " VIP4);
	sync_tells(bench, "");
	routes_are("240", "blackhole " VIP6 " metric 100;");
	bench->input.audit = true;
	sync_tells(bench, "");
	routes_are("240", "blackhole " VIP4 " metric 100;blackhole " VIP6 " metric 100;");
}

static bool heard(struct bench *bench, const char *vip, uint8_t protocol, bool came, bool replaces)
{
	const struct rt_host_event event = {
		.route = {test_addr(vip), protocol, 254, 100}, .came = came, .replaces = replaces};

	return adverts_heard(bench->adverts, &event);
}

static void a_removed_route_is_put_back_at_once_and_then_once_a_second(void **state)
{
	struct bench *bench = *state;
	const struct advert_row *rows;

	assert_int_equal(adverts_sync(bench->adverts, &bench->input), 0);
	live_run("ip route del blackhole " VIP4);
	assert_true(heard(bench, VIP4, 240, false, false));
	sync_tells(bench, "");
	routes_are("240", "blackhole " VIP4 " metric 100;blackhole " VIP6 " metric 100;");
	assert_int_equal(adverts_returned(bench->adverts), 1);
	assert_int_equal(adverts_due(bench->adverts, &bench->config, 1000), 0);
	bench->input.now = 1300;
	live_run("ip route del blackhole " VIP4);
	assert_true(heard(bench, VIP4, 240, false, false));
	sync_tells(bench, VIP4 "=withdrawn/0");
	assert_int_equal(adverts_rows(bench->adverts, &rows), 2);
	assert_non_null(strstr(rows[0].reason, "somebody else"));
	routes_are("240", "blackhole " VIP6 " metric 100;");
	assert_int_equal(adverts_due(bench->adverts, &bench->config, 1300), 700);
	bench->input.now = 2000;
	sync_tells(bench, VIP4 "=advertised/100");
	assert_int_equal(adverts_returned(bench->adverts), 2);
	assert_int_equal(adverts_due(bench->adverts, &bench->config, 2000), 0);
}

static void a_route_in_its_place_is_seen(void **state)
{
	struct bench *bench = *state;
	const struct advert_row *rows;

	assert_int_equal(adverts_sync(bench->adverts, &bench->input), 0);
	live_run("ip route replace unreachable " VIP4 " metric 100");
	assert_true(heard(bench, VIP4, 0, true, true));
	sync_tells(bench, VIP4 "=withdrawn/0");
	assert_int_equal(adverts_rows(bench->adverts, &rows), 2);
	assert_non_null(strstr(rows[0].reason, "another route"));
}

/* What comes late of our own, and what is about routes of others. */
static void what_changes_nothing_is_no_loss(void **state)
{
	struct bench *bench = *state;

	assert_int_equal(adverts_sync(bench->adverts, &bench->input), 0);
	assert_false(heard(bench, VIP4, 240, true, false));
	assert_false(heard(bench, VIP4, 241, false, false));
	assert_false(heard(bench, VIP4, 241, true, false));
	assert_false(heard(bench, "203.0.113.66", 240, false, false));
	assert_true(heard(bench, VIP4, 240, false, false)); /* an event that comes late, */
	assert_true(heard(bench, VIP4, 240, true, false));  /* and the one behind it */
	sync_tells(bench, "");
	assert_int_equal(adverts_returned(bench->adverts), 0);
	want(bench, VIP4)->enough = want(bench, VIP4)->holds = false;
	sync_tells(bench, VIP4 "=withdrawn/0");
	assert_false(heard(bench, VIP4, 240, false, false));
}

static void protocol_table_and_metric_follow_the_file(void **state)
{
	struct bench *bench = *state;

	bench->input.count = 1;
	bench->wants[0] = *want(bench, VIP4);
	assert_int_equal(adverts_sync(bench->adverts, &bench->input), 0);
	bench->config.protocol = 241;
	sync_tells(bench, "");
	routes_are("240", "");
	routes_are("241", "blackhole " VIP4 " metric 100;");
	bench->config.metric = 50;
	bench->config.table = 77;
	sync_tells(bench, VIP4 "=advertised/50");
	routes_are("241", "blackhole " VIP4 " table 77 metric 50;");
	bench->input.count = 0;
	sync_tells(bench, VIP4 "=withdrawn/0");
	routes_are("241", "");
}

static void anothers_route_is_in_the_way(void **state)
{
	struct bench *bench = *state;
	const struct advert_row *rows;

	live_run("ip route add unreachable " VIP4 " metric 100");
	sync_tells(bench, VIP4 "=withdrawn/0 " VIP6 "=advertised/100");
	assert_int_equal(adverts_rows(bench->adverts, &rows), 2);
	assert_non_null(strstr(rows[0].reason, "another route"));
	live_run("ip route del unreachable " VIP4);
	sync_tells(bench, VIP4 "=advertised/100");
}

static void withdrawn_with_and_without_a_daemon(void **state)
{
	struct bench *bench = *state;
	size_t count = 0;

	assert_int_equal(adverts_sync(bench->adverts, &bench->input), 0);
	assert_int_equal(adverts_sweep(bench->query, 241, &count), 0);
	assert_int_equal(count, 0);
	assert_int_equal(adverts_sweep(bench->query, 240, &count), 0);
	assert_int_equal(count, 2);
	routes_are("240", "");
	assert_int_equal(adverts_sync(bench->adverts, &bench->input), 0);
	bench->told[0] = '\0';
	adverts_withdraw(bench->adverts, bench->query);
	assert_string_equal(bench->told, VIP4 "=withdrawn/0 " VIP6 "=withdrawn/0");
	routes_are("240", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_combination_is_decided),
		cmocka_unit_test_setup_teardown(come_and_go, setup, teardown),
		cmocka_unit_test_setup_teardown(drains_then_goes, setup, teardown),
		cmocka_unit_test_setup_teardown(a_dead_runs_routes_are_taken_over_or_swept, setup, teardown),
		cmocka_unit_test_setup_teardown(a_removed_route_is_put_back, setup, teardown),
		cmocka_unit_test_setup_teardown(a_removed_route_is_put_back_at_once_and_then_once_a_second,
						setup, teardown),
		cmocka_unit_test_setup_teardown(a_route_in_its_place_is_seen, setup, teardown),
		cmocka_unit_test_setup_teardown(what_changes_nothing_is_no_loss, setup, teardown),
		cmocka_unit_test_setup_teardown(protocol_table_and_metric_follow_the_file, setup, teardown),
		cmocka_unit_test_setup_teardown(anothers_route_is_in_the_way, setup, teardown),
		cmocka_unit_test_setup_teardown(withdrawn_with_and_without_a_daemon, setup, teardown),
	};

	if (!live_possible("adverts_live_test"))
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
