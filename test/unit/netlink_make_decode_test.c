/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What links are made of (IFLA_INFO_DATA by kind), and bridges' forwarding entries: bytes in, structs out, as
 * a kernel wrote them; cut anywhere, they are refused.
 */
#include "nlsamples.h"

#include <errno.h>

#include "decode.h"

/* A link of that kind whose IFLA_INFO_DATA holds one attribute of `size` bytes, or two. */
struct made {
	const char *kind;
	struct {
		uint16_t type, size;
		uint32_t value;
	} data[2];
};

static void make(const struct made *made, struct nlbytes *m)
{
	struct ifinfomsg header = {.ifi_index = 7};
	uint32_t info, data;

	nlbytes_begin(m, RTM_NEWLINK, &header, sizeof(header));
	info = nlbytes_open(m, IFLA_LINKINFO);
	nlbytes_puts(m, IFLA_INFO_KIND, made->kind);
	data = nlbytes_open(m, IFLA_INFO_DATA);
	for (size_t i = 0; i < 2 && made->data[i].size; i++)
		nlbytes_put(m, made->data[i].type, &made->data[i].value, made->data[i].size);
	nlbytes_close(m, data);
	nlbytes_close(m, info);
}

/* 802.1ad in network order. */
static const struct made vlan = {"vlan", {{IFLA_VLAN_ID, 2, 4094}, {IFLA_VLAN_PROTOCOL, 2, 0xa888}}};
static const struct made bridge = {"bridge", {{IFLA_BR_VLAN_FILTERING, 1, 1}}};
static const struct made bond = {"bond", {{IFLA_BOND_MODE, 1, 5}, {IFLA_BOND_ACTIVE_SLAVE, 4, 9}}};
static const struct made macvlan = {"macvlan", {{IFLA_MACVLAN_MODE, 4, MACVLAN_MODE_BRIDGE}}};
static const struct made vepa = {"macvlan", {{IFLA_MACVLAN_MODE, 4, MACVLAN_MODE_VEPA}}};
static const struct made vrf = {"vrf", {{IFLA_VRF_TABLE, 4, 1000}}};
static const struct made other = {"veth", {{IFLA_VLAN_ID, 2, 7}}};

static struct rt_link decoded(const struct made *made)
{
	struct rt_link link;
	struct nlbytes m;

	make(made, &m);
	assert_int_equal(decode_link(nlbytes_message(&m), &link), 0);
	assert_string_equal(link.kind, made->kind);
	return link;
}

static void links_are_made_of_others(void **state)
{
	(void)state;
	assert_int_equal(decoded(&vlan).vlan_id, 4094);
	assert_int_equal(decoded(&vlan).vlan_protocol, 0x88a8);
	assert_true(decoded(&bridge).vlan_filtering);
	assert_int_equal(decoded(&bond).bond_mode, RT_BOND_TLB);
	assert_int_equal(decoded(&bond).bond_active, 9);
	assert_true(decoded(&macvlan).macvlan_bridge);
	assert_false(decoded(&vepa).macvlan_bridge);
	assert_int_equal(decoded(&vrf).vrf_table, 1000);
	assert_int_equal(decoded(&other).vlan_id, 0);
}

static void attributes_of_a_wrong_size_are_refused(void **state)
{
	static const struct made wrong[] = {
		{"vlan", {{IFLA_VLAN_ID, 1, 1}}},
		{"vlan", {{IFLA_VLAN_PROTOCOL, 1, 1}}},
		{"bond", {{IFLA_BOND_ACTIVE_SLAVE, 2, 1}}},
		{"macvlan", {{IFLA_MACVLAN_MODE, 2, 1}}},
	};
	struct rt_link link;
	struct nlbytes m;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		make(&wrong[i], &m);
		assert_int_equal(decode_link(nlbytes_message(&m), &link), -EINVAL);
	}
}

/* ---- forwarding entries --------------------------------------------------------------------- */

static void entry(struct nlbytes *m, uint8_t family, uint16_t nud, uint32_t master)
{
	struct ndmsg header = {.ndm_family = family, .ndm_ifindex = 4, .ndm_state = nud};

	nlbytes_begin(m, RTM_NEWNEIGH, &header, sizeof(header));
	nlbytes_put(m, NDA_LLADDR, sample_mac, sizeof(sample_mac));
	if (master)
		nlbytes_put32(m, NDA_MASTER, master);
}

static void where_a_bridge_sends(void **state)
{
	struct rt_fdb fdb;
	struct nlbytes m;

	(void)state;
	entry(&m, AF_BRIDGE, NUD_REACHABLE, 3);
	assert_int_equal(decode_fdb(nlbytes_message(&m), &fdb), 0);
	assert_int_equal(fdb.bridge, 3);
	assert_int_equal(fdb.port, 4);
	assert_memory_equal(fdb.mac, sample_mac, sizeof(fdb.mac));
	entry(&m, AF_BRIDGE, NUD_NOARP, 3); /* set by hand */
	assert_int_equal(decode_fdb(nlbytes_message(&m), &fdb), 0);
}

static void entries_that_are_not_a_bridges(void **state)
{
	struct rt_fdb fdb;
	struct nlbytes m;

	(void)state;
	entry(&m, AF_INET, NUD_REACHABLE, 3);
	assert_int_equal(decode_fdb(nlbytes_message(&m), &fdb), DECODE_SKIP);
	entry(&m, AF_BRIDGE, NUD_REACHABLE, 0); /* the device's own filter */
	assert_int_equal(decode_fdb(nlbytes_message(&m), &fdb), DECODE_SKIP);
	entry(&m, AF_BRIDGE, NUD_PERMANENT, 3); /* a port's own address */
	assert_int_equal(decode_fdb(nlbytes_message(&m), &fdb), DECODE_SKIP);
	entry(&m, AF_BRIDGE, NUD_REACHABLE, 3);
	nlbytes_put16(&m, NDA_VLAN, 7);
	assert_int_equal(decode_fdb(nlbytes_message(&m), &fdb), DECODE_SKIP);
	entry(&m, AF_BRIDGE, NUD_REACHABLE, 0);
	nlbytes_put16(&m, NDA_MASTER, 3);
	assert_int_equal(decode_fdb(nlbytes_message(&m), &fdb), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(links_are_made_of_others),
		cmocka_unit_test(attributes_of_a_wrong_size_are_refused),
		cmocka_unit_test(where_a_bridge_sends),
		cmocka_unit_test(entries_that_are_not_a_bridges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
