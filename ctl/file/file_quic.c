/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A service's `quic-id`, and the `id` of each of its backends.
 *
 * An id is a plain number, 42 or 0x2a: servers are told theirs in either form.
 */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include <shunt/abi.h>

#include "file_draft.h"
#include "file_schema.h"
#include "file_value.h"

#define BYTES_MAX 8

static const struct number_range offsets = {0, SH_QUIC_ID_MAX - 1};
static const struct number_range sizes = {1, BYTES_MAX};

static const struct schema quic_id_schema = {
	.what = "'quic-id'",
	.example = "{offset: 1, bytes: 2}",
	.fields =
		(const struct field[]){
			{"offset", "1", false, read_number, offsetof(struct config_quic_id, offset),
			 .numbers = &offsets},
			{"bytes", "2", true, read_number, offsetof(struct config_quic_id, bytes),
			 .numbers = &sizes},
			{.name = NULL},
		},
};

int read_quic_id(struct reader *reader, const struct field *field, const struct node *value, void *record)
{
	struct config_quic_id *quic_id = (void *)((char *)record + field->offset);
	struct place places[SCHEMA_FIELDS_MAX];
	struct place at = value->at;
	int err;

	quic_id->offset = 1;
	err = read_mapping(reader, &quic_id_schema, value, quic_id, places);
	if (!err && quic_id->offset + quic_id->bytes > SH_QUIC_ID_MAX)
		return reader_fail(reader, at,
				   "%u bytes from offset %u on do not fit into a connection ID, which has at "
				   "most %d; write less",
				   quic_id->bytes, quic_id->offset, SH_QUIC_ID_MAX);
	return err;
}

/* Plain decimal, or hexadecimal after 0x. */
static bool is_number(const char *text)
{
	size_t digits = strspn(text, "0123456789");

	if (!strncmp(text, "0x", 2))
		return strlen(text) <= 18 && text[2] && !text[2 + strspn(text + 2, "0123456789abcdefABCDEF")];
	return digits && !text[digits] && (digits == 1 || text[0] != '0') && digits <= 19;
}

int read_backend_id(struct reader *reader, const struct field *field, const struct node *value, void *record)
{
	struct config_backend *backend = record;
	char shown[SHOW_SIZE];
	int err = need_scalar(reader, field, value);

	if (err)
		return err;
	if (!is_number(value->text))
		return reader_fail(reader, value->at,
				   "'%s' is not an id; write a whole number such as 42 or 0x2a",
				   report_show(value->text, shown));
	backend->id = strtoull(value->text, NULL, value->text[1] == 'x' ? 16 : 10);
	return 0;
}

/* Is it the only one with its id in this service? */
static int check_new(struct reader *reader, struct service_draft *draft, const struct config_backend *backend,
		     struct place at)
{
	struct holder who = {.at = at}, first = {0};
	/* Beside addresses, of which none has as many bytes. */
	int taken = ledger_take(&draft->seen, &backend->id, sizeof(backend->id), &who, &first);

	if (taken == 1)
		return reader_fail(reader, at,
				   "id %llu is another backend's, on line %u; give each one its own",
				   (unsigned long long)backend->id, first.at.line);
	return taken ? report_fail_whole(reader_report(reader), taken, "out of memory") : 0;
}

static int check_backend(struct reader *reader, struct service_draft *draft, size_t i)
{
	const struct config_backend *backend = &draft->service.backends[i];
	uint32_t bytes = draft->service.quic_id.bytes;
	struct place at = draft->id_places[i];
	char address[ADDR_TEXT_SIZE];

	if (!bytes)
		return at.line ? reader_fail(reader, at,
					     "'id' goes with the service's 'quic-id' only; add that, such as "
					     "quic-id: %s, or remove it",
					     quic_id_schema.example)
			       : 0;
	addr_format(&backend->address, address);
	if (!at.line)
		return reader_fail(reader, draft->backend_places[i],
				   "backend %s has no id, which 'quic-id' needs; write "
				   "{address: %s, id: %zu}",
				   address, address, i + 1);
	if (bytes < BYTES_MAX && backend->id >> 8 * bytes)
		return reader_fail(reader, at,
				   "id %llu does not fit into the %u byte%s of 'quic-id'; write at most %llu",
				   (unsigned long long)backend->id, bytes, bytes > 1 ? "s" : "",
				   (1ULL << 8 * bytes) - 1);
	return check_new(reader, draft, backend, at);
}

int check_quic_id(struct reader *reader, struct service_draft *draft, struct place at)
{
	const struct config_service *service = &draft->service;
	bool udp = false;
	int err = 0;

	for (size_t i = 0; i < service->ports_count; i++)
		udp |= service->ports[i].protocol == IPPROTO_UDP;
	if (service->quic_id.bytes && !udp)
		return reader_fail(reader, at,
				   "'quic-id' is for UDP, and the service has no such port; add one, such as "
				   "443/udp, or remove it");
	for (size_t i = 0; !err && i < service->backends_count; i++)
		err = check_backend(reader, draft, i);
	return err;
}
