/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The queue of one control client (control.c). It knows no bound: who fills it decides what is
 * too much. Memory grows by doubling and is given back as soon as the queue is empty, because an
 * answer may take megabytes and a stream that follows takes none.
 */
#include "outbox.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define SMALLEST 4096

size_t outbox_length(const struct outbox *outbox)
{
	return outbox->end - outbox->start;
}

/* Makes room for `more` bytes behind `end`. */
static int reserve(struct outbox *outbox, size_t more)
{
	size_t length = outbox_length(outbox), size = outbox->size ? outbox->size : SMALLEST;
	char *bytes;

	if (outbox->size - outbox->end >= more)
		return 0;
	/* Half of it free, so that a slow reader's queue is not copied for every line. */
	while (size < 2 * length + more)
		size *= 2;
	bytes = malloc(size);
	if (!bytes)
		return -ENOMEM;
	if (length)
		memcpy(bytes, outbox->bytes + outbox->start, length);
	free(outbox->bytes);
	*outbox = (struct outbox){.bytes = bytes, .end = length, .size = size};
	return 0;
}

int outbox_put_line(struct outbox *outbox, const char *text, size_t length)
{
	int error = reserve(outbox, length + 1);

	if (error)
		return error;
	memcpy(outbox->bytes + outbox->end, text, length);
	outbox->bytes[outbox->end + length] = '\n';
	outbox->end += length + 1;
	return 0;
}

ssize_t outbox_send(struct outbox *outbox, int fd)
{
	ssize_t total = 0;

	while (outbox_length(outbox)) {
		ssize_t sent = send(fd, outbox->bytes + outbox->start, outbox_length(outbox),
				    MSG_NOSIGNAL | MSG_DONTWAIT);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0 && errno == EAGAIN)
			return total;
		if (sent < 0)
			return -errno;
		outbox->start += (size_t)sent;
		total += sent;
	}
	outbox_free(outbox);
	return total;
}

void outbox_free(struct outbox *outbox)
{
	free(outbox->bytes);
	*outbox = (struct outbox){0};
}
