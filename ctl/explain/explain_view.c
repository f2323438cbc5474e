/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The program's answer as a document. See explain.h.
 *
 *	{"client", "client_port", "vip", "vip_port", "protocol", "kind", "size", "dev", "ifindex", "program",
 *	 "service": name or null,
 *	 "slot": {"index", "of", "state": "steady" or "moving", "now", "before"} or null,
 *	 "remembered": address or null, "picked": why this backend, in words,
 *	 "backend": a row of `show backends` without what is counted or null, each of its paths with "chosen",
 *	 "out": {"dev", "ifindex", "src_mac", "dst_mac", "vlan", "source", "destination", "size"} or null,
 *	 "verdict", "reason", "words", "advice", "hex": {"in", "out"}}
 *
 * "out" is what the packet is afterwards; its "dev" is null where it goes to this node's own stack. The
 * addresses are those of the outermost IP header: a tunnel's, where there is one.
 */
#include <arpa/inet.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <string.h>

#include <shunt/hash.h>

#include "controller.h"
#include "explain.h"
#include "interfaces.h"
#include "view.h"

/* ---- what came out --------------------------------------------------------------------------------- */

struct outcome {
	uint8_t dst_mac[6], src_mac[6];
	int vlan; /* -1: no tag */
	struct addr source, destination;
};

static uint16_t get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

/* The program made it from what frame.c made: it is long enough, and IP is in it. */
static void read_outcome(const struct twin_run *run, struct outcome *out)
{
	const uint8_t *type = run->out + 12;

	memset(out, 0, sizeof(*out));
	memcpy(out->dst_mac, run->out, 6);
	memcpy(out->src_mac, run->out + 6, 6);
	out->vlan = -1;
	if (get16(type) == ETH_P_8021Q || get16(type) == ETH_P_8021AD) {
		out->vlan = get16(type + 2) & SH_NEXTHOP_VLAN_ID;
		type += 4;
	}
	if (get16(type) == ETH_P_IP) {
		(void)addr_from_bytes(type + 2 + 12, 4, &out->source);
		(void)addr_from_bytes(type + 2 + 16, 4, &out->destination);
	} else {
		(void)addr_from_bytes(type + 2 + 8, 16, &out->source);
		(void)addr_from_bytes(type + 2 + 24, 16, &out->destination);
	}
}

static json_t *text_or_null(const char *text)
{
	return *text ? json_string(text) : json_null();
}

static const char *link_name(const struct controller *controller, uint32_t ifindex)
{
	const struct rt_link *link = rt_state_link(controller->apply.state, (int)ifindex);

	return link ? link->name : "";
}

static json_t *view_out(const struct explanation *explanation, const struct outcome *outcome)
{
	const struct twin_run *run = &explanation->run;
	char dst[MAC_TEXT_SIZE], src[MAC_TEXT_SIZE], from[ADDR_TEXT_SIZE], to[ADDR_TEXT_SIZE];

	if (run->verdict == XDP_DROP || run->verdict == XDP_ABORTED)
		return json_null();
	return json_pack("{s:o, s:o, s:s, s:s, s:o, s:s, s:s, s:i}", "dev",
			 text_or_null(link_name(explanation->controller, run->egress)), "ifindex",
			 run->egress ? json_integer(run->egress) : json_null(), "src_mac",
			 mac_format(outcome->src_mac, src), "dst_mac", mac_format(outcome->dst_mac, dst),
			 "vlan", outcome->vlan < 0 ? json_null() : json_integer(outcome->vlan), "source",
			 addr_format(&outcome->source, from), "destination",
			 addr_format(&outcome->destination, to), "size", (int)run->out_size);
}

static json_t *view_hex(const uint8_t *bytes, size_t size)
{
	static const char digits[] = "0123456789abcdef";
	char text[2 * (FRAME_MAX + TWIN_ROOM) + 1] = "";

	for (size_t i = 0; i < size && i < FRAME_MAX + TWIN_ROOM; i++) {
		text[2 * i] = digits[bytes[i] >> 4];
		text[2 * i + 1] = digits[bytes[i] & 15];
		text[2 * i + 2] = '\0';
	}
	return json_string(text);
}

