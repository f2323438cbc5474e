/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Keeps the programs on the links as planned. See interfaces.h.
 *
 * Each sync: plan, detach what is held and no longer planned (first, so that a bond can take the place of
 * its ports), set every planned link, then tell what differs from the rows before. The kernel is asked
 * about each link every time, for it sends no event when a bpf_link comes, changes or goes.
 */
#include "interfaces.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <shunt/rt.h>

#include "attach.h"
#include "diff.h"
#include "log.h"

struct interfaces {
	struct attach *attach;
	struct interface_row *rows;
	size_t count;
	void (*changed)(const struct interface_row *row, void *arg);
	void *arg;
};

/* ---- telling ------------------------------------------------------------------------------- */

static void log_row(const struct interface_row *row)
{
	const char *program = interface_program_name(row->program);
	const char *colon = row->reason[0] ? ": " : "";

	if (row->state == INTERFACE_ATTACHED)
		log_note("%s: %s program attached, %s mode%s%s", row->name, program,
			 interface_mode_name(row->mode), colon, row->reason);
	else if (row->state == INTERFACE_DETACHED)
		log_note("%s: %s program detached", row->name, program);
	else
		log_line(row->state == INTERFACE_BLOCKED ? LOG_WARN : LOG_ERROR, "%s: %s program %s%s%s",
			 row->name, program, interface_state_name(row->state), colon, row->reason);
}

static int tell(const void *want, void *arg)
{
	struct interfaces *interfaces = arg;
	const struct interface_row *row = want;

	log_row(row);
	if (interfaces->changed)
		interfaces->changed(row, interfaces->arg);
	return 0;
}

static int tell_changed(const void *want, const void *have, void *arg)
{
	(void)have;
	return tell(want, arg);
}

static int tell_gone(const void *have, void *arg)
{
	struct interface_row gone = *(const struct interface_row *)have;

	gone.state = INTERFACE_DETACHED;
	gone.mode = ATTACH_AUTO;
	gone.reason[0] = '\0';
	return tell(&gone, arg);
}

static int compare_rows(const void *a, const void *b)
{
	const struct interface_row *left = a;
	const struct interface_row *right = b;

	return (left->ifindex > right->ifindex) - (left->ifindex < right->ifindex);
}

static bool same_rows(const void *want, const void *have)
{
	const struct interface_row *a = want;
	const struct interface_row *b = have;

	return strcmp(a->name, b->name) == 0 && a->program == b->program && a->mode == b->mode &&
	       a->state == b->state && strcmp(a->reason, b->reason) == 0;
}

/* Takes over `rows`. */
static void replace_rows(struct interfaces *interfaces, struct interface_row *rows, size_t count)
{
	static const struct diff_ops ops = {
		.compare = compare_rows,
		.same = same_rows,
		.add = tell,
		.change = tell_changed,
		.remove = tell_gone,
	};

	diff(rows, count, interfaces->rows, interfaces->count, sizeof(*rows), &ops, interfaces);
	free(interfaces->rows);
	interfaces->rows = rows;
	interfaces->count = count;
}

/* ---- applying ------------------------------------------------------------------------------ */

static void blocked(const struct attach *attach, int program_fd, struct interface_row *row)
{
	const struct rt_link *seen = attach_seen(attach, row->ifindex);

	row->state = INTERFACE_BLOCKED;
	if (!seen)
		snprintf(row->reason, sizeof(row->reason),
			 "a device above or below %s carries an XDP program; remove one of the two",
			 row->name);
	else if (attach_blocked_by_link(attach, row->ifindex, program_fd))
		snprintf(row->reason, sizeof(row->reason),
			 "another XDP program (id %u) is attached by a bpf_link: `bpftool -f link` shows "
			 "whose",
			 seen->xdp_program);
	else
		snprintf(row->reason, sizeof(row->reason),
			 "another XDP program (id %u) is attached; remove it with: ip link set dev %s %s off",
			 seen->xdp_program, row->name,
			 seen->xdp_mode == RT_XDP_GENERIC ? "xdpgeneric" : "xdp");
}

static void failed(struct interface_row *row, int rc, enum attach_mode wanted)
{
	if (wanted == ATTACH_NATIVE)
		snprintf(row->reason, sizeof(row->reason),
			 "native mode was refused: %s; use `mode: auto` or `mode: generic`", strerror(-rc));
	else
		snprintf(row->reason, sizeof(row->reason), "cannot attach: %s", strerror(-rc));
}

/* False where the link is gone, which its event is about to tell: no row then. */
static bool apply(struct attach *attach, const struct interface_plan *plan, int program_fd,
		  struct interface_row *row)
{
	struct attach_result how;
	int rc;

