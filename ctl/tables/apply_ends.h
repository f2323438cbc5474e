/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Routes with a lifetime: IPv6 ones, from router advertisements or with `expires`.
 *
 * At its end the kernel skips such a route at once, and removes it, and tells of that, up to 30 s later. So
 * the end is noted with each target whose answer names one, and when it has come the kernel is asked again.
 *
 * It may move without a word: a router advertises another lifetime, also that of a route that is over but not
 * removed yet. So these targets are asked about now and then (apply_mark_ending), until some time after the
 * end.
 */
#ifndef SHUNT_APPLY_ENDS_H
#define SHUNT_APPLY_ENDS_H

#include <stdint.h>

struct apply;
struct rt_route;
struct target;

/* When the answer's lifetime ends, ms; 0: never. What it says of that is cleared, as it tells nothing of the
 * way: equal ways are equal answers. */
uint64_t ends_take(const struct apply *apply, struct rt_route *answer);
/* The target's answer ends then. */
void ends_note(struct apply *apply, struct target *target, uint64_t end);

#endif
