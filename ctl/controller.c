/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The kernel's events, and the passes that follow from them. See controller.h.
 *
 * A neighbour's change is stored as it comes. Everything else marks targets, and one pass works
 * them off: at once after a quiet time, so that the first event never waits, and otherwise a
 * few milliseconds after the pass before, so that a storm is worked off in batches.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>
#include <sys/epoll.h>

#include "control.h"
#include "controller.h"
#include "log.h"
#include "loop.h"

#define COALESCE_MS 5
#define PART	    600 /* backends in one go, or 25 that are asked about: 0.2 ms */
#define RETRY_MS    1000
/* More prefixes than this in one batch: asking about every target is cheaper than comparing. */
#define PREFIXES_MAX 64
/* Of events, that are worked off one after the other without anything else between. */
#define BATCHES_MAX 64

uint64_t controller_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

int controller_follow_rules(struct controller *controller)
{
	int err = 0;

	if (controller->rules_stale)
		err = policy_load(&controller->apply.policy, controller->query);
	if (!err)
		controller->rules_stale = false;
	return err;
}

/* -EAGAIN: routes went between two questions about them. Their events follow. */
static void try_again(struct controller *controller, int err)
{
	if (err == -EAGAIN)
		log_note("routes changed while the kernel was asked about them; trying again");
	else
		log_error("cannot bring the tables in step with the kernel: %s; trying again",
			  strerror(-err));
	pace_later(&controller->pace, RETRY_MS);
}

static void end_pass(struct controller *controller, int err)
{
	if (!err && controller->apply.model->forgot)
		err = apply_quic_ids(&controller->apply);
	apply_tunnel(&controller->apply);
	tell_states(controller);
	managed_tell(&controller->managed);
	if (tables_exits_changed(controller->apply.tables))
		node_sync_egress(controller);
	controller_reap_soon(controller);
	controller_settle_soon(controller);
	controller_await_end(controller);
	if (err == -ENOSPC && controller->growth < GROWTH_MAX) {
		controller->growth++;
		err = load_again(controller);
	}
	advertise_sync(controller);
	if (!err) {
		/* Marked while the pass was past it already. */
		if (apply_pending(&controller->apply))
			controller_pass_next(controller);
		return;
	}
	try_again(controller, err);
}

/* A part of a pass, so that a neighbour's change does not wait for thousands of questions. */
static bool work_off(void *arg)
{
	struct controller *controller = arg;
	bool more = false;
	int err;

	if (controller->ending == ENDING_OVER)
		return false;
	err = controller_follow_rules(controller);
	if (!err)
		err = apply_part(&controller->apply, controller->hurried ? SIZE_MAX : PART, &more);
	if (!more)
		end_pass(controller, err);
	return more;
}

void controller_pass_soon(struct controller *controller)
{
	pace_soon(&controller->pace);
}

void controller_pass_next(struct controller *controller)
{
	if (!pace_waiting(&controller->pace))
		pace_later(&controller->pace, COALESCE_MS);
}

static void work_neighbours(struct controller *controller)
{
	const struct rt_hints *hints = &controller->hints;
	bool six = hints->failed6;

	for (size_t i = 0; i < hints->neighs_count; i++) {
		six |= hints->neighs[i].addr.family == ADDR_IPV6;
		apply_neighbour(&controller->apply, &hints->neighs[i]);
		managed_neighbour(&controller->managed, &hints->neighs[i]);
	}
	if (six && controller->apply.policy.host6)
		apply_mark_family(&controller->apply, ADDR_IPV6);
}

/* What a change is sure to concern is stored at once; the rest, in the pass. */
static void work_links(struct controller *controller)
{
	const struct rt_hints *hints = &controller->hints;

	for (size_t i = 0; i < hints->ifindexes_count; i++)
		apply_link(&controller->apply, hints->ifindexes[i]);
	if (hints->links || hints->fdb || hints->overrun)
		apply_all_nexthops(&controller->apply);
}

static void work_routes(struct controller *controller)
{
	const struct rt_hints *hints = &controller->hints;

	if (hints->everything || hints->routes_count > PREFIXES_MAX) {
		apply_mark_all(&controller->apply);
		return;
	}
	for (size_t i = 0; i < hints->routes_count; i++)
		apply_mark_prefix(&controller->apply, &hints->routes[i]);
}

