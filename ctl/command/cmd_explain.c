/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * `shunt explain SRC:PORT VIP:PORT/PROTO`: what the loaded program does with such a packet, and why.
 *
 * The daemon runs it on one that it makes, without sending or counting anything (explain.h). The exit status
 * is 0 whatever becomes of the packet.
 */
#include "command.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "frame.h"

/* ---- what was asked ---------------------------------------------------------------------------------- */

/* A decimal number up to `most`, to the end of the text; -1 where it is none. */
static long read_number(const char *text, long most)
{
	char *end;
	long number = strtol(text, &end, 10);

	return *text >= '0' && *text <= '9' && !*end && number <= most ? number : -1;
}

/* "192.0.2.1:80" or "[2001:db8::1]:80". */
static bool read_endpoint(const char *text, struct addr *address, uint16_t *port)
{
	char host[ADDR_TEXT_SIZE];
	const char *colon = strrchr(text, ':'), *begin = text, *end = colon;
	long number = colon ? read_number(colon + 1, UINT16_MAX) : -1;
	bool bracketed = *text == '[' && colon && colon[-1] == ']';

	if (bracketed) {
		begin++;
		end--;
	}
	if (number < 1 || end - begin >= (long)sizeof(host))
		return false;
	snprintf(host, sizeof(host), "%.*s", (int)(end - begin), begin);
	*port = (uint16_t)number;
	return !addr_parse(host, address) && bracketed == (address->family == ADDR_IPV6);
}

static bool read_vip(const char *text, struct frame *out)
{
	const char *slash = strrchr(text, '/');
	char endpoint[ADDR_TEXT_SIZE + 8];

	if (!slash || slash - text >= (long)sizeof(endpoint))
		return false;
	snprintf(endpoint, sizeof(endpoint), "%.*s", (int)(slash - text), text);
	out->protocol = strcmp(slash + 1, "udp") ? IPPROTO_TCP : IPPROTO_UDP;
	return !strcmp(slash + 1, protocol_name(out->protocol)) &&
	       read_endpoint(endpoint, &out->vip, &out->vip_port);
}

static int bad(const char *text, const char *why)
{
	fprintf(stderr, "shunt: '%s' is %s\n", text, why);
	return STATUS_USAGE;
}

static int read_kind(const struct command *command, struct frame *out)
{
	bool tcp = out->protocol == IPPROTO_TCP;

	out->kind = tcp ? FRAME_SYN : FRAME_DATAGRAM;
	if (!command->as)
		return STATUS_DONE;
	out->kind = frame_kind_named(command->as);
	if (out->kind < FRAME_KINDS && (out->kind <= FRAME_ACK) == tcp)
		return STATUS_DONE;
	return bad(command->as, tcp ? "no TCP packet; --as syn or ack"
				    : "no UDP packet; --as datagram or initial (of QUIC)");
}

static int read_size(const struct command *command, struct frame *out)
{
	long size;

	if (!command->size)
		return STATUS_DONE;
	size = read_number(command->size, FRAME_MAX);
	if (size < 0 || (size_t)size < frame_least(out)) {
		fprintf(stderr, "shunt: '%s' is no size for such a frame; %zu to %d bytes\n", command->size,
			frame_least(out), FRAME_MAX);
		return STATUS_USAGE;
	}
	out->size = (size_t)size;
	return STATUS_DONE;
}

static int read_ttl(const struct command *command, struct frame *out)
{
	long ttl;

	if (!command->ttl)
		return STATUS_DONE;
	ttl = read_number(command->ttl, UINT8_MAX);
	if (ttl < 1)
		return bad(command->ttl, "no TTL; 1 to 255");
	out->ttl = (uint8_t)ttl;
	return STATUS_DONE;
}

static int read_question(const struct command *command, struct frame *out)
{
	const char *client = command->arguments[0], *vip = command->arguments[1];
	int status;

	if (!read_endpoint(client, &out->client, &out->client_port))
		return bad(client, "no SRC:PORT; for example 198.18.0.1:40000 or [2001:db8::1]:40000");
	if (!read_vip(vip, out))
		return bad(vip, "no VIP:PORT/PROTO; for example 203.0.113.10:80/tcp or "
				"[2001:db8::10]:443/udp");
	if (out->client.family != out->vip.family)
		return bad(client, "of another IP version than the VIP; a packet has one");
	status = read_kind(command, out);
	if (!status)
		status = read_size(command, out);
	return status ? status : read_ttl(command, out);
}

/* ---- what was answered -------------------------------------------------------------------------------- */

static const char *text_of(const json_t *row, const char *key, char out[static CELL_SIZE])
{
	cell_value(row, key, out);
	return out;
}

