/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Services under other names, split and merged, while their backends change: where flows in midstream go.
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

/* ---- files -------------------------------------------------------------------------------------- */

/* Of which VIP, under what name, with which backends. */
struct entry {
	const char *name;
	uint8_t vip;
	uint16_t ports[2]; /* 0: no second one */
	unsigned first, last;
};

static struct config *file_with(const struct entry *entries, size_t count)
{
	struct config *config = calloc(1, sizeof(*config));

	config->services = calloc(count, sizeof(*config->services));
	config->services_count = count;
	for (size_t i = 0; i < count; i++) {
		const struct entry *entry = &entries[i];
		struct config *one = file_of(entry->first, entry->last);
		struct config_service *service = &config->services[i];

		*service = one->services[0];
		free(one->services);
		free(one);
		free(service->name);
		free(service->ports);
		service->name = strdup(entry->name);
		service->vip.bytes[3] = entry->vip;
		service->ports_count = entry->ports[1] ? 2 : 1;
		service->ports = calloc(service->ports_count, sizeof(*service->ports));
		for (size_t j = 0; j < service->ports_count; j++)
			service->ports[j] = (struct config_port){entry->ports[j], IPPROTO_TCP};
	}
	return config;
}

#define FILE_WITH(...)                                 \
	file_with((const struct entry[]){__VA_ARGS__}, \
		  sizeof((const struct entry[]){__VA_ARGS__}) / sizeof(struct entry))

static void start(struct config *config)
{
	route(0, 2, G1, 0, NULL);
	route(1, 2, G1, 0, NULL);
	neighbour(2, G1, RT_NEIGH_VALID, 0x21);
	load(config);
}

/* ---- where flows go ----------------------------------------------------------------------------- */

static const struct service *service(size_t at)
{
	return &world->apply.model->services[at];
}

/* Where packets in midstream go, of which nothing is remembered, by slot: an array of RING_MIN. */
static struct addr *midstream(size_t at)
{
	struct addr *goes = calloc(RING_MIN, sizeof(*goes));
	uint32_t size;
	const struct sh_slot *slots = slots_of(service(at), &size);

	for (uint32_t i = 0; i < RING_MIN; i++) {
		struct sh_slot slot = slots[(uint64_t)i * size / RING_MIN];
		uint32_t backend = slot.before ? slot.before & ~SH_BEFORE_CLOSED : slot.now;
		const struct sh_backend *record = &world->heap->port.backends[backend];

		assert_true(record->owner == service(at)->owner);
		assert_int_not_equal(record->mode, SH_MODE_NONE);
		tables_addr(&record->address, record->family, &goes[i]);
	}
	return goes;
}

/* They go where they went; frees both. */
static void assert_goes(struct addr *before, struct addr *after)
{
	assert_memory_equal(before, after, RING_MIN * sizeof(*before));
	free(before);
	free(after);
}

/* The former ports whose flows break. */
static size_t lost(void)
{
	const struct succession *succession = &world->apply.model->succession;
	size_t count = 0;

	for (size_t i = 0; i < succession->heirs_count; i++)
		count += succession->heirs[i].lost;
	return count;
}

/* Once all flows of old are idle, each ring is what the file says. */
static void assert_ends(void)
{
	elapse(IDLE);
	elapse(IDLE);
	for (size_t i = 0; i < world->apply.model->services_count; i++) {
		assert_int_equal(tables_ring_moving(service(i)->ring), 0);
		assert_null(service(i)->gone);
	}
	assert_false(apply_moving(&world->apply));
}

/* ---- the facts ---------------------------------------------------------------------------------- */

static void another_name_moves_no_flow(void **state)
{
	struct addr *before;
	uint32_t index, backend;

	(void)state;
	start(FILE_WITH({"web", 1, {80}, 0, 0}));
	before = midstream(0);
	index = tables_service_index(service(0)->entries[0]);
	backend = tables_backend_index(member(0)->backend);
	load(FILE_WITH({"shop", 1, {80}, 0, 0}));
	/* Their counters, and all that is remembered, hang on the records. */
	assert_int_equal(tables_service_index(service(0)->entries[0]), index);
	assert_int_equal(tables_backend_index(member(0)->backend), backend);
	assert_int_equal(tables_ring_moving(service(0)->ring), 0);
	load(FILE_WITH({"kiosk", 1, {80}, 1, 1}));
	assert_int_equal(slots_leading_to(member(0)), tables_ring_size(service(0)->ring));
	assert_goes(before, midstream(0));
	assert_ends();
}

static void another_name_at_a_start_moves_no_flow(void **state)
{
	struct addr *before;

	(void)state;
	start(FILE_WITH({"web", 1, {80}, 0, 3}));
	load(FILE_WITH({"web", 1, {80}, 1, 4}));
	before = midstream(0);
	restart(FILE_WITH({"shop", 1, {80}, 5, 8}));
	assert_goes(before, midstream(0));
	assert_ends();
}

static void swapped_names_move_no_flow(void **state)
{
	struct addr *before[2];

	(void)state;
	start(FILE_WITH({"web", 1, {80}, 0, 3}, {"shop", 2, {80}, 4, 7}));
	before[0] = midstream(0);
	before[1] = midstream(1);
	load(FILE_WITH({"shop", 1, {80}, 1, 4}, {"web", 2, {80}, 5, 8}));
	assert_goes(before[0], midstream(0));
	assert_goes(before[1], midstream(1));
	assert_ends();
}