	*row = (struct interface_row){
		.ifindex = plan->ifindex, .program = plan->program, .state = INTERFACE_FAILED};
	memcpy(row->name, plan->name, sizeof(row->name));
	memcpy(row->reason, plan->reason, sizeof(row->reason));
	if (plan->unfit)
		return true;
	rc = attach_set(attach, plan->ifindex, program_fd, plan->mode, &how);
	if (rc == -ENODEV)
		return false;
	if (rc == -EBUSY || rc == -EEXIST) {
		blocked(attach, program_fd, row);
		return true;
	}
	if (rc) {
		failed(row, rc, plan->mode);
		return true;
	}
	row->state = INTERFACE_ATTACHED;
	row->mode = how.native ? ATTACH_NATIVE : ATTACH_GENERIC;
	if (how.refused && plan->mode == ATTACH_AUTO)
		snprintf(row->reason, sizeof(row->reason), "native mode was refused: %s",
			 strerror(how.refused));
	return true;
}

static int compare_ifindexes(const void *a, const void *b)
{
	int left = *(const int *)a;
	int right = *(const int *)b;

	return (left > right) - (left < right);
}

static int detach(const void *have, void *arg)
{
	struct interfaces *interfaces = arg;
	int ifindex = *(const int *)have;
	int rc = attach_remove(interfaces->attach, ifindex);

	if (rc)
		log_error("cannot remove the pin of the XDP program on ifindex %d: %s", ifindex,
			  strerror(-rc));
	return 0;
}

/* `wanted` has room for the held ones behind its own. */
static void detach_others(struct interfaces *interfaces, int *wanted, size_t count, size_t held)
{
	static const struct diff_ops ops = {.compare = compare_ifindexes, .remove = detach};

	attach_held(interfaces->attach, wanted + count, held);
	diff(wanted, count, wanted + count, held, sizeof(*wanted), &ops, interfaces);
}

static int apply_all(struct interfaces *interfaces, const struct interface_plan *plans, size_t count,
		     const struct interface_programs *programs)
{
	size_t held = attach_held(interfaces->attach, NULL, 0);
	size_t made = 0, fit = 0;
	struct interface_row *rows = calloc(count + 1, sizeof(*rows));
	int *wanted = calloc(count + held + 1, sizeof(*wanted));

	if (!rows || !wanted) {
		free(rows);
		free(wanted);
		return -ENOMEM;
	}
	for (size_t i = 0; i < count; i++)
		if (!plans[i].unfit)
			wanted[fit++] = plans[i].ifindex;
	detach_others(interfaces, wanted, fit, held);
	free(wanted);
	for (size_t i = 0; i < count; i++)
		made += apply(interfaces->attach, &plans[i],
			      plans[i].program == INTERFACE_BACKEND ? programs->backend : programs->director,
			      &rows[made]);
	replace_rows(interfaces, rows, made);
	return 0;
}

/* ---- interface ----------------------------------------------------------------------------- */

int interfaces_open(const char *pin_dir, void (*changed)(const struct interface_row *row, void *arg),
		    void *arg, struct interfaces **out)
{
	struct interfaces *interfaces = calloc(1, sizeof(*interfaces));
	int rc = interfaces ? attach_open(pin_dir, &interfaces->attach) : -ENOMEM;

	if (rc) {
		free(interfaces);
		return rc;
	}
	interfaces->changed = changed;
	interfaces->arg = arg;
	*out = interfaces;
	return 0;
}

int interfaces_sync(struct interfaces *interfaces, const struct config *config, const struct rt_state *state,
		    enum role role, const struct interface_programs *programs)
{
	struct interface_plan *plans;
	size_t count;
	int rc = attach_observe(interfaces->attach);

	if (!rc)
		rc = interfaces_plan(config, state, role, &plans, &count);
	if (rc)
		return rc;
	rc = apply_all(interfaces, plans, count, programs);
	free(plans);
	return rc;
}

size_t interfaces_rows(const struct interfaces *interfaces, const struct interface_row **rows)
{
	*rows = interfaces->rows;
	return interfaces->count;
}

void interfaces_down(struct interfaces *interfaces)
{
	int ifindex;

	while (attach_held(interfaces->attach, &ifindex, 1))
		detach(&ifindex, interfaces);
	attach_forget(interfaces->attach);
	replace_rows(interfaces, NULL, 0);
}

void interfaces_close(struct interfaces *interfaces)
{
	if (!interfaces)
		return;
	attach_close(interfaces->attach);
	free(interfaces->rows);
	free(interfaces);
}
