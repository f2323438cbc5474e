/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The file's errors: each row a text and the one error it must give.
 *
 * The files in test/files/broken carry their error in their first line, "# expect LINE:COLUMN TEXT".
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "file_text.h"

#define BROKEN "test/files/broken"

struct row {
	const char *text;
	size_t size; /* 0: up to the NUL */
	const char *error;
};

static const struct row errors[] = {
	/* the text */
	{"", 0, "f:1:1: the file says nothing; the least is 'services: []'"},
	{"\n\n", 0, "f:1:1: the file says nothing; the least is 'services: []'"},
	{"---\n", 0, "f:2:1: the file must be keys with values; write one such as 'services: []'"},
	{"\xef\xbb\xbf# mark\nx: 1\n", 0,
	 "f:2:1: unknown key 'x' in the file; valid: role, interfaces, services, audit, advertise, tunnel"},
	{"role: auto\r\nroel: both\r\n", 0, "f:2:1: unknown key 'roel' in the file; did you mean 'role'?"},
	{"role: auto\rservices: []\n", 0,
	 "f:1:11: a carriage return without a line feed; end lines with a line feed"},
	{"services: []\n\0", 14, "f:2:1: control character U+0000; remove it"},
	{"r\0o\0l\0", 6, "f:1:2: control character U+0000; remove it"},
	{"\xff\xfer\0", 4, "f:1:1: byte 0xff is not UTF-8; save the file as UTF-8"},
	{"# \xc3\xa4 \xc0\x80\n", 0, "f:1:5: byte 0xc0 is not UTF-8; save the file as UTF-8"},
	{"# \xed\xa0\x80\n", 0, "f:1:3: byte 0xed is not UTF-8; save the file as UTF-8"},
	{"# \xf4\x90\x80\x80\n", 0, "f:1:3: byte 0xf4 is not UTF-8; save the file as UTF-8"},
	{"# \xe0\x80\xaf\n", 0, "f:1:3: byte 0xe0 is not UTF-8; save the file as UTF-8"},
	{"# \xe2\x82", 0, "f:1:3: byte 0xe2 is not UTF-8; save the file as UTF-8"},
	{"# \xc2\x85\n", 0, "f:1:3: control character U+0085; remove it"},
	{"# \xe2\x80\xa8\n", 0, "f:1:3: control character U+2028; remove it"},
	{"# \xef\xbb\xbf\n", 0, "f:1:3: control character U+FEFF; remove it"},
	{"services:\n \t- name: web\n", 0, "f:2:2: a tab indents this line; YAML needs blanks there"},
	{"services: [\n\t]\n", 0, "f:2:1: a tab indents this line; YAML needs blanks there"},
	/* YAML */
	{"services: [\n", 0,
	 "f:2:1: a value was expected here; write it, or check the brackets and commas before"},
	{"services: ]\n", 0,
	 "f:1:11: a value was expected here; write it, or check the brackets and commas before"},
	{"services: []\n...\nx: 1\n", 0,
	 "f:3:1: nothing may follow here; line it up with the keys above it, or remove it"},
	{"services: []\n  role: auto\n", 0,
	 "f:2:3: expected a key here; line it up with the other keys of its mapping"},
	{"? services\n: []\n? [a]\n", 0,
	 "f:3:3: a key of the file must be a single word; write 'key: value'"},
	{"role: \"a\\0b\"\n", 0, "f:1:7: the value holds a NUL character; remove it"},
	{"role: \"\\q\"\n", 0,
	 "f:1:8: unknown escape; inside \"...\" write '\\\\' for a backslash, or use '...'"},
	{"role: \"a\\nb\"\n", 0,
	 "f:1:7: 'a?b' is not a value of 'role'; valid: auto, director, backend, both"},
	{"role: !x auto\n", 0, "f:1:7: tag '!x': tags are not supported; remove it"},
	{"role: !x!y auto\n", 0, "f:1:7: tags are not supported; quote a value that starts with '!'"},
	{"role: &a auto\n", 0,
	 "f:1:7: anchor '&a': anchors are not supported; write the value out where it is used"},
	{"%TAG ! tag:x,2000:\n---\nservices: []\n", 0,
	 "f:1:1: YAML directives are not supported; remove the lines that start with '%'"},
	{"role: >\n  auto\n", 0,
	 "f:1:7: this value runs on into the next line; check quotes, brackets and the indentation of what "
	 "follows"},
	/* the top level */
	{"role:\nservices: []\n", 0, "f:1:6: 'role' has no value; write a single value, such as auto"},
	{"role: ''\nservices: []\n", 0, "f:1:7: 'role' must be a single value; write one such as auto"},
	{"role: [auto]\nservices: []\n", 0, "f:1:7: 'role' must be a single value; write one such as auto"},
	{"role: both\ninterfaces: []\nservices: []\n", 0,
	 "f:1:7: 'role: both' needs 'interfaces'; add it, such as interfaces: [\"eth*\"]"},
	{"role: both\ninterfaces: [eth0]\n" FORWARD("forward: l2"), 0,
	 "f:1:7: 'role: both' cannot go with 'forward: l2' (service 'web'): a frame that l2 dispatched would "
	 "be "
	 "dispatched again; use 'forward: l3', ipip or gue"},
	{"interfaces:\nservices: []\n", 0,
	 "f:1:12: 'interfaces' has no value; write a list, such as [\"eth*\"]"},
	{"interfaces: [{match: eth0, mod: auto}]\n", 0,
	 "f:1:28: unknown key 'mod' in an interface; did you mean 'mode'?"},
	{"interfaces: [[eth0]]\n", 0,
	 "f:1:14: an interface must be keys with values; write one such as \"eth*\" or {match: \"eth*\", "
	 "mode: auto}"},
	{"interfaces: ['']\n", 0,
	 "f:1:14: '' matches no interface name; write a name or a pattern such as \"eth*\""},
	{"interfaces: [{match: a/b}]\n", 0,
	 "f:1:22: 'a/b' matches no interface name; write a name or a pattern such as \"eth*\""},
	{"interfaces: [eth0, eth0]\n", 0,
	 "f:1:20: pattern 'eth0' is listed twice; the first is on line 1: remove one"},
	{"services: {}\n", 0, "f:1:11: 'services' must be a list; write one such as []"},
	{"services: [{}]\n", 0, "f:1:12: a service needs 'name'; add it, such as name: web"},
	/* addresses */
	{VIP("0.0.0.0"), 0,
	 "f:3:8: '0.0.0.0' is an unspecified address and cannot be a VIP; write a routable unicast "
	 "address"},
	{VIP("255.255.255.255"), 0,
	 "f:3:8: '255.255.255.255' is the broadcast address and cannot be a VIP; write a routable unicast "
	 "address"},
	{VIP("239.1.2.3"), 0,
	 "f:3:8: '239.1.2.3' is a multicast address and cannot be a VIP; write a routable unicast address"},
	{VIP("169.254.0.1"), 0,
	 "f:3:8: '169.254.0.1' is a link-local address and cannot be a VIP; write a routable unicast "
	 "address"},
	{VIP("::1"), 0,
	 "f:3:8: '::1' is the loopback address and cannot be a VIP; write a routable unicast address"},
	{VIP("::ffff:203.0.113.10"), 0,
	 "f:3:8: '::ffff:203.0.113.10' is an IPv4 address in IPv6 form and cannot be a VIP; write a routable "
	 "unicast address"},
	{VIP("fe80::1%eth0"), 0, "f:3:8: 'fe80::1%eth0' has a zone; write a routable unicast address"},
	{VIP("2001:db8::10/128"), 0,
	 "f:3:8: '2001:db8::10/128' has a prefix length; write the address alone: 2001:db8::10"},
	{VIP("203.0.113.010"), 0,
	 "f:3:8: '203.0.113.010' is not an IP address; write one such as 203.0.113.10 or 2001:db8::10"},
	{VIP("~"), 0, "f:3:8: '~' is not an IP address; write one such as 203.0.113.10 or 2001:db8::10"},
	{BACKENDS("[127.0.0.1]"), 0,
	 "f:6:14: '127.0.0.1' is a loopback address and cannot be a backend; write a routable unicast "
	 "address"},
	{BACKENDS("198.51.100.11"), 0,
	 "f:6:13: 'backends' must be a list; write one such as [198.51.100.11, 198.51.100.12]"},
	{BACKENDS("[[198.51.100.11]]"), 0,
	 "f:6:14: a backend must be an address such as 198.51.100.11, or {address: 198.51.100.12, weight: "
	 "2}"},
	{BACKENDS("[{address: 198.51.100.11, weight: }]"), 0,
	 "f:6:47: 'weight' has no value; write a single value, such as 2"},
	{BACKENDS("[{address: 198.51.100.11, weight: 0x10}]"), 0,
	 "f:6:47: '0x10' is not a weight; write a whole number from 0 to 1000"},
	{BACKENDS("[{address: 198.51.100.11, weight: 99999999999999999999}]"), 0,
	 "f:6:47: '99999999999999999999' is not a weight; write a whole number from 0 to 1000"},
	{BACKENDS("[{address: 198.51.100.11, weight: 1.0}]"), 0,
	 "f:6:47: '1.0' is not a weight; write a whole number from 0 to 1000"},
	/* ports */
	{PORTS("[any]"), 0, "f:4:11: 'any' has no protocol; write any/tcp or any/udp"},
	{PORTS("['*/tcp']"), 0, "f:4:11: '*/tcp' has no port number; write one such as 80/tcp"},
	{PORTS("[https]"), 0, "f:4:11: 'https' is not a port; write one such as 80/tcp"},
	{PORTS("[80/TCP]"), 0, "f:4:11: 'TCP' is not a protocol; did you mean 'tcp'?"},
	{PORTS("[80/]"), 0, "f:4:11: '' is not a protocol; valid: tcp, udp"},
	{PORTS("[/tcp]"), 0, "f:4:11: '/tcp' has no port number; write one such as 80/tcp"},
	{PORTS("[080/tcp]"), 0, "f:4:11: '080/tcp' has no port number; write one such as 80/tcp"},
	{PORTS("[+80/tcp]"), 0, "f:4:11: '+80/tcp' has no port number; write one such as 80/tcp"},
	{PORTS("[4294967376/tcp]"), 0,
	 "f:4:11: '4294967376/tcp' is out of range; ports are 1 to 65535, and any/tcp is every port"},
	{PORTS("[[80/tcp]]"), 0, "f:4:11: a port must be a single value, such as 80/tcp"},
	{PORTS("[any/udp, any/udp]"), 0,
	 "f:4:20: any/udp is listed twice; the first is on line 4: remove one"},
	/* forwarding */
	{FORWARD("remote: auto"), 0, "f:5:11: 'remote: auto' cannot be; write ipip, gue or l3"},
	{FORWARD("dscp: 10"), 0,
	 "f:5:9: 'dscp' goes with l3 only; remove it, or write 'forward: l3' or 'remote: l3'"},
	{FORWARD("{forward: l3}"), 0,
	 "f:5:3: a key without ':'; write 'key: value', with a blank after the ':'"},
	{SERVICE("2001:db8::10", "[80/tcp]", "remote: l3", "[198.51.100.11]"), 0,
	 "f:6:14: backend 198.51.100.11 is not of the VIP's family (2001:db8::10), which 'remote: l3' needs; "
	 "use an "
	 "IPv6 backend, 'forward: l2', or a tunnel, such as 'forward: ipip'"},
	/* between services */
	{"services:\n" ONE("a", "203.0.113.1", "[1/tcp]", "l2", "[198.51.100.1]")
		 ONE("b", "203.0.113.2", "[1/tcp]", "l2", "[203.0.113.1]"),
	 0,
	 "f:3:71: backend 203.0.113.1 is the VIP of service 'a' (line 2); write the backend's own address"},
	{"services:\n" ONE("a", "203.0.113.1", "[any/udp]", "l3", "[198.51.100.1]")
		 ONE("b", "203.0.113.2", "[any/udp]", "l3", "[198.51.100.1]"),
	 0,
	 "f:3:73: l3 to 198.51.100.1 cannot tell 'b' (203.0.113.2) from 'a' (203.0.113.1, line 2) at "
	 "any/udp; give each a 'dscp' of its own, or use "
	 "another port, another backend address, 'forward: ipip' or 'forward: l2'"},
	{"services:\n" ONE("a", "203.0.113.1", "[1/tcp]", "l3", "[198.51.100.1]")
		 ONE("b", "203.0.113.2", "[2/tcp]", "l3", "[198.51.100.1]")
			 ONE("c", "203.0.113.1", "[any/tcp]", "l3", "[198.51.100.1]"),
	 0,
	 "f:4:73: l3 to 198.51.100.1 cannot tell 'c' (203.0.113.1) from 'b' (203.0.113.2, line 3) at "
	 "any/tcp; give each a 'dscp' of its own, or use "
	 "another port, another backend address, 'forward: ipip' or 'forward: l2'"},
	{"services:\n" ONE("a", "203.0.113.1", "[9/udp, 1/tcp, 2/tcp]", "l3", "[198.51.100.1]")
		 ONE("b", "203.0.113.2", "[3/tcp, 2/tcp]", "l3", "[198.51.100.2, 198.51.100.1]"),
	 0,
	 "f:3:92: l3 to 198.51.100.1 cannot tell 'b' (203.0.113.2) from 'a' (203.0.113.1, line 2) at 2/tcp; "
	 "give each a 'dscp' of its own, or use "
	 "another port, another backend address, 'forward: ipip' or 'forward: l2'"},
};

