/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Truth tables of netlink/addr.c: text, order, coverage. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include <shunt/addr.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct addr parsed(const char *text)
{
	struct addr addr;

	assert_int_equal(addr_parse(text, &addr), 0);
	return addr;
}

static void text_in_and_out(void **state)
{
	static const struct {
		const char *in, *out;
		int family;
	} cases[] = {
		{"192.0.2.1", "192.0.2.1", ADDR_IPV4},
		{"0.0.0.0", "0.0.0.0", ADDR_IPV4},
		{"255.255.255.255", "255.255.255.255", ADDR_IPV4},
		{"2001:db8::1", "2001:db8::1", ADDR_IPV6},
		{"2001:DB8:0:0:0:0:0:1", "2001:db8::1", ADDR_IPV6},
		{"::", "::", ADDR_IPV6},
		{"::ffff:192.0.2.1", "::ffff:192.0.2.1", ADDR_IPV6},
	};
	char text[ADDR_TEXT_SIZE];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct addr addr = parsed(cases[i].in);

		assert_int_equal(addr.family, cases[i].family);
		assert_string_equal(addr_format(&addr, text), cases[i].out);
		assert_ptr_equal(addr_format(&addr, text), text);
	}
}

static void bad_text_is_refused_and_out_untouched(void **state)
{
	static const char *const bad[] = {
		"",
		" 192.0.2.1",
		"192.0.2",
		"192.0.2.256",
		"192.0.2.1/32",
		"192.0.2.01",
		"192.0.2.1 ",
		"2001:db8::1%eth0",
		"2001:db8::1/64",
		"2001:db8:::1",
		"12345::",
		"1:2:3:4:5:6:7:8:9",
		"web",
	};
	struct addr untouched, addr;

	(void)state;
	memset(&untouched, 0xa5, sizeof(untouched));
	for (size_t i = 0; i < COUNT(bad); i++) {
		addr = untouched;
		assert_int_equal(addr_parse(bad[i], &addr), -EINVAL);
		assert_memory_equal(&addr, &untouched, sizeof(addr));
	}
}

static void ipv4_leaves_the_rest_zero(void **state)
{
	static const uint8_t expect[16] = {192, 0, 2, 1};
	struct addr addr;

	(void)state;
	memset(&addr, 0xff, sizeof(addr));
	assert_int_equal(addr_parse("192.0.2.1", &addr), 0);
	assert_memory_equal(addr.bytes, expect, sizeof(expect));
	memset(&addr, 0xff, sizeof(addr));
	assert_int_equal(addr_from_bytes(expect, 4, &addr), 0);
	assert_memory_equal(addr.bytes, expect, sizeof(expect));
}

static void bytes_are_4_or_16(void **state)
{
	static const uint8_t bytes[17] = {0x20, 0x01, 0x0d, 0xb8};
	struct addr addr = {0}, none = {0};

	(void)state;
	for (size_t size = 0; size <= 17; size++) {
		int expect = size == 4 || size == 16 ? 0 : -EINVAL;

		assert_int_equal(addr_from_bytes(bytes, size, &addr), expect);
		if (!expect)
			assert_int_equal(addr_size(&addr), size);
	}
	assert_int_equal(addr_size(&none), 0);
	assert_int_equal(addr_af(&none), AF_UNSPEC);
	addr = parsed("192.0.2.1");
	assert_int_equal(addr_af(&addr), AF_INET);
	addr = parsed("2001:db8::1");
	assert_int_equal(addr_af(&addr), AF_INET6);
}

static void none_is_written_so(void **state)
{
	struct addr none = {0};
	struct prefix nothing = {0};
	char text[ADDR_TEXT_SIZE];

	(void)state;
	assert_string_equal(addr_format(&none, text), "none");
	assert_string_equal(prefix_format(&nothing, text), "none");
}

