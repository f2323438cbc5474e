/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The file as a stream of values with their places; libyaml stays behind it. For file*.c only.
 */
#ifndef SHUNT_FILE_READER_H
#define SHUNT_FILE_READER_H

#include <stdbool.h>

#include "file_report.h"

enum node_kind {
	NODE_SCALAR,
	NODE_LIST, /* its entries follow, then NODE_END */
	NODE_MAP,  /* key, value, key, value ... follow, then NODE_END */
	NODE_END,
};

struct node {
	enum node_kind kind;
	struct place at;
	const char *text; /* scalar: terminated, holds no NUL; valid until the next reader_next */
	bool empty;	  /* scalar: nothing was written, not even "" */
};

struct reader;

/* *out is the caller's (reader_close); the report must outlive it. 0 or -ENOMEM. */
int reader_open(const struct report *report, struct reader **out);
void reader_close(struct reader *reader); /* NULL is fine */

/* The document's value: the first. */
int reader_begin(struct reader *reader, struct node *node);
int reader_next(struct reader *reader, struct node *node);
/* Nothing may follow. */
int reader_finish(struct reader *reader);

/* All of the above return 0, or a negative errno with the error reported. */
const struct report *reader_report(const struct reader *reader);

#define reader_fail(reader, at, ...) report_fail(reader_report(reader), at, __VA_ARGS__)

#endif
