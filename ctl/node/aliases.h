/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The VIPs that this node serves, as host addresses on its loopback.
 *
 * Wanted is the VIP of every service that has one of the node's own addresses among its backends.
 * Ours are the addresses on the loopback with IFA_PROTO 240, and, on kernels without IFA_PROTO,
 * those that this process installed. What the operator put there himself is left alone. An alias dies
 * with its service, and by aliases_down.
 */
#ifndef SHUNT_ALIASES_H
#define SHUNT_ALIASES_H

#include <net/if.h>
#include <stddef.h>

#include <shunt/addr.h>

#include "config.h"

struct rt_query;
struct rt_state;

/* Marks what shunt writes to the kernel: IFA_PROTO of aliases. */
#define SHUNT_PROTOCOL 240

enum alias_state {
	ALIAS_INSTALLED = 0,
	ALIAS_MISSING, /* there is no loopback to put it on */
	ALIAS_FAILED,
	ALIAS_REMOVED, /* told to `changed` only: the row is gone */
};

#define ALIAS_REASON_SIZE 128

struct alias_row {
	struct addr vip;
	char dev[IFNAMSIZ]; /* of the loopback; empty where there is none */
	enum alias_state state;
	char reason[ALIAS_REASON_SIZE]; /* with the remedy, where it is not installed or not ours */
};

/* "installed", "missing", "failed", "removed". */
const char *alias_state_name(enum alias_state state);

struct aliases;

/* `changed` (may be NULL) is called for each row that differs after a sync; it must not call back. */
int aliases_new(void (*changed)(const struct alias_row *row, void *arg), void *arg, struct aliases **out);
void aliases_free(struct aliases *aliases); /* NULL is fine; leaves the addresses */

/* Adds what is missing and removes ours that nobody wants. Call it when addresses, links, the file or the
 * role change. One that fails is logged once, shown in its row and tried again by the next sync. 0, or
 * -ENOMEM with nothing done. */
int aliases_sync(struct aliases *aliases, const struct config *config, const struct rt_state *state,
		 enum role role, struct rt_query *query);

/* Sorted by address; valid until the next sync. */
size_t aliases_rows(const struct aliases *aliases, const struct alias_row **rows);

/* Removes all of ours: what fails is logged and keeps its row. 0, or -ENOMEM with nothing done. */
int aliases_down(struct aliases *aliases, const struct rt_state *state, struct rt_query *query);

#endif
