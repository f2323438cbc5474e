/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A line of the case file as words, and words as values.
 *
 * A word that does not read ends the runner with the line's place: the file is written by
 * cases.py, so a bad word is a bug there and no result could be trusted.
 */
#ifndef TEST_PACKET_LINES_H
#define TEST_PACKET_LINES_H

#include <stdint.h>
#include <stdio.h>

#include <shunt/abi.h>

#define LINE_WORDS 136

struct line {
	const char *file;
	int number;
	int count;
	char *words[LINE_WORDS]; /* into `text` */
	char *text;		 /* malloc'ed by getline; line_free */
	size_t text_size;
};

/* Reads the next line that is not empty and no comment. 1, or 0 at the end. */
int line_read(FILE *from, struct line *line);
void line_free(struct line *line);
_Noreturn void line_fail(const struct line *line, const char *why);

/* The word at `index`; fails where there is none. */
const char *line_word(const struct line *line, int index);
/* The words from `index` on, joined by blanks, into `out`. */
void line_rest(const struct line *line, int index, char *out, size_t size);
uint32_t line_number(const struct line *line, int index);
uint64_t line_wide(const struct line *line, int index);
/* A port, in network byte order. */
__be16 line_port(const struct line *line, int index);
/* "tcp" or "udp" as IPPROTO_*. */
uint8_t line_protocol(const struct line *line, int index);
/* An address; returns SH_FAMILY_*. */
uint8_t line_address(const struct line *line, int index, struct sh_ip *out);
void line_mac(const struct line *line, int index, uint8_t out[static 6]);
/* The ifindex of the named device. */
uint32_t line_device(const struct line *line, int index);
/* Hex digits into at most `size` bytes; returns how many. */
uint32_t line_hex(const struct line *line, int index, uint8_t *out, uint32_t size);

#endif
