/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * From the request to the program's twin. See explain.h.
 */
#include "explain.h"

#include <netinet/in.h>
#include <string.h>

#include "control.h"
#include "controller.h"
#include "interfaces.h"

/* ---- the request ---------------------------------------------------------------------------------- */

static bool read_address(const json_t *request, const char *key, struct addr *out)
{
	const char *text = json_string_value(json_object_get(request, key));

	return text && !addr_parse(text, out);
}

static bool read_port(const json_t *request, const char *key, uint16_t *out)
{
	json_int_t port = json_integer_value(json_object_get(request, key));

	*out = (uint16_t)port;
	return port > 0 && port <= UINT16_MAX;
}

static bool read_protocol(const json_t *request, uint8_t *out)
{
	const char *name = json_string_value(json_object_get(request, "protocol"));

	*out = name && !strcmp(name, "udp") ? IPPROTO_UDP : IPPROTO_TCP;
	return name && !strcmp(name, protocol_name(*out));
}

static bool read_kind(const json_t *request, struct frame *out)
{
	const char *name = json_string_value(json_object_get(request, "kind"));
	bool tcp = out->protocol == IPPROTO_TCP;

	out->kind = tcp ? FRAME_SYN : FRAME_DATAGRAM;
	if (name)
		out->kind = frame_kind_named(name);
	return out->kind < FRAME_KINDS && (out->kind <= FRAME_ACK) == tcp;
}

/* NULL, or what is wrong with it. */
static const char *read_frame(const json_t *request, struct frame *out)
{
	json_int_t size = json_integer_value(json_object_get(request, "size"));
	json_int_t ttl = json_integer_value(json_object_get(request, "ttl"));

	if (!read_address(request, "client", &out->client) || !read_address(request, "vip", &out->vip))
		return "explain wants two addresses";
	if (out->client.family != out->vip.family)
		return "both addresses must be IPv4, or both IPv6";
	if (!read_port(request, "client_port", &out->client_port) ||
	    !read_port(request, "vip_port", &out->vip_port))
		return "ports are 1 to 65535";
	if (!read_protocol(request, &out->protocol))
		return "the protocol is tcp or udp";
	if (!read_kind(request, out))
		return "a TCP packet is syn or ack, a UDP packet datagram or initial";
	if (ttl < 0 || ttl > UINT8_MAX)
		return "a TTL is 1 to 255";
	out->ttl = (uint8_t)ttl;
	out->size = size > 0 ? (size_t)size : 0;
	if (size < 0 || (out->size && (out->size < frame_least(out) || out->size > FRAME_MAX)))
		return "size";
	return NULL;
}

/* ---- where it comes in ----------------------------------------------------------------------------- */

struct towards {
	const struct addr *client;
	int ifindex; /* of a link with an address in the client's network; 0: none yet */
};

static void look_at_address(const struct rt_addr *addr, void *arg)
{
	struct towards *towards = arg;
	const struct prefix network = {.addr = addr->addr, .length = addr->length};
	struct prefix prefix = network;

	/* prefix_covers wants the host bits zero. */
	for (size_t bit = network.length; bit < addr_size(&network.addr) * 8; bit++)
		prefix.addr.bytes[bit / 8] &= (uint8_t) ~(0x80U >> bit % 8);
	if (!towards->ifindex && prefix_covers(&prefix, towards->client))
		towards->ifindex = addr->ifindex;
}

/* By the named interface; else where the client is on the link, else the first that has a program. */
static const struct interface_row *choose_row(const struct controller *controller, const char *dev,
					      const struct addr *client)
{
	struct towards towards = {.client = client};
	const struct interface_row *rows, *first = NULL;
	size_t count = interfaces_rows(controller->interfaces, &rows);

	rt_state_each_addr(controller->apply.state, look_at_address, &towards);
	for (size_t i = 0; i < count; i++) {
		if (rows[i].state != INTERFACE_ATTACHED)
			continue;
		if (dev ? !strcmp(rows[i].name, dev) : rows[i].ifindex == towards.ifindex)
			return &rows[i];
		first = first ? first : &rows[i];
	}
	return dev ? NULL : first;
}

static json_t *no_row(const char *dev)
{
	if (!dev)
		return control_error(
			"no interface carries a program of shunt: `shunt show interfaces` says why");
	return control_error("no program of shunt is on %s: `shunt show interfaces` lists where there is one",
			     dev);
}

/* ---- asking ---------------------------------------------------------------------------------------- */

static void set_macs(const struct controller *controller, int ifindex, struct frame *frame)
{
	static const uint8_t neighbour[6] = {0x02, 0, 0, 0, 0, 0x01};
	const struct rt_link *link = rt_state_link(controller->apply.state, ifindex);

	memcpy(frame->src_mac, neighbour, sizeof(neighbour));
	if (link)
		memcpy(frame->dst_mac, link->mac, sizeof(frame->dst_mac));
}

static json_t *ask(struct explanation *explanation)
{
	uint8_t in[FRAME_MAX], out[FRAME_MAX + TWIN_ROOM];
	enum dataplane_program program = explanation->row->program == INTERFACE_BACKEND ? PROGRAM_BACKEND
											: PROGRAM_DIRECTOR;
	struct twin *twin;
	int err = dataplane_twin(explanation->controller->apply.dataplane, program, &twin);

	if (err)
		return control_error("cannot load the program a second time: %s", strerror(-err));
	explanation->run = (struct twin_run){
		.ifindex = (uint32_t)explanation->row->ifindex,
		.frame = in,
		.size = (uint32_t)frame_make(&explanation->frame, in),
		.out = out,
	};
	err = twin_run(twin, &explanation->run);
	if (err)
		return control_error("cannot run the program on a packet from %s: %s", explanation->row->name,
				     strerror(-err));
	return explain_view(explanation);
}

json_t *answer_explain(const json_t *request, struct control_client *client, void *arg)
{
	struct controller *controller = arg;
	const char *dev = json_string_value(json_object_get(request, "dev")), *wrong;
	struct explanation explanation = {.controller = controller};

	(void)client;
	wrong = read_frame(request, &explanation.frame);
	if (wrong && !strcmp(wrong, "size"))
		return control_error("the size of such a frame is %zu to %d bytes",
				     frame_least(&explanation.frame), FRAME_MAX);
	if (wrong)
		return control_error("%s", wrong);
	explanation.row = choose_row(controller, dev, &explanation.frame.client);
	if (!explanation.row)
		return no_row(dev);
	set_macs(controller, explanation.row->ifindex, &explanation.frame);
	return ask(&explanation);
}