static void each_broken_text_has_its_error(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		const struct row *row = &errors[i];
		struct config *config = NULL;
		struct file_error error;
		char got[1024];
		size_t size = row->size ? row->size : strlen(row->text);
		int err = file_parse("f", row->text, size, &config, &error);

		if (!err)
			print_error("row %zu, taken:\n%s", i, row->text);
		assert_int_equal(err, -EINVAL);
		assert_null(config);
		if (strcmp(first_line(&error, got), row->error) != 0)
			print_error("row %zu:\n%s", i, row->text);
		assert_string_equal(got, row->error);
	}
}

/* What the first line of a broken file says, as the error begins. */
static void read_expectation(const char *path, char out[static 1024])
{
	static const char mark[] = "# expect ";
	char line[480], *place, *text;
	FILE *file = fopen(path, "r");

	assert_non_null(file);
	assert_non_null(fgets(line, sizeof(line), file));
	fclose(file);
	assert_memory_equal(line, mark, strlen(mark));
	line[strcspn(line, "\n")] = 0;
	place = line + strlen(mark);
	text = strchr(place, ' ');
	assert_non_null(text);
	*text++ = 0;
	snprintf(out, 1024, "%s:%s: %s", path, place, text);
}

static void check_broken(const char *path)
{
	struct config *config = NULL;
	struct file_error error;
	char want[1024], got[1024];
	int err = file_load(path, &config, &error);

	if (!err)
		print_error("%s is taken\n", path);
	assert_int_equal(err, -EINVAL);
	assert_null(config);
	read_expectation(path, want);
	assert_string_equal(first_line(&error, got), want);
}

