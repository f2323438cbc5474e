/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the ring promises: balance, weights, little movement, and the same answer everywhere.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "ring.h"

#define MEMBERS_MAX 700

struct fixture {
	struct ring_member members[MEMBERS_MAX];
	uint32_t slots[RING_MAX], before[RING_MAX];
	uint32_t counts[2 * MEMBERS_MAX];
};

static int setup(void **state)
{
	*state = calloc(1, sizeof(struct fixture));
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

/* 198.18.0.0/15, one after the other, as an operator numbers servers. Values start at 1. */
static struct ring_member member4(uint32_t i, uint32_t weight)
{
	return (struct ring_member){
		.address = {.family = ADDR_IPV4, .bytes = {198, 18, (uint8_t)(i >> 8), (uint8_t)i}},
		.weight = weight,
		.value = i + 1,
	};
}

static struct ring_member member6(uint32_t i, uint32_t weight)
{
	struct ring_member member = {
		.address = {.family = ADDR_IPV6, .bytes = {0x20, 0x01, 0x0d, 0xb8}},
		.weight = weight,
		.value = i + 1,
	};

	member.address.bytes[14] = (uint8_t)(i >> 8);
	member.address.bytes[15] = (uint8_t)i;
	return member;
}

static void fill(struct fixture *f, size_t count, struct ring_member (*make)(uint32_t, uint32_t))
{
	for (size_t i = 0; i < count; i++)
		f->members[i] = make((uint32_t)i, 1);
}

static void build(struct fixture *f, size_t count, uint32_t size)
{
	assert_int_equal(ring_build(f->members, count, f->slots, size), 0);
	memset(f->counts, 0, sizeof(f->counts));
	for (uint32_t slot = 0; slot < size; slot++) {
		assert_in_range(f->slots[slot], 1, 2 * MEMBERS_MAX - 1);
		f->counts[f->slots[slot]]++;
	}
}

/* Each member's slots are its fair share to 1 %, or to one slot where that is more. */
static void assert_fair(const struct fixture *f, size_t count, uint32_t size)
{
	double total = 0;

	for (size_t i = 0; i < count; i++)
		total += f->members[i].weight;
	for (size_t i = 0; i < count; i++) {
		double share = size * f->members[i].weight / total;
		double slack = share / 100 > 1 ? share / 100 : 1;
		double off = f->counts[f->members[i].value] - share;

		if (off > slack || off < -slack)
			fail_msg("%zu members, member %zu: %u slots of a fair %.1f", count, i,
				 f->counts[f->members[i].value], share);
	}
}

static double moved(const struct fixture *f, uint32_t size)
{
	uint32_t changed = 0;

	for (uint32_t slot = 0; slot < size; slot++)
		changed += f->slots[slot] != f->before[slot];
	return (double)changed / size;
}

static void shuffle(struct ring_member *members, size_t count)
{
	uint32_t x = 12345;

	for (size_t i = count - 1; i > 0; i--) {
		struct ring_member swap = members[i];
		size_t other;

		x = x * 1664525 + 1013904223;
		other = (x >> 8) % (i + 1);
		members[i] = members[other];
		members[other] = swap;
	}
}

/* ---- the ladder ---------------------------------------------------------------------------- */

static void sizes_double_from_at_least_100_slots_each(void **state)
{
	uint32_t last = 0, rungs = 0;

	(void)state;
	for (size_t n = 0; n <= 1000; n++) {
		uint32_t size = ring_size(n);

		assert_true(size >= 100 * n || size == RING_MAX);
		assert_true(size >= last && size <= RING_MAX);
		if (size == last)
			continue;
		assert_true(last == 0 || size == 2 * last);
		last = size;
		rungs++;
	}
	assert_int_equal(last, RING_MAX);
	assert_int_equal(rungs, 10);
	assert_int_equal(ring_size(0), 128);
	assert_int_equal(ring_size(1), 128);
	assert_int_equal(ring_size(2), 256);
	assert_int_equal(ring_size(4), 512);
	assert_int_equal(ring_size(327), 32768);
	assert_int_equal(ring_size(328), RING_MAX);
	assert_int_equal(ring_size(SIZE_MAX), RING_MAX);
}

/* ---- balance and weights ------------------------------------------------------------------- */

static void equal_weights_are_balanced(void **state)
{
	static const size_t counts[] = {1, 2, 3, 5, 7, 10, 50, 64, 100, 256, 300, 500, 650};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		fill(f, counts[i], member4);
		build(f, counts[i], RING_MAX);
		assert_fair(f, counts[i], RING_MAX);
		fill(f, counts[i], member6);
		build(f, counts[i], RING_MAX);
		assert_fair(f, counts[i], RING_MAX);
		build(f, counts[i], ring_size(counts[i]));
		assert_fair(f, counts[i], ring_size(counts[i]));
	}
}

