/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What is to be sent to one socket and has not gone yet: a queue of bytes.
 */
#ifndef SHUNT_OUTBOX_H
#define SHUNT_OUTBOX_H

#include <stddef.h>
#include <sys/types.h>

/* Zeroed: empty. The owner frees it with outbox_free. */
struct outbox {
	char *bytes;
	size_t start, end; /* the bytes not yet sent are [start, end) */
	size_t size;
};

size_t outbox_length(const struct outbox *outbox);
/* Appends a copy of `length` bytes and a newline. 0, or -ENOMEM with the queue unchanged. */
int outbox_put_line(struct outbox *outbox, const char *text, size_t length);
/* Sends what the socket takes now, without blocking and without SIGPIPE. The number of bytes sent
 * (0 where it takes none), or -errno. */
ssize_t outbox_send(struct outbox *outbox, int fd);
void outbox_free(struct outbox *outbox);

#endif