static void each_broken_file_has_its_error(void **state)
{
	(void)state;
	assert_true(each_file(BROKEN, check_broken) >= 40);
}

/* What is printed below the error. */
static void the_caret_points_at_the_place(void **state)
{
	static const struct {
		const char *text, *below;
	} rows[] = {
		{"role: auto\n  # x\nroel: both\n", "    roel: both\n    ^\n"},
		{"interfaces:\t[a, a]\n", "    interfaces: [a, a]\n                    ^\n"},
		{"role: \"\xc3\xa4\xe2\x82\xac\" # x\n",
		 "    role: \"\xc3\xa4\xe2\x82\xac\" # x\n          ^\n"},
		{"# \xff\n", "    # ?\n      ^\n"},
		{"services: [{name: " MANY16("abc") ", vip: x, " MANY16("0123456789") ": y}]\n",
		 "    ...bcabcabcabcabcabcabcabcabcabcabc, vip: x, "
		 "0123456789012345678901234567890123456789012345678901234567...\n"
		 "                                              ^\n"},
		{"services: [\n", ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct config *config = NULL;
		struct file_error error;
		char got[1024];

		assert_int_equal(file_parse("f", rows[i].text, strlen(rows[i].text), &config, &error),
				 -EINVAL);
		file_error_format(&error, got, sizeof(got));
		assert_string_equal(strchr(got, '\n') + 1, rows[i].below);
	}
}

static void a_small_buffer_is_not_overrun(void **state)
{
	struct config *config = NULL;
	struct file_error error;
	char whole[1024], got[1024];

	(void)state;
	assert_int_equal(file_parse("f", "roel: x\n", 8, &config, &error), -EINVAL);
	file_error_format(&error, whole, sizeof(whole));
	for (size_t size = 0; size <= strlen(whole) + 1; size++) {
		memset(got, '#', sizeof(got));
		assert_int_equal(file_error_format(&error, got, size), size ? size - 1 : 0);
		if (size)
			assert_int_equal(strlen(got), size - 1);
		assert_int_equal(got[size], '#');
	}
}

/* Long names and addresses: the text is cut, the error still stands. */
static void long_values_are_cut(void **state)
{
	static const char text[] = "services:\n" ONE(MANY16("abc") "a",
						     "'2001:db8:1111:2222:3333:4444:5555:6666'", "[1/tcp]",
						     "l3", "['2001:db8:1111:2222:3333:4444:5555:7777']")
		ONE(MANY16("abc") "b", "'2001:db8:1111:2222:3333:4444:5555:8888'", "[1/tcp]", "l3",
		    "['2001:db8:1111:2222:3333:4444:5555:7777']");
	static const char role[] = "role: " MANY16("\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac") "\n";
	struct config *config = NULL;
	struct file_error error;

	(void)state;
	assert_int_equal(
		file_parse(MANY16("a-long-path-of-some-folder/"), text, strlen(text), &config, &error),
		-EINVAL);
	assert_int_equal(error.line, 3);
	assert_string_equal(error.path + strlen(error.path) - 3, "...");
	assert_int_equal(file_parse("f", role, strlen(role), &config, &error), -EINVAL);
	assert_non_null(strstr(error.text, "\xe2\x82\xac..."));
}

static void unreadable_files_say_why(void **state)
{
	struct config *config = NULL;
	struct file_error error;
	char got[1024];

	(void)state;
	assert_int_equal(file_load("/nonexistent/shunt.yaml", &config, &error), -ENOENT);
	assert_string_equal(
		first_line(&error, got),
		"/nonexistent/shunt.yaml: cannot be read: No such file or directory; check the path");
	assert_int_equal(file_load("/", &config, &error), -EISDIR);
	assert_string_equal(first_line(&error, got), "/: cannot be read: Is a directory; name a file in it");
	assert_int_equal(file_load("/dev/zero", &config, &error), -EFBIG);
	assert_string_equal(first_line(&error, got), "/dev/zero: larger than 16 MiB; is it the right file?");
	assert_int_equal(file_load("/dev/null", &config, &error), -EINVAL);
	assert_string_equal(first_line(&error, got),
			    "/dev/null:1:1: the file says nothing; the least is 'services: []'");
	assert_null(config);
}

/* Nothing is compared with everything: 20,000 services that share one backend, and a duplicate at the end. */
static void many_services_find_their_duplicate(void **state)
{
	enum { SERVICES = 20000 };
	char *text = NULL;
	size_t size = 0;
	struct config *config = NULL;
	struct file_error error;
	FILE *file = open_memstream(&text, &size);

	(void)state;
	assert_non_null(file);
	fprintf(file, "services:\n");
	for (unsigned i = 0; i < SERVICES; i++)
		fprintf(file,
			"- {name: s%u, vip: 198.18.%u.%u, ports: [%u/tcp], forward: l3, backends: "
			"[198.51.100.1]}\n",
			i, i >> 8, i & 255, i + 1);
	fclose(file);
	assert_int_equal(file_parse("f", text, size, &config, &error), 0);
	assert_int_equal(config->services_count, SERVICES);
	config_free(config);
	config = NULL;
	text[strlen("services:\n- {name: s")] = '1'; /* s0 becomes s1, which the second is already */
	assert_int_equal(file_parse("f", text, size, &config, &error), -EINVAL);
	assert_string_equal(error.text, "name 's1' is taken by the service on line 2; write another");
	assert_int_equal(error.line, 3);
	free(text);
}

/* The product of ports and l3 backends is bounded, and l2 has none. */
static void the_product_of_ports_and_backends_is_bounded(void **state)
{
	char *text = NULL, *forward;
	size_t size = 0;
	struct config *config = NULL;
	struct file_error error;
	FILE *file = open_memstream(&text, &size);

	(void)state;
	assert_non_null(file);
	fprintf(file, "services:\n- name: a\n  vip: 203.0.113.1\n  forward: l3\n  ports:\n");
	for (unsigned i = 1; i <= 1001; i++)
		fprintf(file, "  - %u/tcp\n", i);
	fprintf(file, "  backends:\n");
	for (unsigned i = 0; i < 1000; i++)
		fprintf(file, "  - 198.18.%u.%u\n", i >> 8, i & 255);
	fclose(file);
	assert_int_equal(file_parse("f", text, size, &config, &error), -EINVAL);
	assert_string_equal(error.text,
			    "more than 1000000 pairs of port and l3 backend in one file; write any/tcp "
			    "or any/udp in place of many ports");
	assert_int_equal(error.line, 6);
	forward = strstr(text, "l3");
	assert_non_null(forward);
	forward[1] = '2';
	assert_int_equal(file_parse("f", text, size, &config, &error), 0);
	config_free(config);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_broken_text_has_its_error),
		cmocka_unit_test(each_broken_file_has_its_error),
		cmocka_unit_test(the_caret_points_at_the_place),
		cmocka_unit_test(a_small_buffer_is_not_overrun),
		cmocka_unit_test(long_values_are_cut),
		cmocka_unit_test(unreadable_files_say_why),
		cmocka_unit_test(many_services_find_their_duplicate),
		cmocka_unit_test(the_product_of_ports_and_backends_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
