/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * diff() as a truth table. A record is a key and a value, written "k1"; each verb writes what it
 * was called with: "+k1" add, "-k1" remove, "k1>2" change from value 1 (have) to 2 (want).
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "diff.h"

struct record {
	char key, value;
};

struct trace {
	char text[128];
	int calls;
	int fail_at; /* the call that fails, from 1; 0: none */
};

static int record_compare(const void *a, const void *b)
{
	return ((const struct record *)a)->key - ((const struct record *)b)->key;
}

static bool record_same(const void *want, const void *have)
{
	return memcmp(want, have, sizeof(struct record)) == 0;
}

static int trace_add(struct trace *t, const char *call)
{
	size_t length = strlen(t->text), more = strlen(call) + 1;

	assert_true(length + more <= sizeof(t->text));
	memcpy(t->text + length, call, more);
	return ++t->calls == t->fail_at ? -EIO : 0;
}

static int on_add(const void *want, void *arg)
{
	const struct record *w = want;
	const char call[] = {'+', w->key, w->value, ' ', '\0'};

	return trace_add(arg, call);
}

static int on_change(const void *want, const void *have, void *arg)
{
	const struct record *w = want, *h = have;
	const char call[] = {w->key, h->value, '>', w->value, ' ', '\0'};

	assert_int_equal(w->key, h->key);
	return trace_add(arg, call);
}

static int on_remove(const void *have, void *arg)
{
	const struct record *h = have;
	const char call[] = {'-', h->key, h->value, ' ', '\0'};

	return trace_add(arg, call);
}

static const struct diff_ops all = {record_compare, record_same, on_add, on_change, on_remove};

/* "b1 a2" as records; a value of '.' is none (a record whose optional part is absent). */
static size_t parse(const char *text, struct record out[static 16])
{
	size_t count = 0;

	for (; text[0] && text[1]; text += text[2] ? 3 : 2)
		out[count++] = (struct record){text[0], text[1]};
	return count;
}

static int run(const char *want, const char *have, const struct diff_ops *ops, struct trace *t)
{
	struct record w[16], h[16];
	size_t w_count = parse(want, w), h_count = parse(have, h);

	return diff(w, w_count, h, h_count, sizeof(struct record), ops, t);
}

static const struct {
	const char *want, *have, *calls;
} table[] = {
	{"", "", ""},
	{"a1", "", "+a1 "},
	{"", "a1", "-a1 "},
	{"a1", "a1", ""},
	{"a2", "a1", "a1>2 "},
	/* a value removed from the file is a change, not nothing */
	{"a.", "a1", "a1>. "},
	{"a1", "a.", "a.>1 "},
	/* order of the input does not matter; calls come in the order of the keys */
	{"c1 a1 b1", "", "+a1 +b1 +c1 "},
	{"", "c1 a1 b1", "-a1 -b1 -c1 "},
	{"c1 a1", "b1 d1", "+a1 -b1 +c1 -d1 "},
	{"b2 a1 d1", "d1 c1 b1", "+a1 b1>2 -c1 "},
	{"a1 b1 c1", "c1 b1 a1", ""},
	/* one side ends first */
	{"a1 b1 c1 d1", "a1", "+b1 +c1 +d1 "},
	{"d1", "a1 b1 c1 d1", "-a1 -b1 -c1 "},
	/* the same key twice counts once */
	{"a1 a1", "", "+a1 "},
	{"a1 b1 a1", "a1", "+b1 "},
	{"", "a1 b1 a1 b1", "-a1 -b1 "},
	{"a1", "a1 a1 a1", ""},
	{"a1 a1 b2 b2", "b1 b1 c1 c1", "+a1 b1>2 -c1 "},
};

static void the_table_holds(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct trace t = {0};

		assert_int_equal(run(table[i].want, table[i].have, &all, &t), 0);
		if (strcmp(t.text, table[i].calls) != 0)
			fail_msg("want \"%s\" have \"%s\": calls \"%s\", not \"%s\"", table[i].want,
				 table[i].have, t.text, table[i].calls);
	}
}

static void an_error_ends_the_walk(void **state)
{
	static const struct {
		int fail_at;
		const char *calls;
	} cases[] = {{1, "+a1 "}, {2, "+a1 b1>2 "}, {3, "+a1 b1>2 -c1 "}};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct trace t = {.fail_at = cases[i].fail_at};

		assert_int_equal(run("a1 b2 d1", "b1 c1", &all, &t), -EIO);
		assert_string_equal(t.text, cases[i].calls);
	}
}

static void verbs_may_be_missing(void **state)
{
	struct diff_ops ops = all;
	struct trace t = {0};

	(void)state;
	ops.add = NULL;
	assert_int_equal(run("a1 b2", "b1 c1", &ops, &t), 0);
	assert_string_equal(t.text, "b1>2 -c1 ");

	ops = all;
	ops.change = NULL;
	t = (struct trace){0};
	assert_int_equal(run("a1 b2", "b1 c1", &ops, &t), 0);
	assert_string_equal(t.text, "+a1 -c1 ");

	ops = all;
	ops.remove = NULL;
	t = (struct trace){0};
	assert_int_equal(run("a1 b2", "b1 c1", &ops, &t), 0);
	assert_string_equal(t.text, "+a1 b1>2 ");

	/* without `same`, the same key is the same record */
	ops = all;
	ops.same = NULL;
	t = (struct trace){0};
	assert_int_equal(run("a1 b2", "b1 c1", &ops, &t), 0);
	assert_string_equal(t.text, "+a1 -c1 ");
}

static void null_arrays_are_empty(void **state)
{
	struct record a = {'a', '1'};
	struct trace t = {0};

	(void)state;
	assert_int_equal(diff(NULL, 0, NULL, 0, sizeof(a), &all, &t), 0);
	assert_int_equal(diff(&a, 1, NULL, 0, sizeof(a), &all, &t), 0);
	assert_int_equal(diff(NULL, 0, &a, 1, sizeof(a), &all, &t), 0);
	assert_string_equal(t.text, "+a1 -a1 ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_holds),
		cmocka_unit_test(an_error_ends_the_walk),
		cmocka_unit_test(verbs_may_be_missing),
		cmocka_unit_test(null_arrays_are_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
