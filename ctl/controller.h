/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The controller: desired (file) x observed (kernel) -> tables -> packets.
 *
 *	controller.c   the kernel's events and the passes that follow from them
 *	timers.c       what is done by the clock: the end of transitions, probes
 *	load.c         a config into tables: at start, on reload, when maps must grow
 *	advertise.c    which VIPs are advertised, drains, and a stop that takes leave first
 *	audit.c        everything compared with the kernel now and then, by the eyes of verify.c
 *	interest.c     which routes' events can matter
 *	tell.c         changes -> log and event stream; dispatches from the ring buffer
 *	verbs.c        what the control socket answers, from view*.c and verify.c
 *
 *	file/          the file -> struct config, the desired state
 *	resolve/       pure: the FIB's answer -> a backend's way; rings; differences
 *	tables/        records by identity, stored into the maps in the right order
 *	explain/       `shunt explain`: a packet, and what the program's twin does with it
 *	node/          what else is kept on this node: programs on interfaces and where packets leave,
 *	               aliases, sysctls, restore maps, managed neighbours
 *	io/            event loop, control socket, log
 *	command/       the command `shunt`, the other end of the socket
 *
 * One struct, owned by main, and one thread: so nothing holds the loop for long. What concerns many backends
 * goes in parts, and long answers come from a copy of all this (io/aside.h).
 */
#ifndef SHUNT_CONTROLLER_H
#define SHUNT_CONTROLLER_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include <shunt/rt.h>

#include "apply.h"
#include "audit.h"
#include "control.h"
#include "egress.h"
#include "formers.h"
#include "managed.h"
#include "pace.h"
#include "role.h"

struct adverts;
struct aliases;
struct config;
struct drains;
struct interfaces;
struct loop;
struct loop_timer;
struct ring_buffer;
struct sysctls;

struct controller_options {
	const char *file;
	const char *socket;
	const char *pin_dir;
	size_t rcvbuf; /* bytes for the kernel's events; 0: as rt_watch_open */
};

/* What is to follow when the adverts have been withdrawn. */
enum ending { ENDING_NOT = 0, ENDING_STOP, ENDING_DOWN, ENDING_OVER };

#define GROWTH_MAX 6

struct controller {
	const struct controller_options *options;
	struct loop *loop;
	struct control *control;
	struct rt_watch *watch;
	struct rt_query *query;
	struct rt_hints hints; /* not yet worked off */
	bool rules_stale;      /* other than those read, or forwarding is */

	struct apply apply; /* with model, tables and dataplane */
	struct managed managed;
	struct audit audit;
	struct role_view role;
	enum role loaded;    /* that programs and tables were built for */
	unsigned growth;     /* paths and next hops were too few: so many times doubled, up to GROWTH_MAX */
	unsigned reloads;    /* that were taken */
	unsigned generation; /* of maps and programs */

	struct natives natives; /* interfaces that receive natively, for apply */
	struct formers formers; /* what a backend goes on restoring */
	struct interfaces *interfaces;
	struct aliases *aliases;
	struct sysctls *sysctls;
	struct adverts *adverts;
	struct drains *drains;
	enum ending ending;

	struct ring_buffer *dispatches;
	struct loop_timer *reap_timer, *settle_timer, *end_timer, *probe_timer, *dispatch_timer,
		*advert_timer, *kernel_timer, *former_timer;
	struct pace pace;     /* of passes */
	uint64_t addresses;   /* a digest of this node's that there is room for */
	size_t probe;	      /* which is the next: timers.c */
	bool hurried;	      /* a pass is to be done whole */
	bool unfiltered;      /* all route events come */
	bool blind;	      /* events were lost, and reading all anew failed: kernel_timer tries again */
	unsigned told_states; /* state changes told since the last summary */
	time_t started;	      /* s, CLOCK_MONOTONIC */
};

/* Sets up everything on `loop`, and takes over `config` on success. 0, or -errno, logged;
 * controller_stop also after a failure. */
int controller_start(struct controller *controller, struct loop *loop,
		     const struct controller_options *options, struct config *config);
/* Lets go of everything. Programs, maps, aliases and managed neighbours stay, so that packets
 * flow until the next start, unless controller_down came before. */
void controller_stop(struct controller *controller);
/*
 * Takes leave of the network, then ends the loop: adverts drain (metric raised, `wait`), are
 * withdrawn, and with ENDING_DOWN all that shunt has put on this node is removed. At once
 * where nothing is advertised, and by a second call.
 */
void controller_leave(struct controller *controller, enum ending ending);
/* Removes all that shunt has put on this node. */
void controller_down(struct controller *controller);

/* ---- between the files named above ---- */

