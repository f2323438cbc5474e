/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which link carries which program, in which mode and why; and keeping it so.
 *
 * interfaces_plan is pure. interfaces_sync makes the kernel agree with the plan and keeps the rows
 * of `show interfaces`, keyed by ifindex: a renamed link that no longer matches loses its program,
 * a new device with an old name gets its own. Call it when links or addresses change, when the
 * file or the programs change, and from the audit: a foreign program that held a bpf_link leaves
 * without an event.
 */
#ifndef SHUNT_INTERFACES_H
#define SHUNT_INTERFACES_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>

#include "config.h"

struct rt_state;

#define INTERFACE_REASON_SIZE 160

enum interface_program {
	INTERFACE_DIRECTOR = 0,
	INTERFACE_BACKEND, /* restores what came by l3 */
	INTERFACE_BOTH,	   /* the director program with restore */
};

enum interface_state {
	INTERFACE_ATTACHED = 0,
	INTERFACE_BLOCKED,  /* a program that is not ours is in the way */
	INTERFACE_FAILED,   /* the kernel refused, or the link is unfit */
	INTERFACE_DETACHED, /* told to `changed` only: the row is gone */
};

struct interface_plan {
	int ifindex;
	char name[IFNAMSIZ];
	enum interface_program program;
	enum attach_mode mode;		    /* ATTACH_AUTO: native, or generic where the device refuses it */
	bool unfit;			    /* never attached; the reason says why */
	char reason[INTERFACE_REASON_SIZE]; /* why `auto` came to be generic, or it is unfit; else empty */
};

struct interface_row {
	int ifindex;
	char name[IFNAMSIZ];
	enum interface_program program;
	enum attach_mode mode; /* ATTACH_NATIVE or ATTACH_GENERIC; ATTACH_AUTO where not attached */
	enum interface_state state;
	char reason[INTERFACE_REASON_SIZE]; /* empty where there is nothing to say */
};

/* As `show interfaces -j` has them: "director"|"backend"|"both"; "native"|"generic"|"";
 * "attached"|"blocked"|"failed"|"detached". */
const char *interface_program_name(enum interface_program program);
const char *interface_mode_name(enum attach_mode mode);
const char *interface_state_name(enum interface_state state);

/*
 * A director's program goes on every link that matches `interfaces:`. The backend's goes on the
 * links that carry an address of this node which is a backend of a service with forward `l3` or
 * `auto`; where that address is on a loopback, dummy or VRF, on the links that match `interfaces:`. A node
 * that is both has the director's program with restore on all of them. Never on a loopback. A link whose
 * packets carry no Ethernet header (tun, WireGuard, ipip) is planned as unfit.
 *
 * 0 and *out of *count, sorted by ifindex, the caller's (free); or -ENOMEM.
 */
int interfaces_plan(const struct config *config, const struct rt_state *state, enum role role,
		    struct interface_plan **out, size_t *count);

/* Descriptors of the loaded programs; borrowed during the call. Where the role is `both`, the director's is
 * the one with restore, and it is the only one looked at. */
struct interface_programs {
	int director;
	int backend;
};

struct interfaces;

/* Adopts what an earlier process left in PIN_DIR/links (attach_open, which logs). `changed` (may
 * be NULL) is called for each row that differs after a sync, and must not call back. */
int interfaces_open(const char *pin_dir, void (*changed)(const struct interface_row *row, void *arg),
		    void *arg, struct interfaces **out);

/* Plans and applies: attach, update (all links when the programs are new), detach. A link that
 * fails is logged once, shown in its row and tried again by the next sync; the others go on.
 * 0, or -errno with nothing done: -ENOMEM, or why the kernel's links could not be read (-EAGAIN: they kept
 * changing). */
int interfaces_sync(struct interfaces *interfaces, const struct config *config, const struct rt_state *state,
		    enum role role, const struct interface_programs *programs);

/* The rows, sorted by ifindex; valid until the next sync. */
size_t interfaces_rows(const struct interfaces *interfaces, const struct interface_row **rows);

/* Detaches every program, and removes every pin and their folder. */
void interfaces_down(struct interfaces *interfaces);

/* Frees; programs and pins stay as they are. NULL is fine. */
void interfaces_close(struct interfaces *interfaces);

#endif
