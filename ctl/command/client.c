/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Asking the daemon: the socket and the splitting of what comes into lines, one document each.
 *
 * A client lives for one verb of the command. What has been received and not yet handed out
 * stays in its buffer, which grows with the longest document.
 */
#include "client.h"
#include "unixsock.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CHUNK	    65536
#define RECEIVE_MAX (80U << 20) /* above the largest answer of control.c */

struct client {
	int fd;
	char *bytes;
	size_t start, end, size; /* received and not handed out: [start, end) */
	size_t searched;	 /* no newline in [start, searched) */
};

int client_connect(const char *path, struct client **out)
{
	struct client *client = calloc(1, sizeof(*client));
	int error;

	if (!client)
		return -ENOMEM;
	error = unixsock_connect(path, &client->fd);
	if (error) {
		free(client);
		return error;
	}
	*out = client;
	return 0;
}

void client_close(struct client *client)
{
	if (!client)
		return;
	close(client->fd);
	free(client->bytes);
	free(client);
}

int client_request(struct client *client, const json_t *request)
{
	char *text = json_dumps(request, JSON_COMPACT), *next = text;
	size_t left = text ? strlen(text) + 1 : 0;
	int error = text ? 0 : -ENOMEM;

	if (text)
		text[left - 1] = '\n'; /* in place of the NUL: the line is sent by its length */
	while (left && !error) {
		ssize_t sent = send(client->fd, next, left, MSG_NOSIGNAL);

		if (sent >= 0) {
			next += sent;
			left -= (size_t)sent;
		} else if (errno != EINTR) {
			error = -errno;
		}
	}
	free(text);
	return error;
}

/* Hands out the first complete line, or all that is left once the daemon has `closed`. 1, 0 where there is
 * none, or -errno. */
static int take_line(struct client *client, bool closed, json_t **out)
{
	char *from = client->bytes + client->searched;
	const char *newline = client->end > client->searched
				      ? memchr(from, '\n', client->end - client->searched)
				      : NULL;
	size_t length;
	json_t *document;

	client->searched = client->end;
	if (!newline && (!closed || client->start == client->end))
		return 0;
	length = newline ? (size_t)(newline - client->bytes) - client->start : client->end - client->start;
	document = json_loadb(client->bytes + client->start, length, 0, NULL);
	client->start += length + (newline ? 1 : 0);
	client->searched = client->start;
	if (!document)
		return -EPROTO;
	*out = document;
	return 1;
}

static int make_room(struct client *client)
{
	size_t length = client->end - client->start, size = client->size;
	char *bytes;

	if (client->size - client->end >= CHUNK)
		return 0;
	if (length)
		memmove(client->bytes, client->bytes + client->start, length);
	client->searched -= client->start;
	client->start = 0;
	client->end = length;
	if (length > RECEIVE_MAX)
		return -EMSGSIZE;
	while (size < 2 * length + CHUNK)
		size = size ? 2 * size : CHUNK;
	if (size == client->size)
		return 0;
	bytes = realloc(client->bytes, size);
	if (!bytes)
		return -ENOMEM;
	client->bytes = bytes;
	client->size = size;
	return 0;
}

/* Waits for bytes of the daemon. 0 or -errno. */
static int wait_for(const struct client *client, int timeout_ms, int output)
{
	struct pollfd fds[] = {{.fd = client->fd, .events = POLLIN}, {.fd = output}};
	int count = poll(fds, 2, timeout_ms);

	if (count < 0)
		return errno == EINTR ? 0 : -errno;
	if (count == 0)
		return -ETIMEDOUT;
	return fds[1].revents ? -EPIPE : 0;
}

int client_receive(struct client *client, int timeout_ms, int output, json_t **out)
{
	int result = take_line(client, false, out);

	while (!result) {
		ssize_t length;

		result = make_room(client);
		if (!result)
			result = wait_for(client, timeout_ms, output);
		if (result)
			return result;
		length = recv(client->fd, client->bytes + client->end, client->size - client->end,
			      MSG_DONTWAIT);
		if (length < 0 && errno != EINTR && errno != EAGAIN)
			return -errno;
		if (length == 0)
			return take_line(client, true, out);
		client->end += length > 0 ? (size_t)length : 0;
		result = take_line(client, false, out);
	}
	return result;
}
