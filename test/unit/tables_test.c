/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The tables on the heap: identities, and how their records rest.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tables_world.h"

/* ---- identities ----------------------------------------------------------------------------- */

static void an_identity_has_one_record(void **state)
{
	struct fixture *f = *state;
	struct table_nexthop *a = nexthop(f, 2, "192.0.2.1");

	assert_ptr_equal(nexthop(f, 2, "192.0.2.1"), a);
	assert_int_equal(tables_nexthop_refs(a), 2);
	assert_ptr_not_equal(nexthop(f, 3, "192.0.2.1"), a);
	assert_ptr_not_equal(nexthop(f, 2, "192.0.2.2"), a);
	assert_ptr_not_equal(nexthop(f, 2, "2001:db8::1"), a);
	assert_int_equal(tables_nexthop_count(f->tables), 4);
	assert_ptr_equal(path(f, 1), path(f, 1));
	assert_ptr_not_equal(path(f, 1), path(f, 2));
	assert_ptr_equal(backend(f, 1, "198.51.100.1"), backend(f, 1, "198.51.100.1"));
	assert_ptr_not_equal(backend(f, 1, "198.51.100.1"), backend(f, 2, "198.51.100.1"));
	assert_ptr_equal(service(f, "203.0.113.1", 80, IPPROTO_TCP),
			 service(f, "203.0.113.1", 80, IPPROTO_TCP));
	assert_ptr_not_equal(service(f, "203.0.113.1", 80, IPPROTO_TCP),
			     service(f, "203.0.113.1", 80, IPPROTO_UDP));
	assert_ptr_not_equal(service(f, "203.0.113.1", 80, IPPROTO_TCP),
			     service(f, "203.0.113.1", 81, IPPROTO_TCP));
	assert_ptr_equal(tables_ring(f->tables, 1, RING), tables_ring(f->tables, 1, RING));
	assert_ptr_not_equal(tables_ring(f->tables, 1, RING), tables_ring(f->tables, 2, RING));
}

/* What lies between the fields of a caller's key does not make it another one. */
static void padding_is_no_identity(void **state)
{
	struct fixture *f = *state;
	struct rt_neigh_key clean = neighbour(2, "192.0.2.1"), dirty;

	memset(&dirty, 0xff, sizeof(dirty));
	dirty.ifindex = clean.ifindex;
	dirty.addr = clean.addr;
	assert_ptr_equal(tables_nexthop(f->tables, &dirty), tables_nexthop(f->tables, &clean));
	assert_non_null(tables_find_nexthop(f->tables, &dirty));
}

static void records_say_who_they_are(void **state)
{
	struct fixture *f = *state;
	const struct port *port = &f->heap->port;
	const struct sh_nexthop *hop = &port->nexthops[tables_nexthop_index(nexthop(f, 7, "2001:db8::9"))];
	const struct sh_backend *there = &port->backends[tables_backend_index(backend(f, 5, "198.51.100.1"))];
	const struct sh_service *entry =
		&port->services[tables_service_index(service(f, "203.0.113.1", 443, IPPROTO_UDP))];
	struct addr address;
	char text[ADDR_TEXT_SIZE];

	assert_int_equal(hop->ifindex, 7);
	assert_int_equal(hop->flags, 0);
	tables_addr(&hop->neighbour, hop->family, &address);
	assert_string_equal(addr_format(&address, text), "2001:db8::9");
	assert_int_equal(there->owner, 5);
	assert_int_equal(there->how, 0);
	assert_int_equal(there->address.w[0], htonl(0xc6336401));
	assert_int_equal(entry->vip_port, htons(443));
	assert_int_equal(entry->protocol, IPPROTO_UDP);
	assert_int_equal(entry->family, SH_FAMILY_IPV4);
}

