/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How watch.c changes the observed state: like rt_state_put_* and _drop_*, but saying whether it
 * changed: 1, 0, or -ENOMEM with the state as it was. */
#ifndef NETLINK_STATE_H
#define NETLINK_STATE_H

#include <shunt/rt.h>

int state_put_link(struct rt_state *state, const struct rt_link *link);
int state_put_addr(struct rt_state *state, const struct rt_addr *addr);
int state_put_neigh(struct rt_state *state, const struct rt_neigh *neigh);
int state_put_fdb(struct rt_state *state, const struct rt_fdb *fdb);
bool state_drop_addr(struct rt_state *state, const struct rt_addr *addr);
bool state_drop_fdb(struct rt_state *state, const struct rt_fdb *fdb);
bool state_drop_neigh(struct rt_state *state, int ifindex, const struct addr *addr);

#endif
