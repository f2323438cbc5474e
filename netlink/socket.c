/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Opening, asking and reading a NETLINK_ROUTE socket.
 *
 * query.c, nexthop.c and write.c ask on it, watch.c listens. Receiving goes straight to recvmsg, since
 * libnl's nl_recv turns ENOBUFS (an overrun) into "out of memory" and allocates per message. The
 * protocol is that of net/netlink/af_netlink.c.
 */
#include "socket.h"

#include <errno.h>
#include <netlink/errno.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

/* The kernel fills at most 32 KiB per datagram of a dump; one link with many VFs may be longer. */
#define BUFFER_SIZE    (128UL * 1024)
#define REQUEST_SIZE   512
#define ANSWER_SECONDS 5

static int from_nle(int nle)
{
	switch (nle < 0 ? -nle : nle) {
	case NLE_SUCCESS:
		return 0;
	case NLE_NOMEM:
		return -ENOMEM;
	case NLE_PERM:
		return -EPERM;
	case NLE_NOACCESS:
		return -EACCES;
	case NLE_EXIST:
		return -EADDRINUSE;
	case NLE_INVAL:
		return -EINVAL;
	case NLE_OPNOTSUPP:
	case NLE_AF_NOSUPPORT:
		return -EOPNOTSUPP;
	default:
		return -EIO;
	}
}

static void set_options(int fd)
{
	struct timeval patience = {.tv_sec = ANSWER_SECONDS};
	int one = 1;

	/* Each is only an improvement: checked and filtered dumps (5.0), errors without our request. */
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &one, sizeof(one));
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one));
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
}

static int rtsock_connect(struct rtsock *sock)
{
	int err;

	sock->nl = nl_socket_alloc();
	sock->request = nlmsg_alloc_size(REQUEST_SIZE);
	sock->buffer = malloc(BUFFER_SIZE);
	if (!sock->nl || !sock->request || !sock->buffer)
		return -ENOMEM;
	err = nl_connect(sock->nl, NETLINK_ROUTE);
	if (err)
		return from_nle(err);
	sock->fd = nl_socket_get_fd(sock->nl);
	sock->port = nl_socket_get_local_port(sock->nl);
	set_options(sock->fd);
	return 0;
}

int rtsock_open(struct rtsock *sock)
{
	struct rtsock fresh = {.fd = -1};
	int err;

	err = rtsock_connect(&fresh);
	if (err) {
		rtsock_close(&fresh);
		return err;
	}
	*sock = fresh;
	return 0;
}

void rtsock_close(struct rtsock *sock)
{
	free(sock->buffer);
	if (sock->request)
		nlmsg_free(sock->request);
	if (sock->nl)
		nl_socket_free(sock->nl);
}

