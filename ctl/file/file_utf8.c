/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the file may consist of: UTF-8, line feeds, and blanks to indent with.
 *
 * Checked before YAML is: libyaml finds bad bytes where its buffer ends, not where the reader is,
 * counts U+0085, U+2028 and U+2029 as line ends, which no editor does, and has many words for a tab.
 */
#include "file_utf8.h"

#include <errno.h>
#include <string.h>

#include "file_report.h"

static size_t sequence_length(unsigned char lead)
{
	if (lead < 0x80)
		return 1;
	if (lead >= 0xc2 && lead < 0xe0)
		return 2;
	if (lead >= 0xe0 && lead < 0xf0)
		return 3;
	return lead >= 0xf0 && lead < 0xf5 ? 4 : 0;
}

size_t utf8_decode(const char *text, size_t left, uint32_t *point)
{
	static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
	unsigned char lead = (unsigned char)text[0];
	size_t length = sequence_length(lead);
	uint32_t value = length > 1 ? lead & (0x7fU >> length) : lead;

	*point = lead;
	if (!length || length > left)
		return 0;
	for (size_t i = 1; i < length; i++) {
		unsigned char byte = (unsigned char)text[i];

		if ((byte & 0xc0) != 0x80)
			return 0;
		value = value << 6 | (byte & 0x3f);
	}
	if (value < smallest[length] || (value >= 0xd800 && value < 0xe000) || value > 0x10ffff)
		return 0;
	*point = value;
	return length;
}

bool utf8_printable(uint32_t point)
{
	if (point < 0xa0)
		return point >= 0x20 && point < 0x7f;
	return point != 0x2028 && point != 0x2029 && point != 0xfeff && point != 0xfffe && point != 0xffff;
}

static int check_control(const struct report *report, const char *from, uint32_t point, struct place at,
			 bool indent)
{
	const char *end = report->text + report->size;

	if (point == '\t' && !indent)
		return 0;
	if (point == '\t')
		return report_fail(report, at, "a tab indents this line; YAML needs blanks there");
	if (point == '\r' && from + 1 < end && from[1] == '\n')
		return 0;
	if (point == '\r')
		return report_fail(report, at,
				   "a carriage return without a line feed; end lines with a line feed");
	return report_fail(report, at, "control character U+%04X; remove it", point);
}

int report_check_text(const struct report *report)
{
	const char *end = report->text + report->size;
	struct place at = {1, 1};
	bool indent = true;
	size_t bytes;

	for (const char *from = report->text; from < end; from += bytes) {
		uint32_t point;
		int err;

		bytes = utf8_decode(from, (size_t)(end - from), &point);
		if (!bytes)
			return report_fail(report, at, "byte 0x%02x is not UTF-8; save the file as UTF-8",
					   point);
		if (point == '\n') {
			at = (struct place){at.line + 1, 1};
			indent = true;
			continue;
		}
		if (!utf8_printable(point)) {
			err = check_control(report, from, point, at, indent);
			if (err)
				return err;
		}
		indent = indent && (point == ' ' || point == '\t');
		at.column++;
	}
	return 0;
}