static void weights_are_kept(void **state)
{
	static const struct {
		size_t count;
		uint32_t weights[5];
	} cases[] = {
		{2, {1, 2}},	   {2, {1, 10}},	  {3, {1, 2, 3}},   {3, {1000, 1, 1}},
		{4, {7, 7, 7, 1}}, {5, {1, 2, 4, 8, 16}}, {2, {1000, 999}}, {3, {500, 500, 1000}},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (size_t m = 0; m < cases[i].count; m++)
			f->members[m] = member4((uint32_t)m, cases[i].weights[m]);
		build(f, cases[i].count, RING_MAX);
		assert_fair(f, cases[i].count, RING_MAX);
	}
	for (uint32_t m = 0; m < 100; m++)
		f->members[m] = member6(m, 1 + m * 7 % 10);
	build(f, 100, RING_MAX);
	assert_fair(f, 100, RING_MAX);
	/* a common factor changes nothing */
	memcpy(f->before, f->slots, sizeof(f->slots));
	for (uint32_t m = 0; m < 100; m++)
		f->members[m].weight *= 100;
	build(f, 100, RING_MAX);
	assert_true(moved(f, RING_MAX) == 0);
}

static void a_share_below_one_slot_is_one_slot(void **state)
{
	struct fixture *f = *state;

	f->members[0] = member4(0, 1000);
	for (uint32_t m = 1; m < 50; m++)
		f->members[m] = member4(m, m % 2 ? 1 : 1000);
	build(f, 50, ring_size(50));
	for (uint32_t m = 0; m < 50; m++)
		assert_true(f->counts[m + 1] >= 1);
	/* more members than slots: the ring is filled all the same */
	fill(f, 200, member4);
	build(f, 200, 128);
	for (uint32_t m = 0; m < 200; m++)
		assert_true(f->counts[m + 1] <= 1);
}

static void no_weight_no_slot(void **state)
{
	struct fixture *f = *state;

	memset(f->slots, 0xff, sizeof(f->slots));
	assert_int_equal(ring_build(NULL, 0, f->slots, 128), 0);
	for (uint32_t slot = 0; slot < 128; slot++)
		assert_int_equal(f->slots[slot], 0);

	memset(f->slots, 0xff, sizeof(f->slots));
	f->members[0] = member4(0, 0);
	f->members[1] = member4(1, 0);
	assert_int_equal(ring_build(f->members, 2, f->slots, 256), 0);
	for (uint32_t slot = 0; slot < 256; slot++)
		assert_int_equal(f->slots[slot], 0);
	assert_int_equal(f->slots[256], UINT32_MAX); /* not one slot further */

	f->members[1].weight = 3;
	build(f, 2, 256);
	assert_int_equal(f->counts[2], 256);

	/* two cannot share one slot */
	assert_int_equal(ring_build(f->members, 2, f->slots, 1), 0);
	f->members[0].weight = 3;
	f->slots[0] = 7;
	assert_int_equal(ring_build(f->members, 2, f->slots, 1), -EINVAL);
	assert_int_equal(f->slots[0], 7);

	/* a member without weight is as good as none */
	fill(f, 5, member4);
	build(f, 4, 512);
	memcpy(f->before, f->slots, sizeof(f->slots));
	f->members[4].weight = 0;
	build(f, 5, 512);
	assert_true(moved(f, 512) == 0);
}

/* ---- the same everywhere ------------------------------------------------------------------- */

static void order_does_not_matter(void **state)
{
	static const size_t counts[] = {2, 3, 10, 100, 650};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		uint32_t size = ring_size(counts[i]);

		for (uint32_t m = 0; m < counts[i]; m++)
			f->members[m] = m % 2 ? member4(m, 1 + m % 3) : member6(m, 1 + m % 3);
		build(f, counts[i], size);
		memcpy(f->before, f->slots, sizeof(f->slots));
		shuffle(f->members, counts[i]);
		build(f, counts[i], size);
		assert_true(moved(f, size) == 0);
	}
}

