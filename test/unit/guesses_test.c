/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Guesses: what each is made of, and what is closed before it changes.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <shunt/guess.h>

#include "guesses.h"

#define PLACES 4

static struct sh_guess memory[PLACES];
static struct sh_service services[4];
static struct port port = {
	.guesses = memory, .guesses_size = PLACES, .services = services, .services_size = 4};
static int waits;
static __u64 seen[PLACES]; /* what was open while we waited */

static void on_wait(void)
{
	waits++;
	for (int i = 0; i < PLACES; i++)
		seen[i] = memory[i].where;
}

static struct sh_service service_at(const char *vip, uint16_t tcp_port, uint32_t ring)
{
	struct sh_service service = {.ring = ring,
				     .slots = 128,
				     .vip_port = htons(tcp_port),
				     .protocol = IPPROTO_TCP,
				     .family = SH_FAMILY_IPV4};

	inet_pton(AF_INET, vip, &service.vip);
	return service;
}

static int fresh(void **state)
{
	(void)state;
	memset(memory, 0, sizeof(memory));
	memset(services, 0, sizeof(services));
	waits = 0;
	return 0;
}

static void a_guess_has_what_its_service_has(void **state)
{
	const struct sh_service service = service_at("203.0.113.1", 80, 7);
	const struct sh_guess guess = sh_guess_by(&service, 3, 0);

	(void)state;
	assert_int_equal(guess.service, 3);
	assert_int_equal(guess.ring, 7);
	assert_int_equal(guess.slots, 128);
	assert_int_equal(guess.vip_port, htons(80));
	assert_int_equal(guess.protocol, IPPROTO_TCP);
	assert_int_equal(guess.family, SH_FAMILY_IPV4);
	assert_memory_equal(&guess.vip, &service.vip, sizeof(guess.vip));
}

/* Then the general way has to see to it; which still finds the service by it. */
static void its_ring_is_not_all_there_is(void **state)
{
	struct sh_service random = service_at("203.0.113.1", 80, 7), named = random, empty = random;

	(void)state;
	random.flags = SH_SERVICE_RANDOM;
	named.flags = SH_SERVICE_QUIC_ID;
	empty.slots = 0;
	assert_true(sh_guess_by(&random, 3, 0).where == 0);
	assert_true(sh_guess_by(&named, 3, 0).where == 0);
	assert_true(sh_guess_by(&empty, 3, 0).where == 0);
	empty.slots = 128;
	assert_true(sh_guess_by(&empty, 3, 50).where == 0); /* somebody listens to events */
	assert_int_equal(sh_guess_by(&empty, 3, 50).service, 3);
	assert_true(sh_guess_by(&empty, 3, 0).where == empty.where);
}

static void what_is_wanted_is_written_once(void **state)
{
	const struct sh_service a = service_at("203.0.113.1", 80, 7);
	const struct sh_guess want[PLACES] = {[1] = sh_guess_by(&a, 1, 0)};

	(void)state;
	assert_int_equal(guesses_store(&port, want, on_wait), 1);
	assert_memory_equal(memory, want, sizeof(memory));
	assert_int_equal(guesses_store(&port, want, on_wait), 0);
	assert_int_equal(waits, 0);
}

/* A service's other ring needs no wait: `where` itself is another. */
static void another_ring_is_opened_at_once(void **state)
{
	const struct sh_service a = service_at("203.0.113.1", 80, 7), b = service_at("203.0.113.1", 80, 9);
	const struct sh_guess before[PLACES] = {[1] = sh_guess_by(&a, 1, 0)};
	const struct sh_guess after[PLACES] = {[1] = sh_guess_by(&b, 1, 0)};

	(void)state;
	guesses_store(&port, before, on_wait);
	assert_int_equal(guesses_store(&port, after, on_wait), 1);
	assert_memory_equal(memory, after, sizeof(memory));
	assert_int_equal(waits, 0);
}

/* Two services of one ring: a packet that saw the former's `where` would find it unchanged. */
static void another_service_waits_for_packets(void **state)
{
	const struct sh_service a = service_at("203.0.113.1", 80, 7), b = service_at("203.0.113.2", 80, 7);
	const struct sh_guess before[PLACES] = {[1] = sh_guess_by(&a, 1, 0), [2] = sh_guess_by(&b, 3, 0)};
	const struct sh_guess after[PLACES] = {[1] = sh_guess_by(&b, 2, 0), [2] = sh_guess_by(&b, 3, 0)};

	(void)state;
	guesses_store(&port, before, on_wait);
	assert_int_equal(guesses_store(&port, after, on_wait), 1);
	assert_memory_equal(memory, after, sizeof(memory));
	assert_int_equal(waits, 1);
	assert_true(seen[1] == 0);
	assert_true(seen[2] == before[2].where); /* what stays, stays open */
	/* Also where it was closed just before. */
	guesses_store(&port, before, on_wait);
	memory[1].where = 0;
	guesses_store(&port, after, on_wait);
	assert_int_equal(waits, 3);
}

/* Nobody goes by an entry that is closed, or that will be. */
static void closing_alone_waits_for_nobody(void **state)
{
	const struct sh_service a = service_at("203.0.113.1", 80, 7);
	const struct sh_guess open[PLACES] = {[1] = sh_guess_by(&a, 1, 0)};
	const struct sh_guess closed[PLACES] = {[1] = sh_guess_by(&a, 1, 1)},
			      none[PLACES] = {[0] = {.service = 0}};

	(void)state;
	guesses_store(&port, open, on_wait);
	guesses_store(&port, closed, on_wait);
	assert_true(memory[1].where == 0);
	assert_int_equal(memory[1].service, 1);
	guesses_store(&port, open, on_wait);
	guesses_store(&port, none, on_wait);
	assert_memory_equal(memory, none, sizeof(memory));
	assert_int_equal(waits, 0);
}

static void a_service_closes_its_own_guess(void **state)
{
	struct sh_guess want[PLACES] = {[0] = {.service = 0}};
	uint32_t place;

	(void)state;
	services[1] = service_at("203.0.113.1", 80, 7);
	place = sh_guess_of(&services[1], PLACES);
	services[2] = services[1];
	want[place] = sh_guess_by(&services[1], 1, 0);
	guesses_store(&port, want, on_wait);
	assert_false(guesses_close(&port, 2)); /* shares the place, but has it not */
	assert_memory_equal(memory, want, sizeof(memory));
	assert_true(guesses_close(&port, 1));
	want[place].where = 0;
	assert_memory_equal(memory, want, sizeof(memory));
	assert_false(guesses_close(&port, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_guess_has_what_its_service_has, fresh),
		cmocka_unit_test_setup(its_ring_is_not_all_there_is, fresh),
		cmocka_unit_test_setup(what_is_wanted_is_written_once, fresh),
		cmocka_unit_test_setup(another_ring_is_opened_at_once, fresh),
		cmocka_unit_test_setup(another_service_waits_for_packets, fresh),
		cmocka_unit_test_setup(closing_alone_waits_for_nobody, fresh),
		cmocka_unit_test_setup(a_service_closes_its_own_guess, fresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
