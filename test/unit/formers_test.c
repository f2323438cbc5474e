/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which restore entries of a former file go on: never one by which something comes in that the file does not
 * let in.
 */
#include "observed.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "endpoint.h"
#include "formers.h"
#include "restore.h"

#define OWN   "198.51.100.1"
#define OTHER "198.51.100.2" /* another node's */
#define A     "203.0.113.10"
#define B     "203.0.113.20"
#define OWN6  "2001:db8:51::1"
#define A6    "2001:db8:203::10"

struct serves {
	const char *vip;
	enum forward forward;
	uint32_t dscp;
	const char *backend;
};

static const struct fact {
	const char *name;
	struct serves file[2];
	struct {
		uint8_t protocol; /* 0: a mark */
		uint16_t port;
		const char *own, *vip;
	} entry;     /* of the former file */
	size_t more; /* entries than the file asks for */
} facts[] = {
	{"to ipip", {{A, FORWARD_IPIP, 0, OWN}}, {IPPROTO_TCP, 80, OWN, A}, 1},
	{"to l2", {{A, FORWARD_L2, 0, OWN}}, {IPPROTO_TCP, 80, OWN, A}, 1},
	{"a mark, to gue", {{A, FORWARD_GUE, 0, OWN}}, {0, 10, OWN, A}, 1},
	{"another mark now", {{A, FORWARD_L3, 20, OWN}}, {0, 10, OWN, A}, 1},
	{"a mark, and none now", {{A, FORWARD_L3, 0, OWN}}, {0, 10, OWN, A}, 1},
	{"none, and a mark now: direct traffic works",
	 {{A, FORWARD_L3, 10, OWN}},
	 {IPPROTO_TCP, 80, OWN, A},
	 0},
	{"another port than is restored now", {{A, FORWARD_L3, 0, OWN}}, {IPPROTO_TCP, 81, OWN, A}, 1},
	{"the file asks for it", {{A, FORWARD_L3, 0, OWN}}, {IPPROTO_TCP, 80, OWN, A}, 0},
	{"its key is another VIP's now",
	 {{A, FORWARD_IPIP, 0, OWN}, {B, FORWARD_L3, 0, OWN}},
	 {IPPROTO_TCP, 80, OWN, A},
	 0},
	{"it might take what is another VIP's",
	 {{A, FORWARD_IPIP, 0, OWN}, {B, FORWARD_L3, 0, OWN}},
	 {IPPROTO_UDP, 53, OWN, A},
	 0},
	{"the other VIP comes in a tunnel",
	 {{A, FORWARD_IPIP, 0, OWN}, {B, FORWARD_GUE, 0, OWN}},
	 {IPPROTO_TCP, 80, OWN, A},
	 1},
	{"the other VIP is another node's",
	 {{A, FORWARD_IPIP, 0, OWN}, {B, FORWARD_L3, 0, OTHER}},
	 {IPPROTO_TCP, 80, OWN, A},
	 1},
	{"IPv6", {{A6, FORWARD_IPIP, 0, OWN6}}, {IPPROTO_UDP, 80, OWN6, A6}, 1},
	{"IPv6, none, and a mark now", {{A6, FORWARD_L3, 1, OWN6}}, {IPPROTO_UDP, 80, OWN6, A6}, 0},
	{"IPv6, another mark now", {{A6, FORWARD_L3, 1, OWN6}}, {0, 2, OWN6, A6}, 1},
	{"the VIP is served no more", {{B, FORWARD_IPIP, 0, OWN}}, {IPPROTO_TCP, 80, OWN, A}, 0},
	{"the VIP is another node's now", {{A, FORWARD_IPIP, 0, OTHER}}, {IPPROTO_TCP, 80, OWN, A}, 0},
	{"the address is no longer its own", {{A, FORWARD_IPIP, 0, OTHER}}, {IPPROTO_TCP, 80, OTHER, A}, 0},
};

static enum dataplane_hash hash_of(const struct fact *fact)
{
	return strchr(fact->entry.vip, ':') ? HASH_RESTORE6 : HASH_RESTORE4;
}

static void put_entry(const struct fact *fact, struct former_restore *out)
{
	const struct addr own = test_addr(fact->entry.own), vip = test_addr(fact->entry.vip);
	const struct config_port port = {.port = fact->entry.port, .protocol = fact->entry.protocol};

	*out = (struct former_restore){.hash = hash_of(fact), .end = 1};
	endpoint_entry(&own, &port, vip.bytes, addr_size(&vip), out->entry);
}

static size_t entries(const struct fact *fact, const struct rt_state *state, enum role role,
		      const struct formers *formers)
{
	struct config_service services[2] = {0};
	struct config_backend backends[2] = {0};
	struct config_port port = {.port = 80, .protocol = IPPROTO_TCP};
	struct config config = {.services = services};
	struct dataplane_entries want;

	for (; config.services_count < 2 && fact->file[config.services_count].vip; config.services_count++) {
		const struct serves *serves = &fact->file[config.services_count];

		backends[config.services_count].address = test_addr(serves->backend);
		services[config.services_count] = (struct config_service){
			.vip = test_addr(serves->vip),
			.ports_count = 1,
			.ports = &port,
			.forward = serves->forward,
			.dscp = serves->dscp,
			.backends_count = 1,
			.backends = &backends[config.services_count]};
	}
	assert_int_equal(restore_want(&config, state, role, hash_of(fact), formers, &want), 0);
	free(want.all);
	return want.count;
}

static void what_goes_on(void **unused)
{
	struct rt_state *state;

	(void)unused;
	assert_int_equal(rt_state_new(&state), 0);
	test_link(state, 2, "eth0", "");
	test_address(state, 2, OWN, 24, 0);
	test_address(state, 2, OWN6, 64, 0);
	for (size_t i = 0; i < sizeof(facts) / sizeof(*facts); i++) {
		struct former_restore former;
		const struct formers formers = {&former, 1};
		size_t more;

		put_entry(&facts[i], &former);
		more = entries(&facts[i], state, ROLE_BACKEND, &formers) -
		       entries(&facts[i], state, ROLE_BACKEND, NULL);
		if (more != facts[i].more)
			fail_msg("%s: %zu more, not %zu", facts[i].name, more, facts[i].more);
		assert_int_equal(entries(&facts[i], state, ROLE_DIRECTOR, &formers), 0);
	}
	rt_state_free(state);
}

static void they_end_by_time(void **unused)
{
	struct formers formers = {calloc(3, sizeof(*formers.all)), 3};

	(void)unused;
	formers.all[0].end = 30;
	formers.all[1].end = 10;
	formers.all[2].end = 20;
	assert_int_equal(formers_expire(&formers, 9), 10);
	assert_int_equal(formers.count, 3);
	assert_int_equal(formers_expire(&formers, 10), 20);
	assert_int_equal(formers.count, 2);
	assert_int_equal(formers_expire(&formers, 99), 0);
	assert_int_equal(formers.count, 0);
	formers_clear(&formers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_goes_on),
		cmocka_unit_test(they_end_by_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