/* The value stored must not matter: each director numbers its backends itself. */
static void values_do_not_matter(void **state)
{
	struct fixture *f = *state;

	fill(f, 10, member4);
	build(f, 10, 1024);
	memcpy(f->before, f->slots, sizeof(f->slots));
	for (uint32_t m = 0; m < 10; m++)
		f->members[m].value = 500 - m;
	build(f, 10, 1024);
	for (uint32_t slot = 0; slot < 1024; slot++)
		assert_int_equal(f->slots[slot], 500 - (f->before[slot] - 1));
}

/* The ring is a promise between directors of different versions: this changes only knowingly. */
static void the_ring_is_pinned(void **state)
{
	struct fixture *f = *state;
	uint64_t hash = 0xcbf29ce484222325ULL; /* FNV-1a over the slots */

	for (uint32_t m = 0; m < 4; m++)
		f->members[m] = m % 2 ? member4(m, 1 + m) : member6(m, 1 + m);
	build(f, 4, 512);
	for (uint32_t slot = 0; slot < 512; slot++)
		hash = (hash ^ f->slots[slot]) * 0x100000001b3ULL;
	assert_int_equal(hash, 0x483e599020fc4a9cULL);
}

/* ---- movement ------------------------------------------------------------------------------ */

/* Removes each of up to eight members of n in turn; returns the most that moved, in n-ths of the ring. */
static double worst_removal(struct fixture *f, uint32_t n, uint32_t size)
{
	uint32_t step = n / 8 ? n / 8 : 1;
	double worst = 0;

	fill(f, n, member4);
	build(f, n, size);
	memcpy(f->before, f->slots, sizeof(f->slots));
	for (uint32_t gone = 0; gone < n; gone += step) {
		double share;

		fill(f, n, member4);
		f->members[gone] = f->members[n - 1];
		build(f, n - 1, size);
		assert_int_equal(f->counts[gone + 1], 0);
		share = moved(f, size) * n;
		worst = share > worst ? share : worst;
	}
	return worst;
}

/*
 * 1.5/n where a member has 600 slots or more. With fewer, balance to the slot costs more; what it
 * costs is bounded here, so that it cannot grow unseen.
 */
static void removal_moves_little(void **state)
{
	static const struct {
		uint32_t n;
		double full, own; /* at most, in n-ths of the ring: 65,536 slots, and the size for n */
	} cases[] = {
		{2, 1.5, 1.5},	 {3, 1.5, 1.5},	  {5, 1.5, 1.5}, {10, 1.5, 1.5},
		{50, 1.5, 1.75}, {100, 1.5, 2.0}, {300, 2.5, 3}, {650, 4, 4},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		double full = worst_removal(f, cases[i].n, RING_MAX);
		double own = worst_removal(f, cases[i].n, ring_size(cases[i].n));

		print_message("  one of %u removed: %.2f/n of 65536 slots move, %.2f/n of %u\n", cases[i].n,
			      full, own, ring_size(cases[i].n));
		if (full > cases[i].full || own > cases[i].own)
			fail_msg("one of %u removed: %.3f/n and %.3f/n of the slots move", cases[i].n, full,
				 own);
	}
}

/* The least that has to move: what the members gain or lose. */
static void change_moves_little(void **state)
{
	static const struct {
		uint32_t n, from, to; /* weight of the first member; 0: it is added or removed */
	} cases[] = {
		{5, 0, 1},  {50, 0, 1}, {100, 0, 1}, {5, 1, 2},
		{10, 1, 2}, {10, 3, 1}, {50, 1, 2},  {100, 1, 10},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		double rest = cases[i].n - 1;
		double least = cases[i].to / (cases[i].to + rest) - cases[i].from / (cases[i].from + rest);
		double share;

		fill(f, cases[i].n, member4);
		f->members[0].weight = cases[i].from;
		build(f, cases[i].n, RING_MAX);
		memcpy(f->before, f->slots, sizeof(f->slots));
		f->members[0].weight = cases[i].to;
		build(f, cases[i].n, RING_MAX);
		share = moved(f, RING_MAX) / (least < 0 ? -least : least);
		print_message("  weight %u to %u, one of %u: %.2f of the least moves\n", cases[i].from,
			      cases[i].to, cases[i].n, share);
		if (share > 1.5)
			fail_msg("weight %u to %u, one of %u: %.3f of the least moves", cases[i].from,
				 cases[i].to, cases[i].n, share);
	}
}

