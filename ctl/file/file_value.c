/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Addresses, ports, names, numbers and durations as the file writes them.
 *
 * Strict, so that a value means what it shows: numbers are decimal without sign, exponent
 * or leading zero (which YAML 1.1 reads as octal), addresses have no prefix, port or zone.
 */
#include "file_value.h"

#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "config.h"
#include "file_near.h"

static bool is_digits(const char *text, size_t length)
{
	return length && strspn(text, "0123456789") >= length;
}

/* -EINVAL where it is no plain decimal number, -ERANGE where it is larger than `max`. */
static int number(const char *text, size_t length, unsigned max, unsigned *out)
{
	uint64_t value = 0;

	if (!is_digits(text, length) || (length > 1 && text[0] == '0'))
		return -EINVAL;
	for (size_t i = 0; i < length; i++) {
		value = value * 10 + (uint64_t)(text[i] - '0');
		if (value > max)
			return -ERANGE;
	}
	*out = (unsigned)value;
	return 0;
}

/* Addresses that no packet is routed to. RFC 6890, RFC 4291; the first that covers decides. */
static const struct {
	struct prefix prefix;
	const char *text;
} unusable[] = {
	{{{ADDR_IPV4, {0}}, 8}, "an unspecified address"},
	{{{ADDR_IPV4, {127}}, 8}, "a loopback address"},
	{{{ADDR_IPV4, {169, 254}}, 16}, "a link-local address"},
	{{{ADDR_IPV4, {224}}, 4}, "a multicast address"},
	{{{ADDR_IPV4, {255, 255, 255, 255}}, 32}, "the broadcast address"},
	{{{ADDR_IPV6, {0}}, 128}, "the unspecified address"},
	{{{ADDR_IPV6, {[15] = 1}}, 128}, "the loopback address"},
	{{{ADDR_IPV6, {[10] = 0xff, [11] = 0xff}}, 96}, "an IPv4 address in IPv6 form"},
	{{{ADDR_IPV6, {0xfe, 0x80}}, 10}, "a link-local address"},
	{{{ADDR_IPV6, {0xff}}, 8}, "a multicast address"},
};

const char *value_why_unusable(const struct addr *addr)
{
	for (size_t i = 0; i < sizeof(unusable) / sizeof(unusable[0]); i++)
		if (prefix_covers(&unusable[i].prefix, addr))
			return unusable[i].text;
	return NULL;
}

/* Is `text` an address up to `end`? */
static bool address_before(const char *text, const char *end, struct addr *addr)
{
	char head[ADDR_TEXT_SIZE] = "";

	if (!end || (size_t)(end - text) >= sizeof(head))
		return false;
	memcpy(head, text, (size_t)(end - text));
	return !addr_parse(head, addr);
}

/* "2001:db8::" without quotes is the key "2001:db8:" to YAML. */
static bool ends_in_colon(const char *text)
{
	char whole[ADDR_TEXT_SIZE + 1];
	struct addr addr;

	return strlen(text) < ADDR_TEXT_SIZE && snprintf(whole, sizeof(whole), "%s:", text) > 0 &&
	       !addr_parse(whole, &addr);
}

static int no_address(struct reader *reader, const struct node *node)
{
	char shown[SHOW_SIZE], text[ADDR_TEXT_SIZE];
	struct addr addr;

	report_show(node->text, shown);
	if (address_before(node->text, strchr(node->text, '/'), &addr))
		return reader_fail(reader, node->at, "'%s' has a prefix length; write the address alone: %s",
				   shown, addr_format(&addr, text));
	if (address_before(node->text, strrchr(node->text, ':'), &addr))
		return reader_fail(reader, node->at,
				   "'%s' has a port; write the address alone: %s, and its ports in 'ports'",
				   shown, addr_format(&addr, text));
	if (address_before(node->text, strchr(node->text, '%'), &addr))
		return reader_fail(reader, node->at, "'%s' has a zone; write a routable unicast address",
				   shown);
	if (ends_in_colon(node->text))
		return reader_fail(reader, node->at,
				   "YAML takes the last ':' of an address away; quote the address");
	return reader_fail(reader, node->at,
			   "'%s' is not an IP address; write one such as 203.0.113.10 or 2001:db8::10",
			   shown);
}

