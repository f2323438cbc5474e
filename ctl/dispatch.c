/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Dispatches: which packet went to which backend, as the packet path reports them.
 *
 * Only while somebody listens: then each CPU may report a few per 100 ms, and this reads
 * them at the same pace. No packet ever wakes us. See controller.h.
 */
#include <arpa/inet.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "control.h"
#include "controller.h"
#include "log.h"
#include "loop.h"
#include "view.h"

#define PERIOD_MS	100
#define EVENTS_EACH_CPU 50

static int on_dispatch(void *arg, void *data, size_t size)
{
	struct controller *controller = arg;
	const struct port *port = dataplane_port(controller->apply.dataplane);
	const struct sh_event *event = data;
	char client[ADDR_TEXT_SIZE], vip[ADDR_TEXT_SIZE], backend[ADDR_TEXT_SIZE] = "";
	const char *service = "";
	struct addr address;

	if (size < sizeof(*event) || event->kind != SH_EVENT_DISPATCH)
		return 0;
	tables_addr(&event->client, event->family, &address);
	addr_format(&address, client);
	tables_addr(&event->vip, event->family, &address);
	addr_format(&address, vip);
	if (event->service < port->services_size)
		service = view_service_name(controller, port->services[event->service].owner);
	if (event->backend && event->backend < port->backends_size) {
		tables_addr(&port->backends[event->backend].address, port->backends[event->backend].family,
			    &address);
		addr_format(&address, backend);
	}
	tell_event(controller,
		   json_pack("{s:s, s:s, s:s, s:i, s:s, s:i, s:s, s:s, s:s, s:i}", "event", "dispatch",
			     "service", service, "client", client, "client_port", ntohs(event->client_port),
			     "vip", vip, "vip_port", ntohs(event->vip_port), "protocol",
			     protocol_name(event->protocol), "backend", backend, "reason",
			     view_reason_name(event->reason), "missed", (int)event->missed));
	return 0;
}

static void read_dispatches(void *arg)
{
	struct controller *controller = arg;

	if (controller->dispatches)
		(void)ring_buffer__consume(controller->dispatches);
}

static void set_listening(struct controller *controller, bool any)
{
	struct sh_knobs *knobs = dataplane_port(controller->apply.dataplane)->knobs;

	/* What the former listener missed, and what it did not read, is not the next one's. */
	if (any)
		dataplane_forget_missed(controller->apply.dataplane);
	__atomic_store_n(&knobs->events_per_100ms, any ? EVENTS_EACH_CPU : 0, __ATOMIC_RELEASE);
	/* The straight way reports nothing. */
	if (apply_guesses(&controller->apply))
		log_warn("out of memory: not every dispatch is reported");
	if (!any)
		read_dispatches(controller);
	loop_timer_set(controller->dispatch_timer, any ? PERIOD_MS : 0, any ? PERIOD_MS : 0);
}

static void subscribers_changed(bool any, void *arg)
{
	set_listening(arg, any);
}

int tell_dispatches_open(struct controller *controller)
{
	int err = 0;

	if (!controller->dispatch_timer)
		err = loop_timer_add(controller->loop, read_dispatches, controller,
				     &controller->dispatch_timer);
	ring_buffer__free(controller->dispatches);
	controller->dispatches = ring_buffer__new(dataplane_events_fd(controller->apply.dataplane),
						  on_dispatch, controller, NULL);
	if (err || !controller->dispatches)
		log_warn("cannot read dispatch events: %s", strerror(err ? -err : errno));
	if (!err)
		set_listening(controller,
			      controller->control && control_has_subscribers(controller->control));
	return 0;
}

void tell_subscribers(struct controller *controller)
{
	control_on_subscribers(controller->control, subscribers_changed, controller);
}
