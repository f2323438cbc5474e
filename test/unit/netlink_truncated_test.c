/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Every truncated length and every damaged byte of each message: refused or read, never read beyond. */
#include "nlsamples.h"

#include <errno.h>

#include "decode.h"

/* ---- every length, every byte --------------------------------------------------------------- */

union any_record {
	struct rt_link link;
	struct rt_addr addr;
	struct rt_neigh neigh;
	struct rt_route route;
	struct rt_rule rule;
	struct nexthop nexthop;
};

static int link_into(const struct nlmsghdr *m, union any_record *out)
{
	return decode_link(m, &out->link);
}

static int addr_into(const struct nlmsghdr *m, union any_record *out)
{
	return decode_addr(m, &out->addr);
}

static int neigh_into(const struct nlmsghdr *m, union any_record *out)
{
	return decode_neigh(m, &out->neigh);
}

static int route_into(const struct nlmsghdr *m, union any_record *out)
{
	return decode_route(m, &out->route);
}

static int rule_into(const struct nlmsghdr *m, union any_record *out)
{
	return decode_rule(m, &out->rule);
}

static int nexthop_into(const struct nlmsghdr *m, union any_record *out)
{
	return decode_nexthop(m, &out->nexthop);
}

static const struct kind {
	void (*build)(struct nlbytes *m);
	int (*decode)(const struct nlmsghdr *m, union any_record *out);
	uint32_t header; /* of the fixed header */
} kinds[] = {
	{sample_link, link_into, sizeof(struct ifinfomsg)},
	{sample_addr, addr_into, sizeof(struct ifaddrmsg)},
	{sample_neigh, neigh_into, sizeof(struct ndmsg)},
	{sample_route, route_into, sizeof(struct rtmsg)},
	{sample_rule, rule_into, sizeof(struct fib_rule_hdr)},
	{sample_group, nexthop_into, sizeof(struct nhmsg)},
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* Ends `size` between two attributes? Then what is left is a whole, shorter message. */
static bool at_boundary(const struct nlbytes *m, uint32_t header, uint32_t size)
{
	uint32_t at = NLMSG_HDRLEN + header;

	while (at < size) {
		uint16_t length;

		memcpy(&length, m->bytes + at, sizeof(length));
		/* Without its padding the last attribute is whole, too. */
		if (size >= at + length && size <= at + ((length + 3U) & ~3U))
			return true;
		at += (length + 3U) & ~3U;
	}
	return at == size;
}

static int decode_copy(const struct kind *kind, const void *bytes, uint32_t size, union any_record *out)
{
	/* An allocation of exactly this size: ASan sees each byte too many. */
	unsigned char *copy = malloc(size);
	int err;

	assert_non_null(copy);
	memcpy(copy, bytes, size);
	memcpy(copy, &size, sizeof(size));
	err = kind->decode((const struct nlmsghdr *)copy, out);
	free(copy);
	return err;
}

static void every_truncated_length(void **state)
{
	union any_record untouched, record;
	struct nledge edge;

	(void)state;
	memset(&untouched, 0xa5, sizeof(untouched));
	nledge_open(&edge);
	for (size_t k = 0; k < KINDS; k++) {
		struct nlbytes m;

		kinds[k].build(&m);
		for (uint32_t size = NLMSG_HDRLEN; size <= m.used; size++) {
			int err;

			memcpy(&record, &untouched, sizeof(record));
			err = kinds[k].decode(nledge_lay(&edge, m.bytes, size), &record);
			assert_int_equal(decode_copy(&kinds[k], m.bytes, size, &record), err);
			if (!at_boundary(&m, kinds[k].header, size))
				assert_int_equal(err, -EINVAL);
			if (err)
				assert_memory_equal(&record, &untouched, sizeof(record));
		}
	}
	nledge_close(&edge);
}

static void every_damaged_byte(void **state)
{
	static const unsigned char damages[] = {0x00, 0x01, 0x04, 0x05, 0x7f, 0x80, 0xff};
	struct nledge edge;

	(void)state;
	nledge_open(&edge);
	for (size_t k = 0; k < KINDS; k++) {
		struct nlbytes m;

		kinds[k].build(&m);
		for (uint32_t at = NLMSG_HDRLEN; at < m.used; at++) {
			unsigned char whole = m.bytes[at];

			for (size_t d = 0; d < sizeof(damages); d++) {
				union any_record record;
				int err;

				m.bytes[at] = damages[d];
				err = kinds[k].decode(nledge_lay(&edge, m.bytes, m.used), &record);
				assert_true(err == 0 || err == DECODE_SKIP || err == -EINVAL);
				assert_int_equal(decode_copy(&kinds[k], m.bytes, m.used, &record), err);
			}
			m.bytes[at] = whole;
		}
	}
	nledge_close(&edge);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_truncated_length),
		cmocka_unit_test(every_damaged_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
