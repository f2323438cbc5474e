/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * UTF-8, one character at a time (RFC 3629). For file*.c only.
 */
#ifndef SHUNT_FILE_UTF8_H
#define SHUNT_FILE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of the character at `text`, of which `left` > 0 are readable; 0 where they are not UTF-8. */
size_t utf8_decode(const char *text, size_t left, uint32_t *point);
/* Shown as itself: no control character, no line separator, no byte order mark. */
bool utf8_printable(uint32_t point);

#endif
