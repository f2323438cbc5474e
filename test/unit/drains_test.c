/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the operator has drained: kept in a file, and refused where the file is not ours.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "drains.h"
#include "observed.h"

static char path[64];

static int setup(void **state)
{
	(void)state;
	snprintf(path, sizeof(path), "/tmp/shunt-drains.%d", (int)getpid());
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	(void)unlink(path);
	return 0;
}

static struct drains *opened(void)
{
	struct drains *drains = NULL;

	assert_int_equal(drains_open(path, &drains), 0);
	return drains;
}

static void outlives_the_daemon(void **state)
{
	struct addr vip = test_addr("2001:db8:203::10"), backend = test_addr("198.51.100.11"), address;
	struct drains *drains = opened();
	const char *service;

	(void)state;
	assert_int_equal(drains_set(drains, &vip, NULL, true), 0);
	assert_int_equal(drains_set(drains, &backend, "web", true), 0);
	assert_int_equal(drains_set(drains, &backend, "web", true), 0);
	assert_int_equal(drains_save(drains), 0);
	drains_close(drains);
	drains = opened();
	assert_true(drains_has(drains, &vip, NULL));
	assert_true(drains_has(drains, &backend, "web"));
	assert_false(drains_has(drains, &backend, "web6"));
	assert_false(drains_has(drains, &backend, NULL));
	assert_true(drains_at(drains, 0, &address, &service));
	assert_null(service);
	assert_true(drains_at(drains, 1, &address, &service));
	assert_string_equal(service, "web");
	assert_int_equal(addr_compare(&address, &backend), 0);
	assert_false(drains_at(drains, 2, &address, &service));
	assert_int_equal(drains_set(drains, &vip, NULL, false), 0);
	assert_true(drains_has(drains, &backend, "web"));
	assert_int_equal(drains_set(drains, &backend, "web", false), 0);
	assert_int_equal(drains_save(drains), 0);
	assert_int_equal(access(path, F_OK), -1);
	drains_close(drains);
}

static void a_file_that_is_not_ours_is_refused(void **state)
{
	static const char *const broken[] = {"vip\n",
					     "vip web\n",
					     "backend 198.51.100.11\n",
					     "vip 203.0.113.10 web\n",
					     "host 203.0.113.10\n",
					     "\n"};

	(void)state;
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		struct drains *drains = NULL;
		FILE *file = fopen(path, "we");

		assert_non_null(file);
		fputs(broken[i], file);
		fclose(file);
		assert_int_equal(drains_open(path, &drains), -EINVAL);
		assert_null(drains);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(outlives_the_daemon, setup, teardown),
		cmocka_unit_test_setup_teardown(a_file_that_is_not_ours_is_refused, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
