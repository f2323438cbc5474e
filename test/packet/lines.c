/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Words of the case file as values.
 */
#include "lines.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

void line_fail(const struct line *line, const char *why)
{
	fprintf(stderr, "%s:%d: %s\n", line->file, line->number, why);
	exit(2);
}

int line_read(FILE *from, struct line *line)
{
	char *rest, *word;

	while (getline(&line->text, &line->text_size, from) >= 0) {
		line->number++;
		line->count = 0;
		word = strtok_r(line->text, " \t\n", &rest);
		for (; word && line->count < LINE_WORDS; word = strtok_r(NULL, " \t\n", &rest))
			line->words[line->count++] = word;
		if (word)
			line_fail(line, "too many words");
		if (line->count && line->words[0][0] != '#')
			return 1;
	}
	return 0;
}

void line_free(struct line *line)
{
	free(line->text);
	line->text = NULL;
}

const char *line_word(const struct line *line, int index)
{
	if (index >= line->count)
		line_fail(line, "a word is missing");
	return line->words[index];
}

void line_rest(const struct line *line, int index, char *out, size_t size)
{
	size_t used = 0;

	for (int i = index; i < line->count && used < size; i++)
		used += (size_t)snprintf(out + used, size - used, "%s%s", i > index ? " " : "",
					 line->words[i]);
	if (used >= size)
		line_fail(line, "too long");
}

uint32_t line_number(const struct line *line, int index)
{
	const char *word = line_word(line, index);
	char *end;
	unsigned long value = strtoul(word, &end, 0);

	if (*end || value > UINT32_MAX)
		line_fail(line, "not a number");
	return (uint32_t)value;
}

uint64_t line_wide(const struct line *line, int index)
{
	char *end;
	unsigned long long value = strtoull(line_word(line, index), &end, 0);

	if (*end)
		line_fail(line, "not a number");
	return value;
}

__be16 line_port(const struct line *line, int index)
{
	uint32_t port = line_number(line, index);

	if (port > UINT16_MAX)
		line_fail(line, "not a port");
	return htons((uint16_t)port);
}

uint8_t line_protocol(const struct line *line, int index)
{
	const char *word = line_word(line, index);

	if (!strcmp(word, "tcp"))
		return IPPROTO_TCP;
	if (!strcmp(word, "udp"))
		return IPPROTO_UDP;
	line_fail(line, "neither tcp nor udp");
}

uint8_t line_address(const struct line *line, int index, struct sh_ip *out)
{
	const char *word = line_word(line, index);

	memset(out, 0, sizeof(*out));
	if (inet_pton(AF_INET, word, out->w) == 1)
		return SH_FAMILY_IPV4;
	if (inet_pton(AF_INET6, word, out->w) == 1)
		return SH_FAMILY_IPV6;
	line_fail(line, "not an address");
}

static int hex_digit(char c)
{
	if (isdigit((unsigned char)c))
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static uint8_t hex_byte(const struct line *line, const char *text)
{
	int high = hex_digit(text[0]);
	int low = high < 0 ? -1 : hex_digit(text[1]);

	if (low < 0)
		line_fail(line, "not hex");
	return (uint8_t)(high << 4 | low);
}

void line_mac(const struct line *line, int index, uint8_t out[static 6])
{
	const char *word = line_word(line, index);

	if (strlen(word) != 17)
		line_fail(line, "not a MAC");
	for (int i = 0; i < 6; i++)
		out[i] = hex_byte(line, word + 3 * (size_t)i);
}

uint32_t line_device(const struct line *line, int index)
{
	uint32_t ifindex = if_nametoindex(line_word(line, index));

	if (!ifindex)
		line_fail(line, "no such device");
	return ifindex;
}

uint32_t line_hex(const struct line *line, int index, uint8_t *out, uint32_t size)
{
	const char *word = line_word(line, index);
	size_t bytes = strlen(word) / 2;

	if (bytes > size || strlen(word) % 2)
		line_fail(line, "too long, or an odd number of digits");
	for (size_t i = 0; i < bytes; i++)
		out[i] = hex_byte(line, word + 2 * i);
	return (uint32_t)bytes;
}