uint64_t controller_now_ms(void);
/* Reads the rules where they changed. 0 or -errno. */
int controller_follow_rules(struct controller *controller);
/* Works off what is marked, at once or, within a few ms of the last time, soon. */
void controller_pass_soon(struct controller *controller);
/* Works it off now and whole, so that it is done when this returns. */
void controller_pass_now(struct controller *controller);
/* The same from within a pass or a load: when the loop comes round. */
void controller_pass_next(struct controller *controller);
/* Reads the kernel's events, and works them off. 0, or -errno, told, and controller_read_later. */
int controller_read(struct controller *controller);
/* Once more, in a second. */
void controller_read_later(struct controller *controller);
int timers_open(struct controller *controller);
void timers_close(struct controller *controller);
/* Frees what has been given up, when it has rested. After whatever may have given up something. */
void controller_reap_soon(struct controller *controller);
/* Looks after transitions every second, as long as there are any. After whatever may begin one. */
void controller_settle_soon(struct controller *controller);
/* Wakes up when the lifetime of a route ends that somebody goes by. After whatever may have told one. */
void controller_await_end(struct controller *controller);
/* Works off every event that is queued, and all that follows from it, now. 0, or -errno where the
 * kernel cannot be followed at present: it is told and tried again elsewhere. */
int controller_catch_up(struct controller *controller);
/* Works off the events that are queued, as they come otherwise. True where nothing is left to be done then.
 */
bool controller_is_settled(struct controller *controller);
/* Reads all anew, asks about everything and stores what differs, as after an overrun. */
void controller_read_anew(struct controller *controller);

/* Builds the model of `config` (taken over on success) and switches to it; where the maps are too
 * small or the program must change, with new ones. On failure the former stays. 0 or -errno, logged. */
int load_config(struct controller *controller, struct config *config);
/* The same for the config in use: the maps must grow, or the role changed. */
int load_again(struct controller *controller);
/* Are the maps large enough for the addresses that this node has now? */
bool load_fits(const struct controller *controller);
/* Reads the file and loads it. 0, or -errno with what is to be told in `text`. */
int load_file(struct controller *controller, char *text, size_t size);
void load_free(struct controller *controller);

/* Limits route events to those that may concern the addresses in `config`. */
void interest_follow(struct controller *controller, const struct config *config);

int node_open(struct controller *controller);
/* Brings programs, restore maps, aliases and sysctls in step with config and links. */
void node_sync(struct controller *controller);
/* A file was loaded: what it no longer has restored goes on for a while. Before node_sync. */
void node_keep_formers(struct controller *controller);
/* Interfaces that packets may be redirected to. */
void node_sync_egress(struct controller *controller);
/* Takes over from the interfaces which of them receive natively; true where they changed. */
bool node_take_natives(struct controller *controller);
/* One more, at once: a next hop is about to lead there. An apply_ops.exit_opens. */
void node_open_exit(uint32_t ifindex, void *arg);
/* The same found by a walk over all next hops, for who verifies. 0 or -ENOMEM. */
int node_want_egress(const struct controller *controller, struct dataplane_entries *out);
void node_down(struct controller *controller);
void node_close(struct controller *controller);

int advertise_open(struct controller *controller);
/* Decides anew: after each pass and whatever else may have changed what is attached or wanted. */
void advertise_sync(struct controller *controller);
/* The same, and looks whether the routes are still there. */
void advertise_audit(struct controller *controller);
/* Routes to hosts have come and gone: what somebody else did to adverts is mended. */
void advertise_heard(struct controller *controller, const struct rt_hints *hints);
/* Before `next` is loaded: withdraws what it does not advertise. */
void advertise_before(struct controller *controller, const struct config *next);
void advertise_close(struct controller *controller);
/* Puts the operator's drains on a model that is new. */
void drain_members(struct controller *controller);
/* Warns of backends that are drained in a service that the file has not, or not with them. */
void drain_tell_lost(const struct controller *controller);

extern const struct apply_ops tell_ops;
/* Sums up the state changes that were too many to log one by one. After each pass. */
void tell_states(struct controller *controller);
void tell_interfaces(struct controller *controller);
void tell_open(struct controller *controller);
/* Reads dispatches from the dataplane in use: again after it changed. 0 always: a failure is logged,
 * and then there are no dispatch events. */
int tell_dispatches_open(struct controller *controller);
/* Dispatches are reported while somebody listens. Once the control socket is open. */
void tell_subscribers(struct controller *controller);
void tell_overrun(struct controller *controller);
void tell_reload(struct controller *controller);
/* Connections that do not go on with the file that was loaded: see succession.h. */
void tell_succession(const struct controller *controller);
int tell_adverts(struct controller *controller);

extern const struct control_verb controller_verbs[];

#endif
