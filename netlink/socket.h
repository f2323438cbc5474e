/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A NETLINK_ROUTE socket with one request buffer and one receive buffer that are reused, so that
 * asking allocates nothing. rt_query is one that asks; rt_watch is one that listens.
 */
#ifndef NETLINK_SOCKET_H
#define NETLINK_SOCKET_H

#include <linux/netlink.h>
#include <stddef.h>
#include <stdint.h>

struct nl_sock;
struct nl_msg;

struct rtsock {
	struct nl_sock *nl;
	struct nl_msg *request;
	char *buffer;
	int fd;
	uint32_t port, sequence;
};

/* All return 0 or -errno. A socket that failed to open needs no close. */
int rtsock_open(struct rtsock *sock);
void rtsock_close(struct rtsock *sock);

/* Receive buffer in bytes: SO_RCVBUFFORCE, or without CAP_NET_ADMIN as much as the system allows. */
int rtsock_receive_buffer(struct rtsock *sock, size_t bytes);
/* Joins one multicast group by its number (RTNLGRP_*), also above 31. */
int rtsock_join(struct rtsock *sock, int group);

/*
 * Starts a request: its type, NLM_F_* (NLM_F_REQUEST is implied), and its fixed header. Add
 * attributes to the result with nla_put. It belongs to the socket and stays valid until the next
 * rtsock_begin.
 */
struct nl_msg *rtsock_begin(struct rtsock *sock, int type, int flags, const void *header, size_t size);

/*
 * Sends the request and waits for its one answer: the kernel's -errno; or 0 and *answer, NULL for
 * an acknowledgement (NLM_F_ACK), else a message that is valid until the socket is used again.
 * -ETIMEDOUT where the kernel says nothing for some seconds.
 */
int rtsock_ask(struct rtsock *sock, const struct nlmsghdr **answer);

/* How often a dump that a change interrupted is begun again, where nothing says otherwise. */
#define RTSOCK_DUMP_TRIES 8

/*
 * Sends the request (with NLM_F_DUMP) and hands each message of the answer to `each`; non-zero
 * from it is returned, after the rest of the dump has been read and discarded. Where the kernel
 * marks the dump as interrupted by a change it begins again, up to `tries` times (so `each` may
 * see a record more than once), then -EAGAIN.
 */
int rtsock_dump(struct rtsock *sock, int tries, int (*each)(const struct nlmsghdr *, void *), void *arg);

/*
 * Reads one datagram of the kernel's into the buffer; `flags` for recvmsg (MSG_DONTWAIT). *size
 * is 0 for one that another process sent, which is to be ignored. -ENOBUFS after an overrun,
 * -EMSGSIZE where it did not fit, -EAGAIN where there is none.
 */
int rtsock_receive(struct rtsock *sock, int flags, size_t *size);

#endif
