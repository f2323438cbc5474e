/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Addresses, prefixes and MACs as values: text in and out, comparison, coverage.
 *
 * Pure functions over <shunt/addr.h>, used by both netlink/ and ctl/. Nothing is allocated and
 * nothing is kept.
 */
#include <shunt/addr.h>

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

int addr_parse(const char *text, struct addr *out)
{
	struct addr addr = {0};

	if (inet_pton(AF_INET, text, addr.bytes) == 1) {
		addr.family = ADDR_IPV4;
	} else if (inet_pton(AF_INET6, text, addr.bytes) == 1) {
		addr.family = ADDR_IPV6;
	} else {
		return -EINVAL;
	}
	*out = addr;
	return 0;
}

const char *addr_format(const struct addr *addr, char text[static ADDR_TEXT_SIZE])
{
	if (!inet_ntop(addr_af(addr), addr->bytes, text, ADDR_TEXT_SIZE))
		(void)snprintf(text, ADDR_TEXT_SIZE, "none");
	return text;
}

const char *prefix_format(const struct prefix *prefix, char text[static ADDR_TEXT_SIZE])
{
	size_t used;

	addr_format(&prefix->addr, text);
	if (!addr_size(&prefix->addr))
		return text;
	used = strlen(text);
	(void)snprintf(text + used, ADDR_TEXT_SIZE - used, "/%u", prefix->length);
	return text;
}

int addr_from_bytes(const void *bytes, size_t size, struct addr *out)
{
	struct addr addr = {0};

	if (size == 4)
		addr.family = ADDR_IPV4;
	else if (size == 16)
		addr.family = ADDR_IPV6;
	else
		return -EINVAL;
	memcpy(addr.bytes, bytes, size);
	*out = addr;
	return 0;
}

size_t addr_size(const struct addr *addr)
{
	switch (addr->family) {
	case ADDR_IPV4:
		return 4;
	case ADDR_IPV6:
		return 16;
	default:
		return 0;
	}
}

int addr_af(const struct addr *addr)
{
	switch (addr->family) {
	case ADDR_IPV4:
		return AF_INET;
	case ADDR_IPV6:
		return AF_INET6;
	default:
		return AF_UNSPEC;
	}
}

bool addr_equal(const struct addr *a, const struct addr *b)
{
	return addr_compare(a, b) == 0;
}

int addr_compare(const struct addr *a, const struct addr *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

bool prefix_covers(const struct prefix *prefix, const struct addr *addr)
{
	unsigned int whole = prefix->length / 8, rest = prefix->length % 8;
	uint8_t mask = (uint8_t)(0xff00U >> rest);

	if (prefix->addr.family != addr->family || prefix->length > addr_size(addr) * 8 || !addr_size(addr))
		return false;
	if (memcmp(prefix->addr.bytes, addr->bytes, whole) != 0)
		return false;
	return !rest || ((prefix->addr.bytes[whole] ^ addr->bytes[whole]) & mask) == 0;
}

const char *mac_format(const uint8_t mac[static 6], char text[static MAC_TEXT_SIZE])
{
	(void)snprintf(text, MAC_TEXT_SIZE, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3],
		       mac[4], mac[5]);
	return text;
}
