/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Maps that are adopted, and maps that have become too small: the former program goes on with what it has.
 */
#include "live_dataplane.h"

#include <sys/stat.h>

static const struct dataplane_sizes SMALL = {
	.guesses = 64,
	.vips4 = 8,
	.vips6 = 8,
	.services = 8,
	.slots = 1024,
	.backends = 512,
	.paths = 16,
	.nexthops = 16,
	.fresh = SH_FRESH_SIZE,
	.flows = 1024,
};

static char pins[64];

static struct dataplane *open_with(const struct dataplane_sizes *sizes)
{
	struct dataplane *dataplane;

	assert_int_equal(dataplane_open(pins, sizes, false, &dataplane), 0);
	return dataplane;
}

/* One record of each kind, as far out as SMALL goes. */
static void fill(struct port *port)
{
	struct sh_slot *slots = port->slots(port, SMALL.slots - 1, 1);

	assert_non_null(slots);
	slots[0].now = 511;
	port->slots_done(port);
	port->services[7].ring = 1;
	port->backends[511].owner = 2;
	port->nexthops[15].ifindex = 3;
	port->lanes[511].mtu = 4;
	port->paths[15].buckets = 5;
}

static uint32_t slot_of(struct port *port)
{
	struct sh_slot *slots = port->slots(port, SMALL.slots - 1, 1);
	uint32_t now = slots[0].now;

	port->slots_done(port);
	return now;
}

static void assert_filled(struct port *port)
{
	assert_int_equal(slot_of(port), 511);
	assert_int_equal(port->services[7].ring, 1);
	assert_int_equal(port->backends[511].owner, 2);
	assert_int_equal(port->nexthops[15].ifindex, 3);
	assert_int_equal(port->lanes[511].mtu, 4);
	assert_int_equal(port->paths[15].buckets, 5);
}

static void empty(struct port *port)
{
	memset(port->services, 0, port->services_size * sizeof(*port->services));
	memset(port->backends, 0, port->backends_size * sizeof(*port->backends));
	memset(port->nexthops, 0, port->nexthops_size * sizeof(*port->nexthops));
	memset(port->lanes, 0, port->lanes_size * sizeof(*port->lanes));
	memset(port->paths, 0, port->paths_size * sizeof(*port->paths));
}

static void what_fits_is_adopted(void **state)
{
	struct dataplane *former = open_with(&SMALL), *next;

	(void)state;
	assert_int_equal(dataplane_commit(former), 0);
	next = open_with(&SMALL);
	fill(dataplane_port(former));
	assert_filled(dataplane_port(next));
	dataplane_close(next);
	dataplane_close(former);
}

/* Whichever of those that lead into each other has become too small. */
static void where_one_is_outgrown_the_former_keep_theirs(void **state)
{
	static const size_t grown[] = {
		offsetof(struct dataplane_sizes, guesses),  offsetof(struct dataplane_sizes, services),
		offsetof(struct dataplane_sizes, slots),    offsetof(struct dataplane_sizes, backends),
		offsetof(struct dataplane_sizes, nexthops), offsetof(struct dataplane_sizes, paths),
	};
	struct dataplane *former = open_with(&SMALL);

	(void)state;
	assert_int_equal(dataplane_commit(former), 0);
	fill(dataplane_port(former));
	for (size_t i = 0; i < sizeof(grown) / sizeof(grown[0]); i++) {
		struct dataplane_sizes sizes = SMALL;
		struct dataplane *next;

		*(uint32_t *)((char *)&sizes + grown[i]) *= 2;
		next = open_with(&sizes);
		assert_filled(dataplane_port(next));
		empty(dataplane_port(next));
		assert_filled(dataplane_port(former));
		dataplane_close(next);
	}
	dataplane_close(former);
}

/* The file may need less than there is, of what is copied because another one grew. */
static void what_is_copied_is_copied_whole(void **state)
{
	struct dataplane *former = open_with(&SMALL), *next;
	struct dataplane_sizes sizes = SMALL;

	(void)state;
	assert_int_equal(dataplane_commit(former), 0);
	fill(dataplane_port(former));
	sizes.backends = sizes.paths = sizes.nexthops = 8;
	sizes.services = 16;
	next = open_with(&sizes);
	assert_filled(dataplane_port(next));
	assert_int_equal(dataplane_port(next)->backends_size, SMALL.backends);
	dataplane_close(next);
	dataplane_close(former);
}

static int setup(void **state)
{
	(void)state;
	snprintf(pins, sizeof(pins), "/sys/fs/bpf/shunt-live-%d", (int)getpid());
	return mkdir(pins, 0700);
}

static int teardown(void **state)
{
	(void)state;
	return dataplane_unpin(pins) || rmdir(pins);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_fits_is_adopted, setup, teardown),
		cmocka_unit_test_setup_teardown(where_one_is_outgrown_the_former_keep_theirs, setup,
						teardown),
		cmocka_unit_test_setup_teardown(what_is_copied_is_copied_whole, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
