/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Cells of the command's tables. Pure: a row in, text out. The rows are documents of the daemon,
 * but nothing is taken for granted about them: another version may leave a field out.
 */
#include "cell.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void printable(char *text)
{
	for (; *text; text++) {
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = '?';
	}
}

static void put_json(const json_t *value, char out[static CELL_SIZE])
{
	char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);

	snprintf(out, CELL_SIZE, "%s", text ? text : "?");
	free(text);
}

static void put_value(const json_t *value, char out[static CELL_SIZE])
{
	if (!value || json_is_null(value))
		out[0] = '\0';
	else if (json_is_string(value))
		snprintf(out, CELL_SIZE, "%s", json_string_value(value));
	else if (json_is_integer(value))
		snprintf(out, CELL_SIZE, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	else if (json_is_boolean(value))
		snprintf(out, CELL_SIZE, "%s", json_is_true(value) ? "yes" : "no");
	else
		put_json(value, out);
	printable(out);
}

void cell_value(const json_t *row, const char *key, char out[static CELL_SIZE])
{
	put_value(json_object_get(row, key), out);
}

void cell_bytes(const json_t *row, const char *key, char out[static CELL_SIZE])
{
	static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	const json_t *value = json_object_get(row, key);
	double amount = json_number_value(value);
	size_t unit = 0;

	if (!json_is_number(value) || amount < 1024) {
		put_value(value, out);
		return;
	}
	/* 1023.95 would print as 1024.0 */
	for (amount /= 1024; amount >= 1023.95 && unit + 1 < sizeof(units) / sizeof(*units); unit++)
		amount /= 1024;
	snprintf(out, CELL_SIZE, "%.1f %s", amount, units[unit]);
}

void cell_duration(const json_t *row, const char *key, char out[static CELL_SIZE])
{
	const json_t *value = json_object_get(row, key);
	intmax_t seconds = (intmax_t)json_number_value(value);

	if (!json_is_number(value))
		put_value(value, out);
	else if (seconds < 60)
		snprintf(out, CELL_SIZE, "%jds", seconds);
	else if (seconds < 3600)
		snprintf(out, CELL_SIZE, "%jdm %jds", seconds / 60, seconds % 60);
	else if (seconds < 86400)
		snprintf(out, CELL_SIZE, "%jdh %jdm", seconds / 3600, seconds / 60 % 60);
	else
		snprintf(out, CELL_SIZE, "%jdd %jdh", seconds / 86400, seconds / 3600 % 24);
}

/* "address:port" or "[address]:port", or less where less is known. Returns the length. */
static size_t put_endpoint(const json_t *address, const json_t *port, char out[static CELL_SIZE])
{
	char host[CELL_SIZE], number[CELL_SIZE];
	const char *open = "", *close = "";

	put_value(address, host);
	put_value(port, number);
	if (strchr(host, ':') && number[0]) {
		open = "[";
		close = "]";
	}
	(void)!snprintf(out, CELL_SIZE, "%s%.100s%s%s%.20s", open, host, close, number[0] ? ":" : "", number);
	return strlen(out);
}

void cell_client(const json_t *row, const char *key, char out[static CELL_SIZE])
{
	put_endpoint(json_object_get(row, key), json_object_get(row, "client_port"), out);
}

void cell_vip(const json_t *row, const char *key, char out[static CELL_SIZE])
{
	const json_t *port = json_object_get(row, "vip_port");
	const char *protocol = json_string_value(json_object_get(row, "protocol"));
	size_t length = put_endpoint(json_object_get(row, key), port ? port : json_object_get(row, "port"),
				     out);

	if (protocol)
		snprintf(out + length, CELL_SIZE - length, "/%s", protocol);
	printable(out);
}

void cell_paths(const json_t *row, const char *key, char out[static CELL_SIZE])
{
	const json_t *paths = json_object_get(row, key), *path;
	size_t count = json_array_size(paths), length = 0, i;

	out[0] = '\0';
	json_array_foreach (paths, i, path) {
		char nexthop[CELL_SIZE], dev[CELL_SIZE], weight[CELL_SIZE] = "";

		cell_value(path, "nexthop", nexthop);
		cell_value(path, "dev", dev);
		if (count > 1)
			cell_value(path, "weight", weight);
		length += (size_t)snprintf(out + length, CELL_SIZE - length, "%s%.60s dev %.20s%s%.10s",
					   i ? ", " : "", nexthop, dev, weight[0] ? " x" : "", weight);
		if (length >= CELL_SIZE)
			return;
	}
}
