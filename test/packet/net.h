/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A network namespace of the runner's own, so that ifindexes, routes and neighbours are real. It
 * dies with the process. Verbs of the case file:
 *
 *	ip ARGUMENTS...			collected, and run by one `ip -batch` at the next other verb
 *	sysctl PATH VALUE		below /proc/sys
 *	try TAG ip ARGUMENTS...		may fail: cases that need TAG are then skipped
 */
#ifndef TEST_PACKET_NET_H
#define TEST_PACKET_NET_H

#include <stdbool.h>

#include "lines.h"

struct net;

/* Leaves the namespace that the process was started in. Ends the runner on failure. */
struct net *net_new(void);
void net_free(struct net *net);
bool net_verb(struct net *net, const struct line *line);
/* Runs what was collected. */
void net_settle(struct net *net, const struct line *line);
bool net_has(const struct net *net, const char *tag);

#endif
