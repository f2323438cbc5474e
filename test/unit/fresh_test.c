/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where fresh flows lie (<shunt/fresh.h>): a word names its flow and its backend, and sets fill evenly.
 */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <shunt/fresh.h>

#define FLOWS	1000000U
#define BACKEND 0xabcdefU

/* Clients with sixteen ports each. */
static struct sh_flow flow_of(uint32_t number)
{
	return (struct sh_flow){.client = {{htonl(0xc6120000 + number / 16)}},
				.client_port = htons((uint16_t)(1024 + number % 16)),
				.vip_port = htons(443),
				.whose = 7};
}

static void a_word_is_of_one_flow(void **state)
{
	const struct sh_flow flow = flow_of(1);
	const uint64_t hash = sh_fresh_hash(&flow), word = sh_fresh_word(hash, BACKEND);
	struct sh_flow others[] = {flow, flow, flow, flow, flow};

	(void)state;
	others[0].client.w[0] ^= htonl(1);
	others[1].client.w[3] ^= htonl(1);
	others[2].client_port ^= htons(1);
	others[3].vip_port ^= htons(1);
	others[4].whose ^= 1;
	assert_int_equal(sh_fresh_backend(word, hash), BACKEND);
	assert_int_equal(sh_fresh_backend(0, hash), 0);
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		assert_int_not_equal(sh_fresh_hash(&others[i]), hash);
		assert_int_equal(sh_fresh_backend(word, sh_fresh_hash(&others[i])), 0);
	}
}

/* The mean is 61; Poisson's law has a set above 110 once in 10^8 times. */
static void sets_fill_evenly(void **state)
{
	uint32_t *sets = calloc(SH_FRESH_SIZE, sizeof(*sets));

	(void)state;
	assert_non_null(sets);
	for (uint32_t i = 0; i < FLOWS; i++) {
		const struct sh_flow flow = flow_of(i);
		uint32_t place = sh_fresh_place(sh_fresh_hash(&flow));

		assert_true(place < SH_FRESH_SIZE);
		sets[place]++;
	}
	for (uint32_t i = 0; i < SH_FRESH_SIZE; i++)
		assert_in_range(sets[i], 20, 110);
	free(sets);
}

static int by_value(const void *left, const void *right)
{
	const uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

	return (a > b) - (a < b);
}

/* Of a million flows no two have set and word in common. */
static void none_is_taken_for_another(void **state)
{
	uint64_t *all = calloc(FLOWS, sizeof(*all));

	(void)state;
	assert_non_null(all);
	for (uint32_t i = 0; i < FLOWS; i++) {
		const struct sh_flow flow = flow_of(i);
		uint64_t hash = sh_fresh_hash(&flow);

		/* The set takes 14 bits, the word 40 others. */
		all[i] = (uint64_t)sh_fresh_place(hash) << 40 |
			 sh_fresh_word(hash, 0) >> SH_FRESH_BACKEND_BITS;
	}
	qsort(all, FLOWS, sizeof(*all), by_value);
	for (uint32_t i = 1; i < FLOWS; i++)
		assert_true(all[i - 1] != all[i]);
	free(all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_word_is_of_one_flow),
		cmocka_unit_test(sets_fill_evenly),
		cmocka_unit_test(none_is_taken_for_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
