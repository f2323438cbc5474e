/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The sysctls of a backend, on a folder that stands in for /proc/sys.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sysctls.h"

#define IGNORE	 "net/ipv4/conf/all/arp_ignore"
#define ANNOUNCE "net/ipv4/conf/all/arp_announce"

struct place {
	char base[64];
	char saved[128];
	struct sysctls *sysctls;
};

static void path_of(const struct place *place, const char *name, char out[static 160])
{
	snprintf(out, 160, "%s/%s", place->base, name);
}

static void put(const struct place *place, const char *name, const char *text)
{
	char path[160];
	FILE *file;

	path_of(place, name, path);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static long get(const struct place *place, const char *name)
{
	char path[160];
	char text[32] = "";
	FILE *file;

	path_of(place, name, path);
	file = fopen(path, "r");
	assert_non_null(file);
	assert_non_null(fgets(text, sizeof(text), file));
	fclose(file);
	return strtol(text, NULL, 10);
}

static void expect(const struct place *place, long ignore, long announce)
{
	assert_int_equal(get(place, IGNORE), ignore);
	assert_int_equal(get(place, ANNOUNCE), announce);
}

static void start(struct place *place)
{
	assert_int_equal(sysctls_open(place->base, place->saved, &place->sysctls), 0);
}

/* The process ends without `down`, and another one starts. */
static void restart(struct place *place)
{
	sysctls_close(place->sysctls);
	start(place);
}

static int setup(void **state)
{
	static const char *const folders[] = {"net", "net/ipv4", "net/ipv4/conf", "net/ipv4/conf/all"};
	struct place *place = calloc(1, sizeof(*place));
	char path[160];

	if (!place)
		return -1;
	strcpy(place->base, "/tmp/shunt-sysctls-XXXXXX");
	if (!mkdtemp(place->base))
		return -1;
	snprintf(place->saved, sizeof(place->saved), "%s/saved", place->base);
	for (size_t i = 0; i < 4; i++) {
		path_of(place, folders[i], path);
		if (mkdir(path, 0755))
			return -1;
	}
	put(place, IGNORE, "0\n");
	put(place, ANNOUNCE, "0\n");
	start(place);
	*state = place;
	return 0;
}

static int teardown(void **state)
{
	static const char *const entries[] = {IGNORE,	       ANNOUNCE,   "saved", "net/ipv4/conf/all",
					      "net/ipv4/conf", "net/ipv4", "net",   ""};
	struct place *place = *state;
	char path[160];

	sysctls_close(place->sysctls);
	for (size_t i = 0; i < sizeof(entries) / sizeof(*entries); i++) {
		path_of(place, entries[i], path);
		if (remove(path) && errno != ENOENT)
			return -1;
	}
	free(place);
	return 0;
}

static void set_and_put_back(void **state)
{
	struct place *place = *state;
	struct stat saved;

	assert_int_equal(sysctls_sync(place->sysctls, true), 0);
	expect(place, 1, 2);
	assert_int_equal(stat(place->saved, &saved), 0);
	assert_int_equal(saved.st_mode & 0777, 0600);
	assert_int_equal(sysctls_down(place->sysctls), 0);
	expect(place, 0, 0);
	assert_int_equal(access(place->saved, F_OK), -1);
}

static void put_back_after_restarts(void **state)
{
	struct place *place = *state;

	put(place, ANNOUNCE, "1\n");
	assert_int_equal(sysctls_sync(place->sysctls, true), 0);
	restart(place);
	assert_int_equal(sysctls_sync(place->sysctls, true), 0);
	restart(place);
	expect(place, 1, 2);
	assert_int_equal(sysctls_down(place->sysctls), 0);
	expect(place, 0, 1);
}

static void set_again_what_somebody_changed(void **state)
{
	struct place *place = *state;

	assert_int_equal(sysctls_sync(place->sysctls, true), 0);
	put(place, IGNORE, "0\n");
	put(place, ANNOUNCE, "1\n");
	assert_int_equal(sysctls_sync(place->sysctls, true), 0);
	expect(place, 1, 2);
	assert_int_equal(sysctls_down(place->sysctls), 0);
	expect(place, 0, 0); /* as it was before shunt, not as somebody set it in between */
}

static void leave_what_suffices(void **state)
{
	struct place *place = *state;

	put(place, IGNORE, "2\n");
	put(place, ANNOUNCE, "2\n");
	assert_int_equal(sysctls_sync(place->sysctls, true), 0);
	expect(place, 2, 2);
	assert_int_equal(access(place->saved, F_OK), -1);
	assert_int_equal(sysctls_down(place->sysctls), 0);
	expect(place, 2, 2);
}

static void arp_ignore_values(void **state)
{
	/* 3 answers for global addresses, such as the VIP; 4 to 7 mean nothing. */
	static const struct {
		const char *before;
		long after;
	} facts[] = {{"0", 1}, {"1", 1}, {"2", 2}, {"3", 1}, {"4", 1}, {"7", 1}, {"8", 8}};
	struct place *place = *state;

	for (size_t i = 0; i < sizeof(facts) / sizeof(*facts); i++) {
		put(place, IGNORE, facts[i].before);
		assert_int_equal(sysctls_sync(place->sysctls, true), 0);
		assert_int_equal(get(place, IGNORE), facts[i].after);
		assert_int_equal(sysctls_down(place->sysctls), 0);
		assert_int_equal(get(place, IGNORE), strtol(facts[i].before, NULL, 10));
	}
}

static void down_leaves_what_somebody_set(void **state)
{
	struct place *place = *state;

	assert_int_equal(sysctls_sync(place->sysctls, true), 0);
	put(place, IGNORE, "8\n");
	assert_int_equal(sysctls_down(place->sysctls), 0);
	expect(place, 8, 0);
}

static void no_longer_a_backend(void **state)
{
	struct place *place = *state;

	assert_int_equal(sysctls_sync(place->sysctls, true), 0);
	restart(place);
	assert_int_equal(sysctls_sync(place->sysctls, false), 0);
	expect(place, 0, 0);
	assert_int_equal(access(place->saved, F_OK), -1);
}

static void one_failure_does_not_stop_the_other(void **state)
{
	struct place *place = *state;
	char path[160];

	path_of(place, IGNORE, path);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(sysctls_sync(place->sysctls, true), -ENOENT);
	assert_int_equal(get(place, ANNOUNCE), 2);
}

static void nothing_is_changed_that_cannot_be_saved(void **state)
{
	struct place *place = *state;

	sysctls_close(place->sysctls);
	place->sysctls = NULL;
	snprintf(place->saved, sizeof(place->saved), "%s/nowhere/saved", place->base);
	start(place);
	assert_int_equal(sysctls_sync(place->sysctls, true), -ENOENT);
	expect(place, 0, 0);
}

static void a_broken_saved_file_is_refused(void **state)
{
	static const char *const broken[] = {"arp_ignore 0 1\n", IGNORE "\n",	   IGNORE " 0\n",
					     IGNORE " 0 1 2\n",	 IGNORE "s 0 1\n", "\n",
					     IGNORE " x 1\n"};
	struct place *place = *state;
	struct sysctls *none = NULL;

	for (size_t i = 0; i < sizeof(broken) / sizeof(*broken); i++) {
		put(place, "saved", broken[i]);
		assert_int_equal(sysctls_open(place->base, place->saved, &none), -EINVAL);
		assert_null(none);
	}
}

#define FACT(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FACT(set_and_put_back),
		FACT(put_back_after_restarts),
		FACT(set_again_what_somebody_changed),
		FACT(leave_what_suffices),
		FACT(arp_ignore_values),
		FACT(down_leaves_what_somebody_set),
		FACT(no_longer_a_backend),
		FACT(one_failure_does_not_stop_the_other),
		FACT(nothing_is_changed_that_cannot_be_saved),
		FACT(a_broken_saved_file_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
