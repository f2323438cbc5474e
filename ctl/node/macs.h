/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The MACs of this node, for the packet path (<shunt/macs.h>): of every link that is up.
 */
#ifndef SHUNT_MACS_SYNC_H
#define SHUNT_MACS_SYNC_H

#include <stdint.h>

#include <shunt/macs.h>
#include <shunt/rt.h>

/*
 * Makes `places` (SH_MACS_PLACES) hold the MACs of the links, while packets look at them: what is to stay
 * keeps its word, so that no moment is without it. *writes grows by the words stored.
 * 0 or -ENOMEM.
 */
int macs_sync(struct sh_macs *places, const struct rt_state *state, uint64_t *writes);
/* How many words are missing, or should not be there. 0 or -ENOMEM. */
int macs_compare(const struct sh_macs *places, const struct rt_state *state, uint32_t *differences);

#endif