static const char *verdict_name(uint32_t verdict)
{
	static const char *const names[] = {[XDP_ABORTED] = "aborted",
					    [XDP_DROP] = "drop",
					    [XDP_PASS] = "pass",
					    [XDP_TX] = "tx",
					    [XDP_REDIRECT] = "redirect"};

	return verdict < sizeof(names) / sizeof(names[0]) ? names[verdict] : "unknown";
}

/* ---- who was chosen --------------------------------------------------------------------------------- */

static const struct member *find_member(const struct controller *controller, uint32_t index)
{
	const struct model *model = controller->apply.model;

	for (size_t i = 0; index && i < model->services_count; i++) {
		const struct service *service = &model->services[i];

		for (size_t j = 0; j < service->config->backends_count; j++) {
			if (tables_backend_index(service->members[j].backend) == index)
				return &service->members[j];
		}
		for (const struct gone *gone = service->gone; gone; gone = gone->next) {
			if (tables_backend_index(gone->member.backend) == index)
				return &gone->member;
		}
	}
	return NULL;
}

static bool left_by(const struct explanation *explanation, const struct outcome *outcome,
		    const struct sh_nexthop *record)
{
	int vlan = record->flags & SH_NEXTHOP_TAGGED ? record->flags & SH_NEXTHOP_VLAN_ID : -1;

	if (explanation->run.reason != SH_TX && explanation->run.reason != SH_REDIRECT)
		return false;
	return record->ifindex == explanation->run.egress && vlan == outcome->vlan &&
	       !memcmp(record->dst_mac, outcome->dst_mac, 6) && !memcmp(record->src_mac, outcome->src_mac, 6);
}

static json_t *view_chosen(const struct explanation *explanation, const struct outcome *outcome)
{
	const struct controller *controller = explanation->controller;
	const struct member *member = find_member(controller, explanation->run.backend);
	json_t *row, *path;
	size_t i;

	if (!member)
		return json_null();
	row = view_backend(controller, member);
	json_object_del(row, "packets");
	json_object_del(row, "bytes");
	json_array_foreach (json_object_get(row, "paths"), i, path) {
		const struct sh_nexthop *record = tables_nexthop_record(controller->apply.tables,
									member->legs[i].nexthop);

		json_object_set_new(path, "chosen", json_boolean(left_by(explanation, outcome, record)));
	}
	return row;
}

/* ---- and why ----------------------------------------------------------------------------------------- */

struct place {
	uint32_t index, of; /* of 0: no slot decides */
	struct sh_slot slot;
};

static uint64_t flow_hash(const struct frame *frame)
{
	uint32_t ports = (uint32_t)frame->client_port << 16 | frame->vip_port, w[4];

	for (size_t i = 0; i < 4; i++)
		w[i] = (uint32_t)get16(frame->client.bytes + 4 * i) << 16 |
		       get16(frame->client.bytes + 4 * i + 2);
	if (frame->client.family == ADDR_IPV4)
		return sh_hash4(w[0], ports, frame->protocol);
	return sh_hash6((uint64_t)w[0] << 32 | w[1], (uint64_t)w[2] << 32 | w[3], ports, frame->protocol);
}

static void find_place(const struct explanation *explanation, struct place *out)
{
	struct port *port = dataplane_port(explanation->controller->apply.dataplane);
	const struct sh_service *service = &port->services[explanation->run.service];
	uint32_t index = sh_hash_slot(sh_hash_ring(flow_hash(&explanation->frame)), service->slots);
	const struct sh_slot *slot;

	*out = (struct place){0};
	if (!explanation->run.service || !service->slots || service->flags & SH_SERVICE_RANDOM)
		return;
	slot = port->slots(port, service->ring + index, 1);
	if (!slot)
		return;
	*out = (struct place){.index = index, .of = service->slots, .slot = *slot};
	port->slots_done(port);
}

