/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The frames that `shunt explain` asks about: lengths and checksums, and what is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <netinet/in.h>

#include "frame.h"

static struct frame frame_of(enum frame_kind kind, const char *client, const char *vip)
{
	struct frame frame = {.client_port = 40001, .vip_port = 443, .kind = kind};

	frame.protocol = kind <= FRAME_ACK ? IPPROTO_TCP : IPPROTO_UDP;
	assert_int_equal(addr_parse(client, &frame.client), 0);
	assert_int_equal(addr_parse(vip, &frame.vip), 0);
	return frame;
}

/* All 16-bit words, and the pseudo header's rest: 0xffff where a checksum in it is right (RFC 1071). */
static uint32_t sum_of(const uint8_t *at, size_t size, uint32_t sum)
{
	for (size_t i = 0; i + 1 < size; i += 2)
		sum += (uint32_t)at[i] << 8 | at[i + 1];
	if (size & 1)
		sum += (uint32_t)at[size - 1] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static void check_ipv4(const struct frame *frame, const uint8_t *ip, size_t size)
{
	assert_int_equal(ip[2] << 8 | ip[3], size);
	assert_int_equal(sum_of(ip, 20, 0), 0xffff);
	assert_int_equal(sum_of(ip + 12, size - 12, (uint32_t)(frame->protocol + size - 20)), 0xffff);
}

static void check_ipv6(const struct frame *frame, const uint8_t *ip, size_t size)
{
	assert_int_equal(ip[4] << 8 | ip[5], size - 40);
	assert_int_equal(sum_of(ip + 8, size - 8, (uint32_t)(frame->protocol + size - 40)), 0xffff);
}

static void check_frame(struct frame frame, size_t more)
{
	uint8_t out[FRAME_MAX];

	frame.size = frame_least(&frame) + more;
	assert_int_equal(frame_make(&frame, out), frame.size);
	if (frame.vip.family == ADDR_IPV4)
		check_ipv4(&frame, out + 14, frame.size - 14);
	else
		check_ipv6(&frame, out + 14, frame.size - 14);
}

static void lengths_and_checksums_are_right(void **state)
{
	(void)state;
	for (int kind = 0; kind < FRAME_KINDS; kind++) {
		for (size_t more = 0; more < 700; more += 233) {
			check_frame(frame_of(kind, "198.18.0.1", "203.0.113.10"), more);
			check_frame(frame_of(kind, "2001:db8::1", "2001:db8::10"), more);
		}
	}
}

static void the_least_is_taken_where_no_size_is_named(void **state)
{
	struct frame frame = frame_of(FRAME_SYN, "198.18.0.1", "203.0.113.10");
	uint8_t out[FRAME_MAX];

	(void)state;
	assert_int_equal(frame_make(&frame, out), 54);
	frame = frame_of(FRAME_INITIAL, "2001:db8::1", "2001:db8::10");
	assert_int_equal(frame_make(&frame, out), 14 + 40 + 8 + 1200);
}

static void other_sizes_are_refused(void **state)
{
	struct frame frame = frame_of(FRAME_SYN, "198.18.0.1", "203.0.113.10");
	uint8_t out[FRAME_MAX];

	(void)state;
	frame.size = 53;
	assert_int_equal(frame_make(&frame, out), 0);
	frame.size = FRAME_MAX + 1;
	assert_int_equal(frame_make(&frame, out), 0);
	frame.size = FRAME_MAX;
	assert_int_equal(frame_make(&frame, out), FRAME_MAX);
}

static void its_ttl_is_what_is_asked_for(void **state)
{
	struct frame four = frame_of(FRAME_SYN, "198.18.0.1", "203.0.113.10");
	struct frame six = frame_of(FRAME_DATAGRAM, "2001:db8::1", "2001:db8::10");
	uint8_t out[FRAME_MAX];

	(void)state;
	assert_true(frame_make(&four, out));
	assert_int_equal(out[14 + 8], 64);
	four.ttl = 1;
	assert_true(frame_make(&four, out));
	assert_int_equal(out[14 + 8], 1);
	check_frame(four, 0);
	six.ttl = 255;
	assert_true(frame_make(&six, out));
	assert_int_equal(out[14 + 7], 255);
}

static void kinds_have_names(void **state)
{
	(void)state;
	for (int kind = 0; kind < FRAME_KINDS; kind++)
		assert_int_equal(frame_kind_named(frame_kind_name(kind)), kind);
	assert_int_equal(frame_kind_named("fin"), FRAME_KINDS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lengths_and_checksums_are_right),
		cmocka_unit_test(the_least_is_taken_where_no_size_is_named),
		cmocka_unit_test(other_sizes_are_refused),
		cmocka_unit_test(its_ttl_is_what_is_asked_for),
		cmocka_unit_test(kinds_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
