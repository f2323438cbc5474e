/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the controller does by the clock, and not because the kernel told something. See controller.h.
 *
 *	records that were given up come free again, and transitions end, while there are any
 *	lifetimes of routes end
 *	the kernel's events are read once more, where that failed
 *	probes: what nobody tells is looked at, one thing at a time, each of them every ten seconds
 */
#include <string.h>

#include "controller.h"
#include "log.h"
#include "loop.h"

#define REAP_MS	       1000
#define SETTLE_MS      1000
#define SETTLED	       6000 /* backends in one go: 0.2 ms */
#define SETTLE_PART_MS 1    /* between two parts: others have their turn */
#define READ_MS	       1000
#define PROBE_MS       10000

static void reap(void *arg)
{
	struct controller *controller = arg;

	if (tables_reap(controller->apply.tables))
		loop_timer_set(controller->reap_timer, REAP_MS, 0);
}

void controller_reap_soon(struct controller *controller)
{
	if (!loop_timer_armed(controller->reap_timer))
		loop_timer_set(controller->reap_timer, REAP_MS, 0);
}

static void settle(void *arg)
{
	struct controller *controller = arg;

	if (apply_settle(&controller->apply, SETTLED)) {
		loop_timer_set(controller->settle_timer, SETTLE_PART_MS, 0);
		return;
	}
	if (apply_pending(&controller->apply))
		controller_pass_soon(controller);
	controller_settle_soon(controller);
}

void controller_settle_soon(struct controller *controller)
{
	if (controller->apply.model && apply_moving(&controller->apply) &&
	    !loop_timer_armed(controller->settle_timer))
		loop_timer_set(controller->settle_timer, SETTLE_MS, 0);
}

/* Lifetimes of routes end silently. */
static void end_lifetimes(void *arg)
{
	struct controller *controller = arg;

	apply_mark_ended(&controller->apply);
	if (apply_pending(&controller->apply))
		controller_pass_soon(controller);
	controller_await_end(controller);
}

void controller_await_end(struct controller *controller)
{
	uint64_t end = controller->apply.next_end, now = end ? controller_now_ms() : 0;

	loop_timer_set(controller->end_timer, end > now ? end - now : end > 0, 0);
}

static void read_again(void *arg)
{
	(void)controller_read(arg);
}

void controller_read_later(struct controller *controller)
{
	loop_timer_set(controller->kernel_timer, READ_MS, 0);
}

/* ---- probes -------------------------------------------------------------------------------------- */

static void probe_nexthops(struct controller *controller)
{
	managed_probe(&controller->managed);
	apply_keep_nexthops(&controller->apply);
	apply_mark_ending(&controller->apply);
	controller_pass_soon(controller);
}

static void probe_interfaces(struct controller *controller)
{
	node_sync(controller);
	node_sync_egress(controller);
}

static void probe_services(struct controller *controller)
{
	int err = apply_services(&controller->apply);

	if (err)
		log_error("cannot write the maps of VIPs: %s; trying again", strerror(-err));
}

/* One thing at a time, so that an event does not wait for all of them. */
static void (*const probes[])(struct controller *controller) = {probe_nexthops, probe_interfaces,
								probe_services, advertise_audit};
#define PROBES (sizeof(probes) / sizeof(probes[0]))

static void probe(void *arg)
{
	struct controller *controller = arg;

	/* First what the kernel has told already: aliases just added are in there. */
	(void)controller_read(controller);
	probes[controller->probe](controller);
	controller->probe = (controller->probe + 1) % PROBES;
}

int timers_open(struct controller *controller)
{
	struct loop *loop = controller->loop;
	int err = loop_timer_add(loop, reap, controller, &controller->reap_timer);

	if (!err)
		err = loop_timer_add(loop, settle, controller, &controller->settle_timer);
	if (!err)
		err = loop_timer_add(loop, end_lifetimes, controller, &controller->end_timer);
	if (!err)
		err = loop_timer_add(loop, read_again, controller, &controller->kernel_timer);
	if (!err)
		err = loop_timer_add(loop, probe, controller, &controller->probe_timer);
	if (!err)
		err = loop_timer_set(controller->probe_timer, PROBE_MS / PROBES, PROBE_MS / PROBES);
	return err;
}

void timers_close(struct controller *controller)
{
	loop_timer_remove(controller->reap_timer);
	loop_timer_remove(controller->settle_timer);
	loop_timer_remove(controller->end_timer);
	loop_timer_remove(controller->kernel_timer);
	loop_timer_remove(controller->probe_timer);
}
