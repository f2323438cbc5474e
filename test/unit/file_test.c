/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The file: what is taken, and the values it must have.
 */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "file_text.h"

#define GOOD "test/files/good"

static void check_good(const char *path)
{
	struct config *config = NULL;
	struct file_error error = {0};
	char got[1024];
	int err = file_load(path, &config, &error);

	if (err)
		print_error("%s\n", first_line(&error, got));
	assert_int_equal(err, 0);
	config_free(config);
}

static void good_files_are_taken(void **state)
{
	(void)state;
	assert_true(each_file(GOOD, check_good) >= 4);
	check_good("examples/shunt.yaml");
}

static void assert_address(const struct addr *addr, const char *text)
{
	char got[ADDR_TEXT_SIZE];

	assert_string_equal(addr_format(addr, got), text);
}

static void values_arrive(void **state)
{
	struct config *config = parse(
		"role: director\n"
		"interfaces:\n"
		"  - {match: 'eth*', mode: native}\n"
		"  - {mode: generic, match: ens3}\n"
		"  - bond0\n"
		"services:\n"
		"  - backends: [198.51.100.12, {address: 198.51.100.11, weight: 1000},"
		" {address: 198.51.100.13, weight: 0}]\n"
		"    scheduler: random\n"
		"    forward: l2\n"
		"    ports: [65535/udp, any/tcp, 1/tcp]\n"
		"    vip: 203.0.113.10\n"
		"    advertise: false\n"
		"    name: a.B-c_9\n"
		"  - {name: b, vip: '2001:db8::', ports: [53/udp], forward: auto, remote: l3,"
		" backends: ['2001:db8:1::1']}\n");
	const struct config_service *service = config->services;

	(void)state;
	assert_int_equal(config->role, ROLE_DIRECTOR);
	assert_int_equal(config->interfaces_count, 3);
	assert_string_equal(config->interfaces[0].match, "eth*");
	assert_int_equal(config->interfaces[0].mode, ATTACH_NATIVE);
	assert_string_equal(config->interfaces[1].match, "ens3");
	assert_int_equal(config->interfaces[1].mode, ATTACH_GENERIC);
	assert_string_equal(config->interfaces[2].match, "bond0");
	assert_int_equal(config->interfaces[2].mode, ATTACH_AUTO);
	assert_int_equal(config->services_count, 2);
	assert_string_equal(service->name, "a.B-c_9");
	assert_address(&service->vip, "203.0.113.10");
	assert_int_equal(service->forward, FORWARD_L2);
	assert_int_equal(service->scheduler, SCHEDULER_RANDOM);
	assert_int_equal(service->ports_count, 3);
	assert_int_equal(service->ports[0].port, 65535);
	assert_int_equal(service->ports[0].protocol, IPPROTO_UDP);
	assert_int_equal(service->ports[1].port, 0);
	assert_int_equal(service->ports[1].protocol, IPPROTO_TCP);
	assert_int_equal(service->ports[2].port, 1);
	assert_int_equal(service->backends_count, 3);
	assert_address(&service->backends[0].address, "198.51.100.12");
	assert_int_equal(service->backends[0].weight, 1);
	assert_int_equal(service->backends[1].weight, 1000);
	assert_int_equal(service->backends[2].weight, 0);
	service++;
	assert_address(&service->vip, "2001:db8::");
	assert_int_equal(service->forward, FORWARD_AUTO);
	assert_int_equal(service->remote, FORWARD_L3);
	assert_int_equal(service->scheduler, SCHEDULER_MAGLEV);
	assert_address(&service->backends[0].address, "2001:db8:1::1");
	config_free(config);
}

static void tunnels_are_read(void **state)
{
	struct config *config = parse(
		"tunnel: {source: 198.18.255.0/24, source6: '2001:db8:ff::/64', port: 6081}\n"
		"services:\n"
		"  - {name: a, vip: 203.0.113.1, ports: [80/tcp], forward: gue,"
		" backends: ['2001:db8:1::1']}\n"
		"  - {name: b, vip: 203.0.113.2, ports: [80/tcp], backends: [198.51.100.1]}\n"
		"  - {name: c, vip: 203.0.113.3, ports: [80/tcp], forward: l3, dscp: 63,"
		" backends: [198.51.100.1]}\n");

	(void)state;
	assert_address(&config->tunnel.source.addr, "198.18.255.0");
	assert_int_equal(config->tunnel.source.length, 24);
	assert_address(&config->tunnel.source6.addr, "2001:db8:ff::");
	assert_int_equal(config->tunnel.source6.length, 64);
	assert_int_equal(config->tunnel.port, 6081);
	assert_int_equal(config->services[0].forward, FORWARD_GUE);
	assert_int_equal(config->services[1].forward, FORWARD_AUTO);
	assert_int_equal(config->services[1].remote, FORWARD_IPIP);
	assert_true(config_tunnels(&config->services[1]));
	assert_int_equal(config->services[2].dscp, 63);
	assert_true(config_restores(&config->services[2]));
	config_free(config);
}

