/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The top level's `tunnel`: the outer source of ipip and gue, and GUE's port.
 */
#include <stdlib.h>
#include <string.h>

#include "file_draft.h"
#include "file_schema.h"
#include "file_value.h"

#define SHORTEST_SOURCE 8 /* more host bits than that nobody needs, and a slip of the pen has them */

static int fail_source(struct reader *reader, const struct field *field, const struct node *value)
{
	char shown[SHOW_SIZE];

	return reader_fail(reader, value->at,
			   "'%s' is not a prefix for '%s'; write one without host bits, such as %s, that is "
			   "routed nowhere else",
			   report_show(value->text, shown), field->name, field->example);
}

/* Does the prefix end where its address' bits do? */
static bool no_host_bits(const struct prefix *prefix)
{
	for (size_t bit = prefix->length; bit < addr_size(&prefix->addr) * 8; bit++)
		if (prefix->addr.bytes[bit / 8] & (0x80 >> bit % 8))
			return false;
	return true;
}

static int read_source(struct reader *reader, const struct field *field, const struct node *value,
		       void *record)
{
	uint8_t family = field->offset == offsetof(struct config_tunnel, source) ? ADDR_IPV4 : ADDR_IPV6;
	struct prefix prefix = {0};
	char text[ADDR_TEXT_SIZE], *slash, *end;
	unsigned long length;
	int err = need_scalar(reader, field, value);

	if (err)
		return err;
	if (strlen(value->text) >= sizeof(text))
		return fail_source(reader, field, value);
	strcpy(text, value->text); /* NOLINT(clang-analyzer-security.insecureAPI.strcpy): checked above */
	slash = strchr(text, '/');
	if (slash)
		*slash = '\0';
	if (addr_parse(text, &prefix.addr) || prefix.addr.family != family)
		return fail_source(reader, field, value);
	length = slash ? strtoul(slash + 1, &end, 10) : addr_size(&prefix.addr) * 8;
	if ((slash && (slash[1] < '0' || slash[1] > '9' || *end)) || length < SHORTEST_SOURCE ||
	    length > addr_size(&prefix.addr) * 8)
		return fail_source(reader, field, value);
	prefix.length = (uint8_t)length;
	if (!no_host_bits(&prefix))
		return fail_source(reader, field, value);
	if (value_why_unusable(&prefix.addr))
		return reader_fail(reader, value->at,
				   "'%s' is %s; write a prefix of unicast addresses, such as %s", value->text,
				   value_why_unusable(&prefix.addr), field->example);
	memcpy((char *)record + field->offset, &prefix, sizeof(prefix));
	return 0;
}

#define IN_TUNNEL(member) offsetof(struct config_tunnel, member)

static const struct number_range ports = {1, 65535};

static const struct schema tunnel_schema = {
	.what = "'tunnel'",
	.example = "{source: 198.18.255.0/24, source6: \"2001:db8:ff::/64\", port: 6080}",
	.fields =
		(const struct field[]){
			{"source", "198.18.255.0/24", false, read_source, .offset = IN_TUNNEL(source)},
			{"source6", "2001:db8:ff::/64", false, read_source, .offset = IN_TUNNEL(source6)},
			{"port", "6080", false, read_number, IN_TUNNEL(port), .numbers = &ports},
			{.name = NULL},
		},
};

int read_tunnel(struct reader *reader, const struct field *field, const struct node *value, void *record)
{
	struct place places[SCHEMA_FIELDS_MAX];

	return read_mapping(reader, &tunnel_schema, value, (char *)record + field->offset, places);
}
