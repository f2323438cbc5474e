/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Who is named by which id in QUIC's connection IDs: those of the file, and those who are gone from it as
 * long as they have flows, also after a restart.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "apply_world.h"

#define G1 "192.0.2.1"

/* Backends `first` to `last`, each with its number and `more` as its id. */
static struct config *named(unsigned first, unsigned last, uint64_t more)
{
	struct config *config = file_of(first, last);
	struct config_service *service = &config->services[0];

	service->quic_id = (struct config_quic_id){.offset = 1, .bytes = 2};
	for (unsigned i = first; i <= last; i++)
		service->backends[i - first].id = i + more;
	return config;
}

static void load_named(struct config *config)
{
	load(config);
	apply_name_backends(&world->apply);
}

/* The number of the backend that the map is to lead `id` to; -1: to none. */
static int number_of(uint64_t id)
{
	const struct sh_quic_key key = {.owner = tables_owner(SERVICE), .id = id};
	struct dataplane_entries want;
	int found = -1;

	assert_int_equal(apply_want_quic_ids(&world->apply, &want), 0);
	for (size_t i = 0; i < want.count; i++) {
		const char *entry = (const char *)want.all + i * dataplane_entry_size(HASH_QUIC_IDS);
		struct sh_backend *record;
		uint32_t index;

		if (memcmp(entry, &key, sizeof(key)) != 0)
			continue;
		assert_int_equal(found, -1); /* one entry for each */
		memcpy(&index, entry + sizeof(key), sizeof(index));
		record = &world->heap->port.backends[index];
		/* What the packet path compares. */
		assert_int_equal(record->owner, key.owner);
		assert_int_equal(record->quic_id, id);
		for (found = 0; found < 100; found++) {
			struct addr address = backend_address((unsigned)found);

			if (!memcmp(&record->address, address.bytes, sizeof(record->address)))
				break;
		}
	}
	free(want.all);
	return found;
}

static size_t count(void)
{
	struct dataplane_entries want;

	assert_int_equal(apply_want_quic_ids(&world->apply, &want), 0);
	free(want.all);
	return want.count;
}

static void start(void)
{
	route(0, 2, G1, 0, NULL);
	route(1, 2, G1, 0, NULL);
	neighbour(2, G1, RT_NEIGH_VALID, 0x21);
	load_named(named(0, 3, 10));
}

static void the_file_says_who(void **state)
{
	(void)state;
	start();
	assert_int_equal(count(), 4);
	for (int i = 0; i < 4; i++)
		assert_int_equal(number_of(10 + (uint64_t)i), i);
	assert_int_equal(number_of(14), -1);
}

static void a_service_without_ids_names_nobody(void **state)
{
	uint64_t id;

	(void)state;
	start();
	load_named(file_of(0, 4));
	assert_int_equal(count(), 0);
	assert_false(tables_backend_name(world->apply.tables, member(4)->backend, &id));
	/* Nor does who is gone and never had one, when the file has them again. */
	load_named(named(0, 1, 10));
	assert_int_equal(number_of(0), -1);
	assert_int_equal(number_of(12), 2);
	assert_int_equal(count(), 4);
}

static void who_is_gone_keeps_it_while_it_has_flows(void **state)
{
	(void)state;
	start();
	load_named(named(0, 2, 10));
	assert_int_equal(number_of(13), 3);
	restart(named(0, 2, 10));
	apply_name_backends(&world->apply);
	assert_int_equal(number_of(13), 3);
	world->apply.model->forgot = false;
	/* No slot leads to it any more, but packets go on naming it. */
	for (int i = 0; i < 3; i++) {
		const struct gone *gone = world->apply.model->services[0].gone;

		elapse(IDLE - 1);
		assert_non_null(gone);
		assert_int_not_equal(tables_backend_named(world->apply.tables, gone->member.backend), 0);
		tables_mark_named(world->apply.tables, gone->member.backend, world->now);
	}
	assert_int_equal(tables_ring_moving(world->apply.model->services[0].ring), 0);
	assert_int_equal(number_of(13), 3);
	elapse(IDLE);
	assert_true(world->apply.model->forgot);
	assert_int_equal(number_of(13), -1);
	assert_int_equal(count(), 3);
}

static void an_id_that_is_given_away_is_the_new_ones(void **state)
{
	(void)state;
	start();
	load_named(named(1, 4, 9)); /* 10 to 13, of 1 to 4; 0 is gone, and had 10 */
	assert_int_equal(count(), 4);
	for (int i = 1; i < 5; i++)
		assert_int_equal(number_of(9 + (uint64_t)i), i);
}

static void of_two_who_are_gone_one_is_named(void **state)
{
	(void)state;
	start();
	load_named(named(1, 3, 10));
	load_named(named(1, 4, 6)); /* 4 has the id of 0, which is gone */
	load_named(named(1, 3, 20));
	assert_true(number_of(10) == 0 || number_of(10) == 4);
	assert_int_equal(count(), 4);
}

static void who_comes_back_needs_no_mark(void **state)
{
	(void)state;
	start();
	load_named(named(0, 2, 10));
	load_named(named(0, 3, 10));
	assert_int_equal(number_of(13), 3);
	assert_int_equal(tables_backend_named(world->apply.tables, member(3)->backend), 0);
}

static void a_backend_may_get_another(void **state)
{
	(void)state;
	start();
	load_named(named(0, 3, 100));
	assert_int_equal(number_of(100), 0);
	assert_int_equal(number_of(10), -1);
	assert_int_equal(count(), 4);
}

#define FACT(name) cmocka_unit_test_setup_teardown(name, world_up, world_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FACT(the_file_says_who),
		FACT(a_service_without_ids_names_nobody),
		FACT(who_is_gone_keeps_it_while_it_has_flows),
		FACT(an_id_that_is_given_away_is_the_new_ones),
		FACT(of_two_who_are_gone_one_is_named),
		FACT(who_comes_back_needs_no_mark),
		FACT(a_backend_may_get_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
