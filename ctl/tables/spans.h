/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Targets by address, and the prefixes among them whose routes changed.
 *
 * A route that changes may be that of a hundred thousand targets. They lie side by side in the order of their
 * addresses, so what changed is a span of that order: found at once, and walked as fast as there is time for
 * it. A wide span is walked in the order of the file, in which the targets lie in memory, past those that are
 * not in it. As in an agenda (agenda.h), what is added behind the round that goes on waits for the next.
 *
 * A target that lies in several spans of a round is met in the last of them.
 *
 * Owned by the model, whose targets are all there when it is made; those that leave it before it dies leave
 * holes. Used by apply.c.
 */
#ifndef SHUNT_SPANS_H
#define SHUNT_SPANS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <shunt/addr.h>

#define SPANS_MAX 64

struct target;

struct spans_place {
	struct addr address;
	struct target *target; /* NULL: it has left */
	uint32_t number;       /* in the order in which they were given */
};

struct span {
	struct prefix prefix;
	size_t first, end; /* places */
	bool wide;
	size_t next;		       /* where the walk has come to: a place, or a number */
	size_t shared_from, shared_to; /* those in between may lie in an earlier span, too */
};

struct spans {
	struct spans_place *places; /* owned, ascending */
	uint32_t *by_number;	    /* owned: the place of each */
	size_t places_count;
	struct span all[SPANS_MAX]; /* in the order in which they were added */
	size_t count, now;	    /* the first `now` of them are the round that goes on */
};

/* Takes over `places`, from malloc(), in the order that wide spans are walked in. 0, or -ENOMEM and nothing
 * taken. */
int spans_init(struct spans *spans, struct spans_place *places, size_t count);
void spans_free(struct spans *spans);
void spans_leave(struct spans *spans, const struct addr *address);

/* False where there are too many: then all targets are to be marked, and these forgotten. */
bool spans_add(struct spans *spans, const struct prefix *prefix);
void spans_forget(struct spans *spans);
bool spans_any(const struct spans *spans);

void spans_begin(struct spans *spans);

struct spans_turn {
	struct target *target; /* NULL: nobody at this place */
	uint8_t length;	       /* of the prefix */
	bool several;	       /* it lies, or may lie, in several spans */
};
/* The next place of the round; false at its end. */
bool spans_take(struct spans *spans, struct spans_turn *out);

#endif