static void owners_are_never_zero(void **state)
{
	(void)state;
	/* RFC 9923: the offset basis, and the published value of "a". */
	assert_true(tables_owner("") == 0xcbf29ce484222325U);
	assert_true(tables_owner("a") == 0xaf63dc4c8601ec8cU);
}

/* ---- resting -------------------------------------------------------------------------------- */

static void what_is_put_rests_two_reaps(void **state)
{
	struct fixture *f = *state;
	struct table_backend *there = backend(f, 1, "198.51.100.1");
	uint32_t index = tables_backend_index(there);

	for (int i = 2; i < RECORDS; i++)
		assert_non_null(backend(f, (uint64_t)i, "198.51.100.1"));
	tables_backend_put(f->tables, there);
	assert_null(backend(f, 99, "198.51.100.1"));
	assert_int_equal(errno, ENOSPC);
	assert_true(tables_reap(f->tables));
	assert_null(backend(f, 99, "198.51.100.1"));
	assert_int_equal(f->heap->port.backends[index].owner, 1); /* a packet may still look at it */
	f->heap->backends_reset = 0;
	assert_false(tables_reap(f->tables));
	assert_int_equal(f->heap->port.backends[index].owner, 0);
	assert_int_equal(f->heap->backends_reset, 1);
	there = backend(f, 99, "198.51.100.1");
	assert_int_equal(tables_backend_index(there), index);
}

/* Whoever is new begins to count at zero, whatever a run that ended in between has left there. */
static void counters_begin_at_zero(void **state)
{
	struct fixture *f = *state;

	assert_non_null(backend(f, 1, "198.51.100.1"));
	assert_int_equal(f->heap->backends_reset, 1);
	assert_non_null(backend(f, 1, "198.51.100.1"));
	assert_int_equal(f->heap->backends_reset, 1);
	restart(f);
	assert_non_null(backend(f, 1, "198.51.100.1"));
	assert_int_equal(f->heap->backends_reset, 1);
	assert_non_null(service(f, "203.0.113.10", 80, IPPROTO_TCP));
	assert_int_equal(f->heap->services_reset, 1);
}

static void a_second_reference_keeps_it(void **state)
{
	struct fixture *f = *state;
	struct table_path *first = path(f, 1), *second = path(f, 1);

	tables_path_put(f->tables, first);
	assert_false(tables_reap(f->tables));
	assert_ptr_equal(path(f, 1), second);
	tables_path_put(f->tables, second);
	tables_path_put(f->tables, second);
	assert_true(tables_reap(f->tables));
}

static void a_full_array_is_enospc(void **state)
{
	struct fixture *f = *state;
	char text[ADDR_TEXT_SIZE];

	for (int i = 1; i < RECORDS; i++) {
		snprintf(text, sizeof(text), "192.0.2.%d", i);
		assert_non_null(nexthop(f, 2, text));
		assert_non_null(path(f, (uint32_t)i));
		assert_non_null(service(f, text, 80, IPPROTO_TCP));
	}
	errno = 0;
	assert_null(nexthop(f, 2, "192.0.2.99"));
	assert_int_equal(errno, ENOSPC);
	errno = 0;
	assert_null(path(f, 99));
	assert_int_equal(errno, ENOSPC);
	errno = 0;
	assert_null(service(f, "192.0.2.99", 80, IPPROTO_TCP));
	assert_int_equal(errno, ENOSPC);
	errno = 0;
	assert_null(tables_ring(f->tables, 1, SLOTS));
	assert_int_equal(errno, ENOSPC);
	assert_non_null(nexthop(f, 2, "192.0.2.1")); /* what is there is still found */
	assert_non_null(tables_ring(f->tables, 1, SLOTS - 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FACT(an_identity_has_one_record),  FACT(padding_is_no_identity),
		FACT(records_say_who_they_are),	   FACT(owners_are_never_zero),
		FACT(what_is_put_rests_two_reaps), FACT(counters_begin_at_zero),
		FACT(a_second_reference_keeps_it), FACT(a_full_array_is_enospc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
