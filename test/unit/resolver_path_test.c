/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Paths: how legs share the buckets by their weights, and how few move when legs come and go.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "observed.h"
#include "resolver.h"

static const struct sh_path no_path;

/* Legs of these weights by next hops 11, 12, .... */
static void path_of(const uint32_t *weights, size_t count, struct sh_path *out)
{
	struct resolved_leg legs[RT_LEGS_MAX] = {0};
	uint32_t indices[RT_LEGS_MAX];
	char text[32];

	for (size_t i = 0; i < count; i++) {
		snprintf(text, sizeof(text), "192.0.2.%zu", i + 1);
		legs[i].nexthop = (struct rt_neigh_key){.ifindex = 2, .addr = test_addr(text)};
		legs[i].weight = weights[i];
		indices[i] = (uint32_t)(11 + i);
	}
	memset(out, 0xff, sizeof(*out));
	assert_int_equal(resolve_path(legs, indices, count, &no_path, out), 0);
}

static uint32_t buckets_of(const struct sh_path *path, uint32_t nexthop)
{
	uint32_t count = 0;

	for (uint32_t b = 0; b < path->buckets; b++)
		count += path->nexthop[b] == nexthop;
	return count;
}

static void one_leg_is_one_bucket(void **state)
{
	struct sh_path path;

	(void)state;
	path_of(&(const uint32_t){256}, 1, &path);
	assert_int_equal(path.buckets, 1);
	assert_int_equal(path.nexthop[0], 11);
	for (size_t b = 1; b < SH_PATH_BUCKETS; b++)
		assert_int_equal(path.nexthop[b], 0);
}

/* Weights, and how many of the 127 buckets each leg has: its share rounded down or up. */
static const struct {
	size_t count;
	uint32_t weights[4], least[4];
} shares[] = {
	{2, {1, 1}, {63, 63}},
	{2, {1, 2}, {42, 84}},
	{2, {1, 3}, {31, 95}},
	{3, {1, 2, 3}, {21, 42, 63}},
	{4, {1, 1, 1, 1}, {31, 31, 31, 31}},
	{2, {256, 1}, {126, 1}}, /* less than half a bucket: one all the same */
	{2, {65536, 1}, {126, 1}},
	{2, {65536, 32768}, {84, 42}},
	{3, {65536, 65535, 1}, {63, 62, 1}},
};

static void paths_share_by_weight(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
		struct sh_path path;
		uint32_t all = 0;

		path_of(shares[i].weights, shares[i].count, &path);
		assert_int_equal(path.buckets, SH_PATH_BUCKETS);
		for (size_t leg = 0; leg < shares[i].count; leg++) {
			uint32_t buckets = buckets_of(&path, (uint32_t)(11 + leg));

			if (buckets < shares[i].least[leg] || buckets > shares[i].least[leg] + 1)
				fail_msg("path %zu, leg %zu: %u buckets, not %u or one more", i, leg, buckets,
					 shares[i].least[leg]);
			all += buckets;
		}
		assert_int_equal(all, SH_PATH_BUCKETS);
	}
}

static void legs_are_told_apart_by_link(void **state)
{
	struct resolved_leg legs[2] = {{.weight = 1}, {.weight = 1}};
	const uint32_t indices[] = {11, 12};
	uint32_t apart = 0;
	struct sh_path first, second;

	(void)state;
	for (size_t i = 0; i < 2; i++)
		legs[i].nexthop = (struct rt_neigh_key){.ifindex = (int)i + 2, .addr = test_addr("fe80::1")};
	assert_int_equal(resolve_path(legs, indices, 2, &no_path, &first), 0);
	legs[1].nexthop.ifindex = 9;
	assert_int_equal(resolve_path(legs, indices, 2, &no_path, &second), 0);
	for (uint32_t b = 0; b < SH_PATH_BUCKETS; b++)
		apart += first.nexthop[b] != second.nexthop[b];
	assert_in_range(buckets_of(&first, 12), 63, 64);
	assert_true(apart > 0); /* another link: another place in the path */
}

/* `count` legs, of weight 1 or of weights that differ; next hops 11, 12, ... */
static void make_legs(struct resolved_leg *legs, uint32_t *indices, size_t count, bool equal)
{
	char text[32];

	for (size_t i = 0; i < count; i++) {
		snprintf(text, sizeof(text), "192.0.2.%zu", i + 1);
		legs[i].nexthop = (struct rt_neigh_key){.ifindex = 2, .addr = test_addr(text)};
		legs[i].weight = equal ? 1 : (uint32_t)(1 + i * i % 7);
		indices[i] = (uint32_t)(11 + i);
	}
}