static void a_name_that_goes_to_another_vip_leaves_its_flows(void **state)
{
	struct addr *before;

	(void)state;
	start(FILE_WITH({"web", 1, {80}, 0, 3}));
	before = midstream(0);
	load(FILE_WITH({"shop", 1, {80}, 1, 4}, {"web", 2, {80}, 0, 3}));
	assert_goes(before, midstream(0));
	assert_int_equal(tables_ring_moving(service(1)->ring), 0);
	assert_ends();
}

static void a_split_moves_no_flow(void **state)
{
	struct addr *before, *both;

	(void)state;
	start(FILE_WITH({"web", 1, {80, 443}, 0, 3}));
	before = midstream(0);
	load(FILE_WITH({"web", 1, {80, 443}, 1, 4})); /* and it is in transition already */
	both = calloc(RING_MIN, sizeof(*both));
	memcpy(both, before, RING_MIN * sizeof(*both));
	load(FILE_WITH({"web", 1, {80}, 1, 2}, {"tls", 1, {443}, 8, 9}));
	assert_true(service(0)->owner != service(1)->owner);
	assert_int_equal(lost(), 0);
	assert_goes(before, midstream(0));
	assert_goes(both, midstream(1));
	assert_ends();
}

static void who_is_left_in_a_split_is_so_in_both(void **state)
{
	const struct gone *gone;

	(void)state;
	start(FILE_WITH({"web", 1, {80, 443}, 0, 3}));
	load(FILE_WITH({"web", 1, {80, 443}, 1, 3}));
	elapse(IDLE / 2);
	load(FILE_WITH({"web", 1, {80}, 1, 3}, {"tls", 1, {443}, 1, 3}));
	gone = service(1)->gone;
	assert_non_null(gone);
	assert_null(gone->next);
	/* Its idle time goes on. */
	assert_int_equal(tables_backend_seen(world->apply.tables, gone->member.backend),
			 world->now - IDLE / 2);
	elapse(IDLE - IDLE / 2);
	assert_null(service(1)->gone);
	assert_int_equal(tables_ring_moving(service(1)->ring), 0);
	assert_ends();
}

static void a_split_at_a_start_moves_no_flow(void **state)
{
	struct addr *before;

	(void)state;
	start(FILE_WITH({"web", 1, {80, 443}, 0, 3}));
	before = midstream(0);
	restart(FILE_WITH({"tls", 1, {443}, 6, 9}, {"web", 1, {80}, 0, 3}));
	assert_goes(before, midstream(0));
	assert_int_equal(lost(), 0);
	assert_ends();
}

static void what_nobody_asked_for_of_a_copy_is_given_up(void **state)
{
	size_t backends = 0;

	(void)state;
	start(FILE_WITH({"web", 1, {80, 443}, 0, 3}));
	load(FILE_WITH({"web", 1, {80}, 0, 3}, {"tls", 1, {443}, 0, 1}));
	assert_ends();
	while (tables_reap(world->apply.tables))
		;
	for (uint32_t i = 1; i < world->heap->port.backends_size; i++)
		backends += world->heap->port.backends[i].owner != 0;
	assert_int_equal(backends, 6);
}

static void a_merge_keeps_one_ring(void **state)
{
	struct addr *before;

	(void)state;
	start(FILE_WITH({"web", 1, {80}, 0, 3}, {"tls", 1, {443}, 4, 7}));
	before = midstream(1);
	load(FILE_WITH({"tls", 1, {80, 443}, 0, 7}));
	assert_goes(before, midstream(0));
	assert_int_equal(lost(), 1);
	assert_ends();
}

static void a_merge_of_like_with_like_moves_no_flow(void **state)
{
	struct addr *before;

	(void)state;
	start(FILE_WITH({"web", 1, {80}, 0, 3}, {"tls", 1, {443}, 0, 3}));
	before = midstream(0);
	load(FILE_WITH({"tls", 1, {80, 443}, 1, 4}));
	assert_goes(before, midstream(0));
	assert_int_equal(lost(), 0);
	assert_ends();
}

static void in_a_transition_even_alike_is_not_the_same(void **state)
{
	(void)state;
	start(FILE_WITH({"web", 1, {80}, 0, 3}, {"tls", 1, {443}, 0, 3}));
	load(FILE_WITH({"web", 1, {80}, 0, 2}, {"tls", 1, {443}, 0, 2}));
	assert_int_equal(lost(), 0);
	load(FILE_WITH({"tls", 1, {80, 443}, 0, 2}));
	assert_int_equal(lost(), 1);
	assert_ends();
}

#define FACT(name) cmocka_unit_test_setup_teardown(name, world_up, world_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FACT(another_name_moves_no_flow),
		FACT(another_name_at_a_start_moves_no_flow),
		FACT(swapped_names_move_no_flow),
		FACT(a_name_that_goes_to_another_vip_leaves_its_flows),
		FACT(a_split_moves_no_flow),
		FACT(who_is_left_in_a_split_is_so_in_both),
		FACT(a_split_at_a_start_moves_no_flow),
		FACT(what_nobody_asked_for_of_a_copy_is_given_up),
		FACT(a_merge_keeps_one_ring),
		FACT(a_merge_of_like_with_like_moves_no_flow),
		FACT(in_a_transition_even_alike_is_not_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
