/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the file may consist of: UTF-8, line feeds, and blanks to indent with.
 *
 * Checked before YAML is: libyaml finds bad bytes where its buffer ends, not where the reader is,
 * counts U+0085, U+2028 and U+2029 as line ends, which no editor does, and has many words for a tab.
 */
#include "file_report.h"
#include "file_utf8.h"

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