static void without(struct resolved_leg *legs, uint32_t *indices, size_t count, size_t gone)
{
	memmove(&legs[gone], &legs[gone + 1], (count - gone - 1) * sizeof(*legs));
	memmove(&indices[gone], &indices[gone + 1], (count - gone - 1) * sizeof(*indices));
}

/* Buckets that differ although neither path has them with next hop `one`. */
static uint32_t strays(const struct sh_path *a, const struct sh_path *b, uint32_t one)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < SH_PATH_BUCKETS; i++)
		count += a->nexthop[i] != b->nexthop[i] && a->nexthop[i] != one && b->nexthop[i] != one;
	return count;
}

/* One of `count` legs goes and comes back: how many buckets of the others moved meanwhile. */
static uint32_t moved_by(size_t count, size_t gone, bool equal)
{
	struct resolved_leg legs[RT_LEGS_MAX] = {0};
	uint32_t indices[RT_LEGS_MAX];
	struct sh_path whole, less, again;

	make_legs(legs, indices, count, equal);
	assert_int_equal(resolve_path(legs, indices, count, &no_path, &whole), 0);
	assert_int_equal(resolve_path(legs, indices, count, &whole, &again), 0);
	assert_memory_equal(&again, &whole, sizeof(whole)); /* the same legs: the same path */
	without(legs, indices, count, gone);
	assert_int_equal(resolve_path(legs, indices, count - 1, &whole, &less), 0);
	assert_int_equal(buckets_of(&less, (uint32_t)(11 + gone)), 0);
	make_legs(legs, indices, count, equal);
	assert_int_equal(resolve_path(legs, indices, count, &less, &again), 0);
	return strays(&whole, &less, (uint32_t)(11 + gone)) + strays(&less, &again, (uint32_t)(11 + gone));
}

static void a_leg_that_goes_or_comes_moves_its_own_buckets_alone(void **state)
{
	(void)state;
	for (size_t count = 3; count <= RT_LEGS_MAX; count++) {
		for (size_t gone = 0; gone < count; gone++) {
			assert_int_equal(moved_by(count, gone, true), 0);
			/* where a share is rounded the other way a bucket or two may have to move */
			if (moved_by(count, gone, false) > 0)
				print_message("%zu %zu: %u\n", count, gone, moved_by(count, gone, false));
		}
	}
}

static void the_last_legs_keep_their_buckets(void **state)
{
	struct resolved_leg legs[2] = {0};
	const struct sh_path one = {.buckets = 1, .nexthop = {11}};
	uint32_t indices[2];
	struct sh_path path;

	(void)state;
	make_legs(legs, indices, 2, true);
	/* a second leg takes half of what the only one had */
	assert_int_equal(resolve_path(legs, indices, 2, &one, &path), 0);
	assert_in_range(buckets_of(&path, 11), 63, 64);
	assert_int_equal(resolve_path(legs, indices, 1, &path, &path), 0);
	assert_int_equal(path.buckets, 1);
	assert_int_equal(path.nexthop[0], 11);
}

/* 5 legs after one: two of them have 26 buckets, and not the first 27. */
static void shares_stay_rounded_whatever_was_before(void **state)
{
	struct resolved_leg legs[5] = {0};
	uint32_t indices[5];
	struct sh_path one, five;

	(void)state;
	make_legs(legs, indices, 5, true);
	assert_int_equal(resolve_path(legs, indices, 1, &no_path, &one), 0);
	assert_int_equal(resolve_path(legs, indices, 5, &one, &five), 0);
	for (uint32_t i = 0; i < 5; i++)
		assert_in_range(buckets_of(&five, 11 + i), 25, 26);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_leg_is_one_bucket),
		cmocka_unit_test(paths_share_by_weight),
		cmocka_unit_test(legs_are_told_apart_by_link),
		cmocka_unit_test(a_leg_that_goes_or_comes_moves_its_own_buckets_alone),
		cmocka_unit_test(the_last_legs_keep_their_buckets),
		cmocka_unit_test(shares_stay_rounded_whatever_was_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