/* No link-local one, as no backend has such. */
static void add_address(const struct rt_addr *addr, void *arg)
{
	const uint8_t *bytes = addr->addr.bytes;
	uint64_t hash = 0xcbf29ce484222325U ^ addr->addr.family ^ (uint64_t)addr->protocol << 32;

	if (addr->addr.family == ADDR_IPV6 && bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80)
		return;
	for (size_t i = 0; i < sizeof(addr->addr.bytes); i++)
		hash = (hash ^ bytes[i]) * 0x100000001b3U;
	*(uint64_t *)arg += hash ^ hash >> 29;
}

/* Who is a backend of how many services takes a look at all of them: only where this node's addresses are
 * others than in the last look, by a digest of them. Most links come and go without one. */
static void make_room(struct controller *controller)
{
	uint64_t addresses = 0;

	rt_state_each_addr(controller->apply.state, add_address, &addresses);
	if (addresses == controller->addresses)
		return;
	if (!load_fits(controller) && load_again(controller))
		log_error("cannot make room for more addresses of this node's: see above");
	else
		controller->addresses = addresses;
}

/* The role may follow from an address that came or went, and with it the program to be loaded; so does how
 * much there is to be restored. */
static void work_role(struct controller *controller)
{
	enum role before = controller->role.role;

	role_of(controller->apply.model->config, controller->apply.state, &controller->role);
	if (controller->role.role == before) {
		make_room(controller);
		return;
	}
	log_note("role: %s (%s)", role_name(controller->role.role), controller->role.reason);
	/* With nothing to do at present it keeps what it has: a card that was pulled out and comes back finds
	 * the flows that there were. */
	if (controller->role.role == ROLE_AUTO)
		return;
	if (controller->role.role != controller->loaded && load_again(controller))
		log_error("cannot take on the new role; the former stays");
}

static void work_hints(struct controller *controller)
{
	struct rt_hints *hints = &controller->hints;

	if (hints->overrun)
		tell_overrun(controller);
	work_links(controller);
	work_neighbours(controller);
	controller->rules_stale |= hints->rules || hints->sysctls;
	work_routes(controller);
	if (hints->links || hints->addrs || hints->overrun) {
		work_role(controller);
		node_sync(controller);
		advertise_sync(controller);
	}
	advertise_heard(controller, hints);
	rt_hints_reset(hints);
	if (apply_pending(&controller->apply))
		controller_pass_soon(controller);
}

/* A recovery that failed is tried again in a while; nothing else might wake us for it. */
static int took_events(struct controller *controller, int err)
{
	if (err && !controller->blind)
		log_error("cannot follow the kernel's events: %s; trying again", strerror(-err));
	if (!err && controller->blind)
		log_note("following the kernel's events again");
	controller->blind = err != 0;
	if (err) {
		controller->hints.everything = true;
		controller_read_later(controller);
	}
	return err;
}

int controller_read(struct controller *controller)
{
	int err = took_events(controller, rt_watch_read(controller->watch, &controller->hints));

	if (rt_hints_any(&controller->hints))
		work_hints(controller);
	return err;
}

static void on_kernel(uint32_t events, void *arg)
{
	(void)events;
	(void)controller_read(arg);
}

void controller_pass_now(struct controller *controller)
{
	if (!apply_pending(&controller->apply) && !pace_waiting(&controller->pace))
		return;
	controller->hurried = true;
	pace_now(&controller->pace);
	controller->hurried = false;
}

int controller_catch_up(struct controller *controller)
{
	struct pollfd queue = {.fd = rt_watch_fd(controller->watch), .events = POLLIN};
	int err = 0;

	/* The bound is for a flood. What a pass makes the kernel do comes back as events. */
	for (int i = 0; i < BATCHES_MAX && !err; i++) {
		err = controller_read(controller);
		if (poll(&queue, 1, 0) <= 0) {
			controller_pass_now(controller);
			if (poll(&queue, 1, 0) <= 0)
				break;
		}
	}
	return err;
}