int value_address(struct reader *reader, const struct node *node, const char *what, struct addr *out)
{
	char shown[SHOW_SIZE];
	const char *why;
	struct addr addr;

	if (addr_parse(node->text, &addr))
		return no_address(reader, node);
	why = value_why_unusable(&addr);
	if (why)
		return reader_fail(reader, node->at,
				   "'%s' is %s and cannot be %s; write a routable unicast address",
				   report_show(node->text, shown), why, what);
	*out = addr;
	return 0;
}

static int value_protocol(struct reader *reader, const struct node *node, const char *text, uint8_t *out)
{
	static const char *const names[] = {"tcp", "udp"};
	char shown[SHOW_SIZE], advice[NEAR_TEXT_SIZE];

	if (strcmp(text, "tcp") != 0 && strcmp(text, "udp") != 0)
		return reader_fail(reader, node->at, "'%s' is not a protocol; %s", report_show(text, shown),
				   near_advice(text, names, 2, advice));
	*out = text[0] == 't' ? IPPROTO_TCP : IPPROTO_UDP;
	return 0;
}

static int value_port_number(struct reader *reader, const struct node *node, size_t length, uint16_t *out)
{
	const char *dash = memchr(node->text, '-', length);
	char shown[SHOW_SIZE];
	unsigned port = 0;
	int err;

	if (length == strlen("any") && !memcmp(node->text, "any", length)) {
		*out = 0;
		return 0;
	}
	report_show(node->text, shown);
	if (dash && is_digits(node->text, (size_t)(dash - node->text)))
		return reader_fail(reader, node->at,
				   "'%s' is a range of ports; list each port, or write any%s for every port",
				   shown, report_show(node->text + length, (char[SHOW_SIZE]){0}));
	err = number(node->text, length, UINT16_MAX, &port);
	if (err == -ERANGE || (!err && !port))
		return reader_fail(reader, node->at,
				   "'%s' is out of range; ports are 1 to 65535, and any%s is every port",
				   shown, report_show(node->text + length, (char[SHOW_SIZE]){0}));
	if (err)
		return reader_fail(reader, node->at, "'%s' has no port number; write one such as 80/tcp",
				   shown);
	*out = (uint16_t)port;
	return 0;
}

int value_port(struct reader *reader, const struct node *node, struct config_port *out)
{
	const char *slash = strchr(node->text, '/');
	struct config_port port;
	char shown[SHOW_SIZE];
	int err;

	report_show(node->text, shown);
	if (!slash && (is_digits(node->text, strlen(node->text)) || !strcmp(node->text, "any")))
		return reader_fail(reader, node->at, "'%s' has no protocol; write %s/tcp or %s/udp", shown,
				   shown, shown);
	if (!slash)
		return reader_fail(reader, node->at, "'%s' is not a port; write one such as 80/tcp", shown);
	err = value_port_number(reader, node, (size_t)(slash - node->text), &port.port);
	if (!err)
		err = value_protocol(reader, node, slash + 1, &port.protocol);
	if (!err)
		*out = port;
	return err;
}

static int copy_text(struct reader *reader, const char *text, char **out)
{
	char *copy = strdup(text);

	if (!copy)
		return report_fail_whole(reader_report(reader), -ENOMEM, "out of memory");
	*out = copy;
	return 0;
}

/* Why no interface can match that, or NULL. */
static const char *why_no_pattern(const char *text)
{
	size_t length = strlen(text);
	const char *bracket = strchr(text, '[');

	if (!length || length > PATTERN_LENGTH_MAX || strpbrk(text, " \t\n\r/:,"))
		return "matches no interface name; write a name or a pattern such as \"eth*\"";
	if (bracket && !strchr(bracket, ']'))
		return "has a '[' without its ']'; write a pattern such as \"eth[0-3]\"";
	if (!strpbrk(text, "*?[\\") && length >= IFNAMSIZ)
		return "matches no interface name, which has 15 characters at most; write a pattern such as "
		       "\"eth*\"";
	return strcmp(text, "lo") ? NULL
				  : "is the loopback, which carries no program; write another interface";
}