static json_t *view_address(const struct controller *controller, uint32_t backend)
{
	const struct port *port = dataplane_port(controller->apply.dataplane);
	char text[ADDR_TEXT_SIZE];
	struct addr address;

	if (!backend || backend >= port->backends_size)
		return json_null();
	tables_addr(&port->backends[backend].address, port->backends[backend].family, &address);
	return json_string(addr_format(&address, text));
}

static json_t *view_slot(const struct controller *controller, const struct place *place)
{
	uint32_t before = place->slot.before & ~SH_BEFORE_CLOSED;

	if (!place->of)
		return json_null();
	return json_pack("{s:i, s:i, s:s, s:o, s:o}", "index", (int)place->index, "of", (int)place->of,
			 "state", before ? "moving" : "steady", "now",
			 view_address(controller, place->slot.now), "before",
			 view_address(controller, before));
}

static const char *picked(const struct explanation *explanation, const struct place *place)
{
	const struct twin_run *run = &explanation->run;
	uint32_t before = place->slot.before & ~SH_BEFORE_CLOSED;

	if (!run->service)
		return "";
	if (!run->backend)
		return "there is none to pick";
	if (run->known == run->backend)
		return "the flow is remembered";
	if (!place->of)
		return "dealt at random: another flow may get another";
	if (run->backend == place->slot.now && !before)
		return "the slot leads to it";
	if (run->backend == place->slot.now)
		return "the slot is moving, and this is the backend of its new flows";
	if (run->backend == before)
		return "the slot is moving, and this is the backend that it had: unknown flows in their "
		       "midst "
		       "began there";
	return "the packet itself tells";
}

static json_t *view_service(const struct explanation *explanation)
{
	const struct port *port = dataplane_port(explanation->controller->apply.dataplane);

	if (!explanation->run.service)
		return json_null();
	return json_string(
		view_service_name(explanation->controller, port->services[explanation->run.service].owner));
}

/* ---- the document ------------------------------------------------------------------------------------ */

static json_t *view_question(const struct explanation *explanation)
{
	const struct frame *frame = &explanation->frame;
	char client[ADDR_TEXT_SIZE], vip[ADDR_TEXT_SIZE];

	return json_pack("{s:s, s:i, s:s, s:i, s:s, s:s, s:i, s:s, s:i, s:s}", "client",
			 addr_format(&frame->client, client), "client_port", frame->client_port, "vip",
			 addr_format(&frame->vip, vip), "vip_port", frame->vip_port, "protocol",
			 protocol_name(frame->protocol), "kind", frame_kind_name(frame->kind), "size",
			 (int)explanation->run.size, "dev", explanation->row->name, "ifindex",
			 explanation->row->ifindex, "program",
			 interface_program_name(explanation->row->program));
}

json_t *explain_view(const struct explanation *explanation)
{
	const struct controller *controller = explanation->controller;
	const struct twin_run *run = &explanation->run;
	json_t *document = view_question(explanation), *answer;
	struct outcome outcome;
	struct place place;

	read_outcome(run, &outcome);
	find_place(explanation, &place);
	answer = json_pack("{s:o, s:o, s:o, s:s, s:o, s:o, s:s, s:s, s:s, s:s, s:{s:o, s:o}}", "service",
			   view_service(explanation), "slot", view_slot(controller, &place), "remembered",
			   view_address(controller, run->known), "picked", picked(explanation, &place),
			   "backend", view_chosen(explanation, &outcome), "out",
			   view_out(explanation, &outcome), "verdict", verdict_name(run->verdict), "reason",
			   view_reason_name(run->reason), "words", view_reason_words(run->reason), "advice",
			   explain_advice(explanation->row->program, run->reason), "hex", "in",
			   view_hex(run->frame, run->size), "out", view_hex(run->out, run->out_size));
	if (!document || !answer || json_object_update(document, answer)) {
		json_decref(document);
		document = NULL;
	}
	json_decref(answer);
	return document;
}