static void print_packet(FILE *out, const json_t *answer)
{
	char client[CELL_SIZE], vip[CELL_SIZE], kind[CELL_SIZE], size[CELL_SIZE], dev[CELL_SIZE],
		program[CELL_SIZE];

	cell_client(answer, "client", client);
	cell_vip(answer, "vip", vip);
	fprintf(out, "packet   %s -> %s, %s, %s bytes\nin       %s (program: %s)\n", client, vip,
		text_of(answer, "kind", kind), text_of(answer, "size", size), text_of(answer, "dev", dev),
		text_of(answer, "program", program));
}

static void print_slot(FILE *out, const json_t *slot)
{
	char index[CELL_SIZE], of[CELL_SIZE], now[CELL_SIZE], before[CELL_SIZE];

	if (!json_is_object(slot))
		return;
	fprintf(out, "slot     %s of %s, ", text_of(slot, "index", index), text_of(slot, "of", of));
	text_of(slot, "now", now);
	if (json_is_null(json_object_get(slot, "before")))
		fputs("steady\n", out);
	else
		fprintf(out, "moving: now %s, before %s\n", now[0] ? now : "nobody",
			text_of(slot, "before", before));
}

static void print_backend(FILE *out, const json_t *answer)
{
	const json_t *backend = json_object_get(answer, "backend"), *path;
	char address[CELL_SIZE], forward[CELL_SIZE], weight[CELL_SIZE], state[CELL_SIZE], reason[CELL_SIZE];
	char nexthop[CELL_SIZE], dev[CELL_SIZE], mtu[CELL_SIZE], picked[CELL_SIZE];
	size_t i;

	text_of(answer, "picked", picked);
	if (!json_is_object(backend)) {
		if (picked[0])
			fprintf(out, "backend  none: %s\n", picked);
		return;
	}
	text_of(backend, "reason", reason);
	fprintf(out, "backend  %s, %s, weight %s, %s%s%s: %s\n", text_of(backend, "address", address),
		text_of(backend, "forward", forward), text_of(backend, "weight", weight),
		text_of(backend, "state", state), reason[0] ? ", " : "", reason, picked);
	json_array_foreach (json_object_get(backend, "paths"), i, path) {
		fprintf(out, "path     %s dev %s, weight %s, MTU %s%s\n", text_of(path, "nexthop", nexthop),
			text_of(path, "dev", dev), text_of(path, "weight", weight), text_of(path, "mtu", mtu),
			json_is_true(json_object_get(path, "chosen")) ? " <- taken" : "");
	}
}

static void print_out(FILE *out, const json_t *after)
{
	char dev[CELL_SIZE], from[CELL_SIZE], to[CELL_SIZE], vlan[CELL_SIZE], size[CELL_SIZE];

	if (!json_is_object(after))
		return;
	if (!text_of(after, "dev", dev)[0])
		snprintf(dev, sizeof(dev), "this node's own stack");
	text_of(after, "vlan", vlan);
	fprintf(out, "out      %s, %s -> %s%s%s, %s bytes\n", dev, text_of(after, "src_mac", from),
		text_of(after, "dst_mac", to), vlan[0] ? ", vlan " : "", vlan, text_of(after, "size", size));
	fprintf(out, "outer    %s -> %s\n", text_of(after, "source", from),
		text_of(after, "destination", to));
}

static void print_answer(FILE *out, json_t *answer)
{
	char service[CELL_SIZE], verdict[CELL_SIZE], reason[CELL_SIZE], words[CELL_SIZE], advice[CELL_SIZE];

	print_packet(out, answer);
	text_of(answer, "service", service);
	fprintf(out, "service  %s\n", service[0] ? service : "none");
	print_slot(out, json_object_get(answer, "slot"));
	print_backend(out, answer);
	print_out(out, json_object_get(answer, "out"));
	fprintf(out, "verdict  %s (%s): %s\n", text_of(answer, "verdict", verdict),
		text_of(answer, "reason", reason), text_of(answer, "words", words));
	if (text_of(answer, "advice", advice)[0])
		fprintf(out, "advice   %s\n", advice);
}

int cmd_explain(const struct command *command)
{
	char client[ADDR_TEXT_SIZE], vip[ADDR_TEXT_SIZE];
	struct frame frame = {0};
	json_t *request, *answer;
	int status = read_question(command, &frame);

	if (status)
		return status;
	request = json_pack("{s:s, s:s, s:i, s:s, s:i, s:s, s:s, s:i, s:i}", "command", "explain", "client",
			    addr_format(&frame.client, client), "client_port", frame.client_port, "vip",
			    addr_format(&frame.vip, vip), "vip_port", frame.vip_port, "protocol",
			    protocol_name(frame.protocol), "kind", frame_kind_name(frame.kind), "size",
			    (int)frame.size, "ttl", frame.ttl);
	if (command->dev)
		json_object_set_new(request, "dev", json_string(command->dev));
	status = command_ask(command, request, &answer);
	if (status)
		return status;
	command->writer->document(stdout, answer, print_answer);
	json_decref(answer);
	return STATUS_DONE;
}
