/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The end of a measurement that cannot be made: says what failed and why.
 */
#ifndef BENCH_DIE_H
#define BENCH_DIE_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline _Noreturn void die(const char *what)
{
	fprintf(stderr, "packet bench: %s: %s\n", what, strerror(errno));
	exit(2);
}

#endif
