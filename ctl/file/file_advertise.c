/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The top level's `advertise`: by which routes a routing daemon recognizes VIPs.
 *
 * Whatever has the protocol number is taken for ours and swept, so numbers that the kernel or a
 * routing daemon uses are refused.
 */
#include <linux/rtnetlink.h>
#include <string.h>

#include "file_draft.h"
#include "file_schema.h"
#include "file_value.h"

/* include/uapi/linux/rtnetlink.h, and FRR's zebra/rt_netlink.h. */
static const struct {
	uint32_t first, last;
	const char *whose;
} taken[] = {
	{0, RTPROT_STATIC, "the kernel and static routes"},
	{RTPROT_GATED, RTPROT_KEEPALIVED, "the kernel, routing daemons and keepalived"},
	{RTPROT_BABEL, RTPROT_BABEL, "Babel"},
	{RTPROT_OPENR, RTPROT_OPENR, "Open/R"},
	{RTPROT_BGP, 198, "FRR"},
};

static int read_protocol(struct reader *reader, const struct field *field, const struct node *value,
			 void *record)
{
	uint32_t protocol;
	int err = read_number(reader, field, value, record);

	if (err)
		return err;
	memcpy(&protocol, (const char *)record + field->offset, sizeof(protocol));
	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
		if (protocol >= taken[i].first && protocol <= taken[i].last)
			return reader_fail(reader, value->at,
					   "protocol %u belongs to %s; write a free one, such as 240",
					   protocol, taken[i].whose);
	return 0;
}

static int read_table(struct reader *reader, const struct field *field, const struct node *value,
		      void *record)
{
	struct config_advertise *advertise = record;
	char shown[SHOW_SIZE];
	int err = need_scalar(reader, field, value);

	if (err)
		return err;
	if (!strcmp(value->text, "main"))
		advertise->table = RT_TABLE_MAIN;
	else if (!strcmp(value->text, "default"))
		advertise->table = RT_TABLE_DEFAULT;
	else if (strspn(value->text, "0123456789") < strlen(value->text))
		return reader_fail(reader, value->at,
				   "'%s' is no value of 'table'; write main, default or a table's number",
				   report_show(value->text, shown));
	else
		err = read_number(reader, field, value, record);
	if (!err && advertise->table == RT_TABLE_LOCAL)
		return reader_fail(reader, value->at,
				   "table 255 is the kernel's own, 'local'; write main, or another number");
	return err;
}

enum { ADVERTISE_METRIC, ADVERTISE_DRAIN_METRIC };

#define IN_ADVERTISE(member) offsetof(struct config_advertise, member)

static const struct number_range protocols = {0, 255};
static const struct number_range tables = {1, UINT32_MAX};
static const struct number_range metrics = {1, 65535};
static const struct duration_range waits = {0, 60000, "0s to 60s", false};

static const struct schema advertise_schema = {
	.what = "'advertise'",
	.example = "{protocol: 240, table: main, metric: 100, drain-metric: 200, wait: 2s}",
	.fields =
		(const struct field[]){
			[ADVERTISE_METRIC] = {"metric", "100", false, read_number, IN_ADVERTISE(metric),
					      .numbers = &metrics},
			[ADVERTISE_DRAIN_METRIC] = {"drain-metric", "200", false, read_number,
						    IN_ADVERTISE(drain_metric), .numbers = &metrics},
			{"protocol", "240", false, read_protocol, IN_ADVERTISE(protocol),
			 .numbers = &protocols},
			{"table", "main", false, read_table, IN_ADVERTISE(table), .numbers = &tables},
			{"wait", "2s", false, read_duration, IN_ADVERTISE(wait), .range = &waits},
			{.name = NULL},
		},
};

int read_advertise_routes(struct reader *reader, const struct field *field, const struct node *value,
			  void *record)
{
	struct place places[SCHEMA_FIELDS_MAX], at;
	struct config_advertise *advertise = (void *)((char *)record + field->offset);
	int err = read_mapping(reader, &advertise_schema, value, advertise, places);

	if (err || advertise->metric < advertise->drain_metric)
		return err;
	at = places[ADVERTISE_DRAIN_METRIC].line ? places[ADVERTISE_DRAIN_METRIC] : places[ADVERTISE_METRIC];
	return reader_fail(reader, at,
			   "'drain-metric' (%u) must be above 'metric' (%u), so that routers prefer others",
			   advertise->drain_metric, advertise->metric);
}
