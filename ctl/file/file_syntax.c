/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * libyaml's problems, each with the remedy for what usually causes it, as a table.
 *
 * The texts matched are those of libyaml 0.2 (scanner.c, parser.c); what is not in the table is
 * reported as libyaml puts it. Some problems show only far behind their cause, at the end of
 * the file for a quote that is never closed: for those the place is where the construct started.
 */
#include "file_syntax.h"

#include <stdbool.h>
#include <string.h>

static const struct {
	const char *context; /* libyaml's; NULL: any */
	const char *what;    /* libyaml's */
	bool at_context;
	const char *text;
} syntax[] = {
	{NULL, "mapping values are not allowed in this context", false,
	 "a ':' cannot stand here; check the indentation, or quote a value that holds ': ' or ends with ':'"},
	{NULL, "block sequence entries are not allowed in this context", false,
	 "a list entry cannot start here; put the list on the lines below its key, or write [a, b]"},
	{NULL, "mapping keys are not allowed in this context", false,
	 "a '?' cannot stand here; write 'key: value'"},
	{NULL, "found character that cannot start any token", false,
	 "no value can start with this character; quote the value"},
	{"while scanning a simple key", "could not find expected ':'", true,
	 "a key without ':'; write 'key: value', with a blank after the ':'"},
	{"while parsing a block mapping", "did not find expected key", false,
	 "expected a key here; line it up with the other keys of its mapping"},
	{"while parsing a block collection", "did not find expected '-' indicator", false,
	 "this is in line with nothing above it; line it up with the keys of its mapping, or with the '- ' "
	 "of its list"},
	{"while parsing a flow sequence", "did not find expected ',' or ']'", true,
	 "this list is not closed; add the missing ',' or ']'"},
	{"while parsing a flow mapping", "did not find expected ',' or '}'", true,
	 "this mapping is not closed; add the missing ',' or '}'"},
	{"while scanning a quoted scalar", "found unexpected end of stream", true,
	 "this quote is never closed; add the missing quote"},
	{"while scanning a quoted scalar", "found unexpected document indicator", true,
	 "this quote is never closed; add the missing quote"},
	{"while parsing a quoted scalar", "found unknown escape character", false,
	 "unknown escape; inside \"...\" write '\\\\' for a backslash, or use '...'"},
	{"while scanning a plain scalar", "found unexpected ':'", false,
	 "a plain value within [] or {} cannot end with ':'; quote it"},
	{"while scanning an alias", "did not find expected alphabetic or numeric character", true,
	 "a plain '*' would start an alias; quote a pattern (\"*\"), and write any/tcp for every port"},
	{"while scanning an anchor", "did not find expected alphabetic or numeric character", true,
	 "a plain '&' would start an anchor; quote the value"},
	{NULL, "did not find expected node content", false,
	 "a value was expected here; write it, or check the brackets and commas before"},
	{NULL, "found undefined tag handle", false,
	 "tags are not supported; quote a value that starts with '!'"},
	{NULL, "did not find expected <document start>", false,
	 "nothing may follow here; line it up with the keys above it, or remove it"},
};

int syntax_fail(const struct report *report, const struct syntax_problem *problem)
{
	for (size_t i = 0; i < sizeof(syntax) / sizeof(syntax[0]); i++) {
		bool at_context = syntax[i].at_context && problem->context;

		if (strcmp(syntax[i].what, problem->what) != 0)
			continue;
		if (syntax[i].context &&
		    (!problem->context || strcmp(syntax[i].context, problem->context) != 0))
			continue;
		return report_fail(report, at_context ? problem->context_at : problem->at, "%s",
				   syntax[i].text);
	}
	return report_fail(report, problem->at, "not YAML: %s%s%s; correct it or quote the value",
			   problem->context ? problem->context : "", problem->context ? ": " : "",
			   problem->what);
}