/* `steps` in each part. Returns how many there were. */
static size_t build_in_parts(struct fixture *f, size_t count, uint32_t size, size_t steps)
{
	struct ring_building *building;
	size_t budget, parts = 0;

	assert_int_equal(ring_begin(f->members, count, f->slots, size, &building), 0);
	do {
		budget = steps;
		parts++;
	} while (ring_go_on(building, &budget));
	assert_true(budget < steps || steps == 1);
	ring_end(building);
	return parts;
}

static void a_ring_in_parts_is_the_same(void **state)
{
	static const struct {
		size_t members, steps, least;
	} cases[] = {
		{0, 50, 3},	 {1, 50, 3},	  {2, 1, 300},	      {7, 33, 30},
		{100, 1000, 30}, {700, 4096, 30}, {700, SIZE_MAX, 1},
	};
	struct fixture *f = *state;

	fill(f, MEMBERS_MAX, member4);
	for (uint32_t i = 0; i < MEMBERS_MAX; i++)
		f->members[i].weight = 1 + i * i % 7;
	shuffle(f->members, MEMBERS_MAX);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint32_t size = ring_size(cases[i].members);

		assert_int_equal(ring_build(f->members, cases[i].members, f->before, size), 0);
		memset(f->slots, 0xff, sizeof(f->slots));
		assert_true(build_in_parts(f, cases[i].members, size, cases[i].steps) >= cases[i].least);
		assert_memory_equal(f->slots, f->before, size * sizeof(*f->slots));
	}
}

/* Whoever is not done with may be let go of. */
static void a_ring_may_be_given_up(void **state)
{
	struct fixture *f = *state;
	struct ring_building *building;
	size_t budget = 500;

	fill(f, 50, member4);
	assert_int_equal(ring_begin(f->members, 50, f->slots, 1024, &building), 0);
	assert_true(ring_go_on(building, &budget));
	assert_int_equal(budget, 0);
	ring_end(building);
	ring_end(NULL);
}

static void timing(void **state)
{
	static const uint32_t cases[] = {1, 4, 650};
	struct fixture *f = *state;

	fill(f, 650, member4);
	for (size_t i = 0; i < 3; i++) {
		uint32_t rounds = cases[i] == 650 ? 10 : 10000;
		struct timespec start, end;

		clock_gettime(CLOCK_MONOTONIC, &start);
		for (uint32_t r = 0; r < rounds; r++) {
			f->members[0] = member4(r, 1);
			f->members[0].address.bytes[1]++;
			assert_int_equal(ring_build(f->members, cases[i], f->slots, ring_size(cases[i])), 0);
		}
		clock_gettime(CLOCK_MONOTONIC, &end);
		print_message("  %u rings of %u members and %u slots: %.1f ms\n", rounds, cases[i],
			      ring_size(cases[i]),
			      (double)(end.tv_sec - start.tv_sec) * 1e3 +
				      (double)(end.tv_nsec - start.tv_nsec) / 1e6);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_double_from_at_least_100_slots_each),
		cmocka_unit_test_setup_teardown(equal_weights_are_balanced, setup, teardown),
		cmocka_unit_test_setup_teardown(weights_are_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(a_share_below_one_slot_is_one_slot, setup, teardown),
		cmocka_unit_test_setup_teardown(no_weight_no_slot, setup, teardown),
		cmocka_unit_test_setup_teardown(order_does_not_matter, setup, teardown),
		cmocka_unit_test_setup_teardown(values_do_not_matter, setup, teardown),
		cmocka_unit_test_setup_teardown(the_ring_is_pinned, setup, teardown),
		cmocka_unit_test_setup_teardown(removal_moves_little, setup, teardown),
		cmocka_unit_test_setup_teardown(change_moves_little, setup, teardown),
		cmocka_unit_test_setup_teardown(a_ring_in_parts_is_the_same, setup, teardown),
		cmocka_unit_test_setup_teardown(a_ring_may_be_given_up, setup, teardown),
		cmocka_unit_test_setup_teardown(timing, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
