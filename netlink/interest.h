/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Keeps route events that cannot matter out of a socket: the kernel runs interest.bpf.c on each.
 *
 * Used by watch.c and index6.c, for the sockets that they listen on. An object lives as long as its set of
 * addresses is the one that matters; what it has attached stays with the socket.
 */
#ifndef NETLINK_INTEREST_H
#define NETLINK_INTEREST_H

#include <stdbool.h>
#include <stddef.h>

#include <shunt/addr.h>

struct interest;

/* Loads the filter for `count` addresses, in any order, of both families; they are copied. Needs CAP_BPF
 * and CAP_NET_ADMIN, and nothing newer than Linux 5.15. 0 or -errno. */
int interest_new(const struct addr *addresses, size_t count, struct interest **out);
void interest_free(struct interest *interest); /* NULL is fine */
/* Is it for exactly these addresses? */
bool interest_is(const struct interest *interest, const struct addr *addresses, size_t count);

/* Is `addr` one of them? */
bool interest_has(const struct interest *interest, const struct addr *addr);

/* Attaches it to a socket in place of any filter there, in one step. 0 or -errno. */
int interest_attach(const struct interest *interest, int fd);
/* Lets everything through again. */
void interest_detach(int fd);

#endif