int rtsock_receive_buffer(struct rtsock *sock, size_t bytes)
{
	int size = bytes > INT32_MAX / 2 ? INT32_MAX / 2 : (int)bytes;

	if (!setsockopt(sock->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		return 0;
	return setsockopt(sock->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)) ? -errno : 0;
}

int rtsock_join(struct rtsock *sock, int group)
{
	return from_nle(nl_socket_add_membership(sock->nl, group));
}

struct nl_msg *rtsock_begin(struct rtsock *sock, int type, int flags, const void *header, size_t size)
{
	struct nlmsghdr *message = nlmsg_hdr(sock->request);

	memset(message, 0, NLMSG_HDRLEN);
	message->nlmsg_len = NLMSG_HDRLEN;
	message->nlmsg_type = (uint16_t)type;
	message->nlmsg_flags = (uint16_t)(flags | NLM_F_REQUEST);
	message->nlmsg_pid = sock->port;
	memcpy(nlmsg_data(message), header, size);
	message->nlmsg_len += NLMSG_ALIGN(size);
	return sock->request;
}

static int rtsock_send(struct rtsock *sock)
{
	struct nlmsghdr *message = nlmsg_hdr(sock->request);

	message->nlmsg_seq = ++sock->sequence;
	/* A request is handled inside send(), so what it changed has happened when this returns. */
	while (send(sock->fd, message, message->nlmsg_len, 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return 0;
}

int rtsock_receive(struct rtsock *sock, int flags, size_t *size)
{
	struct sockaddr_nl from = {0};
	struct iovec vector = {.iov_base = sock->buffer, .iov_len = BUFFER_SIZE};
	struct msghdr message = {
		.msg_name = &from,
		.msg_namelen = sizeof(from),
		.msg_iov = &vector,
		.msg_iovlen = 1,
	};
	ssize_t got;

	do {
		got = recvmsg(sock->fd, &message, flags);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	if (message.msg_flags & MSG_TRUNC)
		return -EMSGSIZE;
	*size = from.nl_pid ? 0 : (size_t)got;
	return 0;
}

static bool is_answer(const struct rtsock *sock, const struct nlmsghdr *message)
{
	return message->nlmsg_seq == sock->sequence && message->nlmsg_pid == sock->port;
}

/* The error that NLMSG_ERROR, or NLMSG_DONE since 5.x, carries: 0 or -errno. */
static int carried_error(const struct nlmsghdr *message)
{
	int err;

	if (nlmsg_datalen(message) < (int)sizeof(err))
		return message->nlmsg_type == NLMSG_ERROR ? -EBADMSG : 0;
	memcpy(&err, nlmsg_data(message), sizeof(err));
	return err > 0 ? 0 : err;
}

/* Waits for a datagram that may hold answers. */
static int rtsock_wait(struct rtsock *sock, size_t *size)
{
	int err = rtsock_receive(sock, 0, size);

	return err == -EAGAIN ? -ETIMEDOUT : err;
}

int rtsock_ask(struct rtsock *sock, const struct nlmsghdr **answer)
{
	size_t size;
	int err;

	err = rtsock_send(sock);
	while (!err) {
		err = rtsock_wait(sock, &size);
		if (err)
			break;
		struct nlmsghdr *message = (struct nlmsghdr *)sock->buffer;
		int rest = (int)size;

		for (; nlmsg_ok(message, rest); message = nlmsg_next(message, &rest)) {
			if (!is_answer(sock, message))
				continue;
			err = message->nlmsg_type == NLMSG_ERROR ? carried_error(message) : 0;
			if (!err)
				*answer = message->nlmsg_type == NLMSG_ERROR ? NULL : message;
			return err;
		}
	}
	return err;
}

struct dump {
	int (*each)(const struct nlmsghdr *, void *);
	void *arg;
	int result;	  /* what `each` or the kernel said */
	bool interrupted; /* NLM_F_DUMP_INTR seen */
	bool done;
};

static void dump_message(struct dump *dump, const struct nlmsghdr *message)
{
	if (message->nlmsg_flags & NLM_F_DUMP_INTR)
		dump->interrupted = true;
	if (message->nlmsg_type == NLMSG_DONE || message->nlmsg_type == NLMSG_ERROR) {
		dump->done = true;
		if (!dump->result)
			dump->result = carried_error(message);
	} else if (!dump->result) {
		dump->result = dump->each(message, dump->arg);
	}
}

static int dump_once(struct rtsock *sock, int (*each)(const struct nlmsghdr *, void *), void *arg)
{
	struct dump dump = {.each = each, .arg = arg};
	size_t size;
	int err;

	err = rtsock_send(sock);
	while (!err && !dump.done) {
		err = rtsock_wait(sock, &size);
		if (err)
			break;
		struct nlmsghdr *message = (struct nlmsghdr *)sock->buffer;
		int rest = (int)size;

		for (; nlmsg_ok(message, rest) && !dump.done; message = nlmsg_next(message, &rest)) {
			if (is_answer(sock, message))
				dump_message(&dump, message);
		}
	}
	if (err)
		return err;
	if (dump.result)
		return dump.result;
	return dump.interrupted ? -EAGAIN : 0;
}

int rtsock_dump(struct rtsock *sock, int tries, int (*each)(const struct nlmsghdr *, void *), void *arg)
{
	int err = -EAGAIN;

	while (err == -EAGAIN && tries-- > 0)
		err = dump_once(sock, each, arg);
	return err;
}
