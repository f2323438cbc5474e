/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * An IPv4 or IPv6 address as a plain value.
 *
 * `bytes` is in network byte order; IPv4 uses the first four and leaves the rest zero, so two
 * values are the same address exactly when all their bytes are equal (addr_equal, memcmp).
 * A zeroed value has family 0 and means "none".
 */
#ifndef SHUNT_ADDR_H
#define SHUNT_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct addr {
	uint8_t family; /* 0, ADDR_IPV4 or ADDR_IPV6: numbers of our own, not AF_* */
	uint8_t bytes[16];
};

#define ADDR_IPV4 4
#define ADDR_IPV6 6

struct prefix {
	struct addr addr; /* host bits zero */
	uint8_t length;	  /* 0..32 or 0..128 */
};

/* Longest text: an IPv6 address with a /128 behind it, and the NUL. */
#define ADDR_TEXT_SIZE 52

/* Reads a dotted quad or RFC 4291 text (no zone, no prefix). 0, or -EINVAL with *out untouched. */
int addr_parse(const char *text, struct addr *out);
/* Writes inet_ntop's form (RFC 5952 for IPv6), "none" for family 0, and returns `text`. */
const char *addr_format(const struct addr *addr, char text[static ADDR_TEXT_SIZE]);
const char *prefix_format(const struct prefix *prefix, char text[static ADDR_TEXT_SIZE]);

/* From `size` bytes in network byte order: 4 or 16. 0, or -EINVAL with *out untouched. */
int addr_from_bytes(const void *bytes, size_t size, struct addr *out);
/* 4, 16, or 0 for none. */
size_t addr_size(const struct addr *addr);
/* AF_INET, AF_INET6 or AF_UNSPEC. */
int addr_af(const struct addr *addr);

bool addr_equal(const struct addr *a, const struct addr *b);
/* Orders by family, then by bytes: <0, 0, >0. */
int addr_compare(const struct addr *a, const struct addr *b);
/* Does the prefix cover the address? False across families; a zeroed prefix covers nothing. */
bool prefix_covers(const struct prefix *prefix, const struct addr *addr);

/* MACs as "02:00:5e:10:00:01". */
#define MAC_TEXT_SIZE 18
const char *mac_format(const uint8_t mac[static 6], char text[static MAC_TEXT_SIZE]);

#endif