bool controller_is_settled(struct controller *controller)
{
	struct pollfd queue = {.fd = rt_watch_fd(controller->watch), .events = POLLIN};

	return !controller_read(controller) && !apply_pending(&controller->apply) && poll(&queue, 1, 0) <= 0;
}

void controller_read_anew(struct controller *controller)
{
	if (took_events(controller, rt_watch_reload(controller->watch, &controller->hints)))
		return;
	agenda_mark_all(&controller->apply.model->rings);
	work_hints(controller);
	controller_pass_now(controller);
	if (apply_services(&controller->apply))
		log_error("cannot store the services anew");
}

static int open_kernel(struct controller *controller)
{
	int err = rt_query_open(&controller->query);

	if (!err)
		err = rt_watch_open(&controller->watch, controller->options->rcvbuf);
	if (err) {
		log_error("cannot open a netlink socket: %s", strerror(-err));
		return err;
	}
	controller->apply.query = controller->managed.query = controller->query;
	controller->apply.ask = policy_ask;
	controller->rules_stale = true;
	controller->apply.clock = apply_clock;
	controller->apply.now_ms = controller_now_ms;
	controller->apply.natives = &controller->natives;
	controller->apply.state = controller->managed.state = rt_watch_state(controller->watch);
	return 0;
}

static int open_passes(struct controller *controller)
{
	int err;

	controller->pace = (struct pace){
		.work = work_off, .arg = controller, .now_ms = controller_now_ms, .gap_ms = COALESCE_MS};
	err = pace_open(&controller->pace, controller->loop);
	if (!err)
		err = timers_open(controller);
	return err ? err : audit_open(&controller->audit, controller);
}

static const char *listen_remedy(int err)
{
	switch (err) {
	case -EADDRINUSE:
		return "another shuntd runs there, give each its --socket";
	case -ENOENT:
	case -ENOTDIR:
		return "make the folder that it is to be in, or choose another --socket";
	case -ENOTSOCK:
		return "another file is there, which is left alone: choose another --socket";
	case -ENAMETOOLONG:
		return "a socket's path has 107 bytes at most: choose another --socket";
	default:
		return "choose another --socket";
	}
}

int controller_start(struct controller *controller, struct loop *loop,
		     const struct controller_options *options, struct config *config)
{
	struct loop_fd *handle;
	struct timespec now;
	int err;

	*controller = (struct controller){.loop = loop, .options = options};
	clock_gettime(CLOCK_MONOTONIC, &now);
	controller->started = now.tv_sec;
	tell_open(controller);
	/* First the socket, which tells whether another shuntd is at work here. Nobody is answered
	 * before the loop runs. */
	err = control_open(loop, options->socket, controller_verbs, controller, &controller->control);
	if (err)
		log_error("cannot listen on %s: %s; %s", options->socket, strerror(-err), listen_remedy(err));
	if (!err)
		err = open_kernel(controller);
	if (!err)
		err = open_passes(controller);
	if (!err)
		err = node_open(controller);
	if (!err)
		err = advertise_open(controller);
	if (!err)
		err = load_config(controller, config);
	if (!err)
		err = loop_fd_add(loop, rt_watch_fd(controller->watch), EPOLLIN, on_kernel, controller,
				  &handle);
	if (!err)
		tell_subscribers(controller);
	return err;
}

void controller_stop(struct controller *controller)
{
	control_close(controller->control);
	pace_close(&controller->pace);
	timers_close(controller);
	loop_timer_remove(controller->dispatch_timer);
	advertise_close(controller);
	audit_close(&controller->audit);
	node_close(controller);
	load_free(controller);
	rt_hints_free(&controller->hints);
	rt_watch_close(controller->watch);
	rt_query_close(controller->query);
}

void controller_down(struct controller *controller)
{
	node_down(controller);
	managed_release_all(&controller->managed);
	if (dataplane_unpin(controller->options->pin_dir))
		log_warn("cannot remove the pinned maps in %s: %s", controller->options->pin_dir,
			 strerror(errno));
	(void)rmdir(controller->options->pin_dir); /* stays where somebody else keeps something in it */
}