static void ids_are_read(void **state)
{
	struct config *config = parse(
		"services:\n"
		"  - {name: a, vip: 203.0.113.1, ports: [443/udp], quic-id: {bytes: 8, offset: 12}, "
		"backends: ["
		"{address: 198.51.100.1, id: 0xFEDCBA9876543210}, {id: 7, address: 198.51.100.2}]}\n"
		"  - {name: b, vip: 203.0.113.2, ports: [443/udp], quic-id: {bytes: 1}, backends: ["
		"{address: 198.51.100.1, id: 0}]}\n"
		"  - {name: c, vip: 203.0.113.3, ports: [443/udp], backends: [198.51.100.1]}\n");
	const struct config_service *services = config->services;

	(void)state;
	assert_int_equal(services[0].quic_id.offset, 12);
	assert_int_equal(services[0].quic_id.bytes, 8);
	assert_true(services[0].backends[0].id == 0xFEDCBA9876543210);
	assert_int_equal(services[0].backends[1].id, 7);
	assert_int_equal(services[1].quic_id.offset, 1); /* behind QUIC-LB's first octet */
	assert_int_equal(services[1].quic_id.bytes, 1);
	assert_int_equal(services[2].quic_id.bytes, 0);
	config_free(config);
}

static void defaults_hold(void **state)
{
	struct config *config = parse("services: []\n");

	(void)state;
	assert_int_equal(config->role, ROLE_AUTO);
	assert_int_equal(config->interfaces_count, 0);
	assert_int_equal(config->services_count, 0);
	assert_int_equal(config->audit, 30000);
	config_free(config);
	config_free(NULL);
}

static void idle_is_in_milliseconds(void **state)
{
	static const struct {
		const char *text;
		uint32_t idle;
	} rows[] = {
		{FORWARD("forward: l2"), 300000},
		{FORWARD("forward: l2\n  idle: 1s"), 1000},
		{FORWARD("forward: l2\n  idle: 2500ms"), 2500},
		{FORWARD("forward: l2\n  idle: 24h"), 86400000},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct config *config = parse(rows[i].text);

		assert_int_equal(config->services[0].idle, rows[i].idle);
		config_free(config);
	}
}

static void durations_are_milliseconds(void **state)
{
	static const struct {
		const char *text;
		uint32_t ms;
	} rows[] = {{"1s", 1000},     {"1000ms", 1000}, {"1500ms", 1500}, {"2m", 120000},
		    {"60m", 3600000}, {"1h", 3600000},	{"off", 0}};
	char text[64];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct config *config;

		snprintf(text, sizeof(text), "audit: %s\nservices: []\n", rows[i].text);
		config = parse(text);
		assert_int_equal(config->audit, rows[i].ms);
		config_free(config);
	}
}

/* Every name that the file takes is the name that is printed. */
static void names_agree_with_the_file(void **state)
{
	static const struct {
		const char *name, *text;
	} rows[] = {
		{"auto", "interfaces: [a]\nrole: auto\nservices: []\n"},
		{"director", "interfaces: [a]\nrole: director\nservices: []\n"},
		{"backend", "interfaces: [a]\nrole: backend\nservices: []\n"},
		{"both", "interfaces: [a]\nrole: both\nservices: []\n"},
		{"auto", "interfaces: [{match: a, mode: auto}]\nservices: []\n"},
		{"native", "interfaces: [{match: a, mode: native}]\nservices: []\n"},
		{"generic", "interfaces: [{match: a, mode: generic}]\nservices: []\n"},
		{"auto", FORWARD("forward: auto\n  remote: l3")},
		{"l2", FORWARD("forward: l2")},
		{"l3", FORWARD("forward: l3")},
		{"maglev", FORWARD("forward: l2\n  scheduler: maglev")},
		{"random", FORWARD("forward: l2\n  scheduler: random")},
		{"tcp", PORTS("[1/tcp]")},
		{"udp", PORTS("[1/udp]")},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct config *config = parse(rows[i].text);
		const struct config_service *service = config->services;
		const char *got;

		if (i < 4)
			got = role_name(config->role);
		else if (i < 7)
			got = attach_mode_name(config->interfaces[0].mode);
		else if (i < 10)
			got = forward_name(service->forward);
		else if (i < 12)
			got = scheduler_name(service->scheduler);
		else
			got = protocol_name(service->ports[0].protocol);
		assert_string_equal(got, rows[i].name);
		config_free(config);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_files_are_taken),
		cmocka_unit_test(values_arrive),
		cmocka_unit_test(tunnels_are_read),
		cmocka_unit_test(ids_are_read),
		cmocka_unit_test(defaults_hold),
		cmocka_unit_test(idle_is_in_milliseconds),
		cmocka_unit_test(durations_are_milliseconds),
		cmocka_unit_test(names_agree_with_the_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