int value_pattern(struct reader *reader, const struct node *node, char **out)
{
	const char *why = why_no_pattern(node->text);
	char shown[SHOW_SIZE];

	if (why)
		return reader_fail(reader, node->at, "'%s' %s", report_show(node->text, shown), why);
	return copy_text(reader, node->text, out);
}

int read_name(struct reader *reader, const struct field *field, const struct node *value, void *record)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
	char shown[SHOW_SIZE];
	size_t length;
	char *copy = NULL;
	int err = need_scalar(reader, field, value);

	if (err)
		return err;
	length = strlen(value->text);
	if (strspn(value->text, allowed) != length)
		return reader_fail(reader, value->at,
				   "'%s' is not a name; use letters, digits, '.', '_' and '-' only",
				   report_show(value->text, shown));
	if (length > NAME_LENGTH_MAX)
		return reader_fail(reader, value->at, "a name of %zu characters is too long; use at most %d",
				   length, NAME_LENGTH_MAX);
	err = copy_text(reader, value->text, &copy);
	if (!err)
		memcpy((char *)record + field->offset, &copy, sizeof(copy));
	return err;
}

int read_weight(struct reader *reader, const struct field *field, const struct node *value, void *record)
{
	char shown[SHOW_SIZE];
	uint32_t weight;
	unsigned parsed = 0;
	int err = need_scalar(reader, field, value);

	if (err)
		return err;
	err = number(value->text, strlen(value->text), WEIGHT_MAX, &parsed);
	if (err)
		return reader_fail(reader, value->at,
				   "'%s' is not a weight; write a whole number from 0 to %d",
				   report_show(value->text, shown), WEIGHT_MAX);
	weight = parsed;
	memcpy((char *)record + field->offset, &weight, sizeof(weight));
	return 0;
}

int read_number(struct reader *reader, const struct field *field, const struct node *value, void *record)
{
	const struct number_range *range = field->numbers;
	char shown[SHOW_SIZE];
	unsigned parsed = 0;
	uint32_t stored;
	int err = need_scalar(reader, field, value);

	if (err)
		return err;
	if (number(value->text, strlen(value->text), range->max, &parsed) || parsed < range->min)
		return reader_fail(reader, value->at,
				   "'%s' is no value of '%s'; write a whole number from %u to %u",
				   report_show(value->text, shown), field->name, range->min, range->max);
	stored = parsed;
	memcpy((char *)record + field->offset, &stored, sizeof(stored));
	return 0;
}

/* ms; ten times as much still fits into 32 bits, as number() needs it. */
#define DURATION_MAX 400000000U

/* A whole number and its unit: 0, -EINVAL where it is no duration, or -ERANGE. */
static int duration(const char *text, uint32_t *out)
{
	static const struct {
		const char *unit;
		uint32_t ms;
	} units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}};
	size_t digits = strspn(text, "0123456789");
	unsigned count = 0;

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		int err;

		if (strcmp(text + digits, units[i].unit) != 0)
			continue;
		err = number(text, digits, DURATION_MAX / units[i].ms, &count);
		if (!err)
			*out = count * units[i].ms;
		return err;
	}
	return -EINVAL;
}

int read_duration(struct reader *reader, const struct field *field, const struct node *value, void *record)
{
	const struct duration_range *range = field->range;
	const char *or_off = range->off ? ", or off" : "";
	char shown[SHOW_SIZE];
	uint32_t ms = 0;
	int err = need_scalar(reader, field, value);

	if (err)
		return err;
	if (!range->off || strcmp(value->text, "off") != 0) {
		err = duration(value->text, &ms);
		report_show(value->text, shown);
		if (err == -EINVAL)
			return reader_fail(
				reader, value->at,
				"'%s' is not a duration; write a whole number with its unit (ms, s, "
				"m, h), such as %s%s",
				shown, field->example, or_off);
		if (err || ms < range->min || ms > range->max)
			return reader_fail(reader, value->at, "'%s' is out of range; '%s' is %s%s", shown,
					   field->name, range->words, or_off);
	}
	memcpy((char *)record + field->offset, &ms, sizeof(ms));
	return 0;
}
