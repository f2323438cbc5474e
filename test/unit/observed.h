/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Observed and desired states in a line each, for tests of what reads them.
 */
#ifndef SHUNT_TEST_OBSERVED_H
#define SHUNT_TEST_OBSERVED_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include <shunt/rt.h>

#include "config.h"

static inline struct addr test_addr(const char *text)
{
	struct addr addr;

	if (addr_parse(text, &addr))
		fail_msg("%s is no address", text);
	return addr;
}

static inline void test_link(struct rt_state *state, int ifindex, const char *name, const char *kind)
{
	struct rt_link link = {.ifindex = ifindex, .mtu = 1500, .up = true, .carrier = true};

	strncpy(link.name, name, sizeof(link.name) - 1);
	strncpy(link.kind, kind, sizeof(link.kind) - 1);
	link.loopback = strcmp(name, "lo") == 0;
	assert_int_equal(rt_state_put_link(state, &link), 0);
}

static inline void test_address(struct rt_state *state, int ifindex, const char *text, uint8_t length,
				uint8_t protocol)
{
	struct rt_addr record = {
		.ifindex = ifindex, .addr = test_addr(text), .length = length, .protocol = protocol};

	assert_int_equal(rt_state_put_addr(state, &record), 0);
}

#endif
