/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * "Did you mean": the nearest of a few known words. For file*.c only.
 */
#ifndef SHUNT_FILE_NEAR_H
#define SHUNT_FILE_NEAR_H

#include <stddef.h>

#define NEAR_TEXT_SIZE 200

/*
 * Says how to correct `word`: "did you mean 'backends'?" where one of the names is near, else
 * "valid: a, b, c". Returns `out`.
 */
const char *near_advice(const char *word, const char *const *names, size_t count,
			char out[static NEAR_TEXT_SIZE]);

#endif
