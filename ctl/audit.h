/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The audit: does what is in the maps agree with the kernel, although no event said otherwise?
 *
 * It runs as often as the file's `audit` says. What it finds was missed, which is a defect: so it is
 * mended, counted, and told by name in the log and as an event. Used by controller.c and load.c.
 */
#ifndef SHUNT_AUDIT_H
#define SHUNT_AUDIT_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include <shunt/addr.h>

#include "verification.h"

struct loop_timer;

/* Followed up at most: where one of them was missed everything is mended. */
#define AUDIT_SUSPECTS 16

struct audit {
	struct controller *controller;
	struct loop_timer *timer;      /* from one audit to the next */
	struct loop_timer *step_timer; /* from one piece of an audit to the next */
	uint32_t interval;	       /* ms; 0: off */

	bool due;	      /* begins when nothing is to be worked off */
	uint64_t waits_since; /* ms: for that, or for the same before the next piece; 0: it does not */
	uint64_t waited;      /* ms: in all */
	bool looking;	      /* piece by piece, at all or at the suspects: */
	bool again;	      /* at the suspects */
	struct verification look;
	size_t service;			       /* which of all, or of `services`, is the next */
	struct addr addresses[AUDIT_SUSPECTS]; /* of backends that something differs about */
	size_t addresses_count;
	size_t services[AUDIT_SUSPECTS]; /* whose rings do */
	size_t services_count;

	json_t *suspects; /* what differed in the look before; NULL where no audit is under way */
	unsigned looks;	  /* at the suspects */

	uint64_t runs, found;
	double last; /* when the last one ended, in seconds since the epoch; 0: none yet */
};

/* 0 or -errno. */
int audit_open(struct audit *audit, struct controller *controller);
/* Takes on the interval, and gives up what is under way: the model is another one. */
void audit_follow(struct audit *audit, uint32_t interval);
void audit_close(struct audit *audit);

/* {"interval", "runs", "found", "last"} for `shunt status`; interval in seconds, last null before the
 * first. A new reference. */
json_t *audit_view(const struct audit *audit);

#endif