static void prefixes_are_written_with_their_length(void **state)
{
	struct prefix longest = {.length = 128};
	struct prefix any = {.addr = {.family = ADDR_IPV4}};
	char text[ADDR_TEXT_SIZE];

	(void)state;
	memset(longest.addr.bytes, 0xff, sizeof(longest.addr.bytes));
	longest.addr.family = ADDR_IPV6;
	assert_string_equal(prefix_format(&longest, text), "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128");
	assert_string_equal(prefix_format(&any, text), "0.0.0.0/0");
}

static void order_is_family_then_bytes(void **state)
{
	static const char *const ascending[] = {"0.0.0.0", "10.0.0.1",	  "192.0.2.1", "192.0.2.2",
						"::",	   "2001:db8::1", "2001:db9::"};
	struct addr none = {0};

	(void)state;
	for (size_t i = 0; i < COUNT(ascending); i++) {
		for (size_t j = 0; j < COUNT(ascending); j++) {
			struct addr a = parsed(ascending[i]), b = parsed(ascending[j]);
			int order = addr_compare(&a, &b);

			assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
			assert_int_equal(addr_equal(&a, &b), i == j);
		}
		struct addr some = parsed(ascending[i]);

		assert_true(addr_compare(&none, &some) < 0);
	}
}

static void coverage(void **state)
{
	static const struct {
		const char *prefix;
		uint8_t length;
		const char *addr;
		bool covers;
	} cases[] = {
		{"0.0.0.0", 0, "203.0.113.9", true},
		{"0.0.0.0", 0, "2001:db8::1", false},
		{"::", 0, "2001:db8::1", true},
		{"::", 0, "0.0.0.0", false},
		{"192.0.2.0", 24, "192.0.2.255", true},
		{"192.0.2.0", 24, "192.0.3.0", false},
		{"192.0.2.128", 25, "192.0.2.127", false},
		{"192.0.2.128", 25, "192.0.2.128", true},
		{"192.0.2.4", 30, "192.0.2.7", true},
		{"192.0.2.4", 30, "192.0.2.8", false},
		{"192.0.2.4", 31, "192.0.2.6", false},
		{"192.0.2.4", 32, "192.0.2.4", true},
		{"192.0.2.4", 32, "192.0.2.5", false},
		{"192.0.2.4", 33, "192.0.2.4", false},
		{"128.0.0.0", 1, "255.0.0.1", true},
		{"128.0.0.0", 1, "127.255.255.255", false},
		{"2001:db8::", 33, "2001:db8:7fff::1", true},
		{"2001:db8::", 33, "2001:db8:8000::1", false},
		{"2001:db8::1", 128, "2001:db8::1", true},
		{"2001:db8::1", 128, "2001:db8::2", false},
		{"2001:db8::", 127, "2001:db8::1", true},
		{"2001:db8::", 129, "2001:db8::", false},
	};
	struct prefix nothing = {0};
	struct addr none = {0};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct prefix prefix = {.addr = parsed(cases[i].prefix), .length = cases[i].length};
		struct addr addr = parsed(cases[i].addr);

		if (prefix_covers(&prefix, &addr) != cases[i].covers)
			fail_msg("%s/%u and %s", cases[i].prefix, cases[i].length, cases[i].addr);
		assert_false(prefix_covers(&nothing, &addr));
		assert_false(prefix_covers(&prefix, &none));
	}
	assert_false(prefix_covers(&nothing, &none));
}

static void macs(void **state)
{
	static const uint8_t mac[6] = {0x02, 0x00, 0x5e, 0x10, 0xab, 0xff};
	char text[MAC_TEXT_SIZE];

	(void)state;
	assert_string_equal(mac_format(mac, text), "02:00:5e:10:ab:ff");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_in_and_out),
		cmocka_unit_test(bad_text_is_refused_and_out_untouched),
		cmocka_unit_test(ipv4_leaves_the_rest_zero),
		cmocka_unit_test(bytes_are_4_or_16),
		cmocka_unit_test(none_is_written_so),
		cmocka_unit_test(prefixes_are_written_with_their_length),
		cmocka_unit_test(order_is_family_then_bytes),
		cmocka_unit_test(coverage),
		cmocka_unit_test(macs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
