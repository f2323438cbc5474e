/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One client of the control socket.
 *
 * A client is first `READING` (its one request comes in), then `WAITING` where a child works its answer out
 * and sends it, `ANSWERING` (what is queued goes out, then it is closed) or `STREAMING` (every published
 * event is queued; it stays until it leaves). Who makes no progress for CONTROL_IDLE_SECONDS is closed, a
 * stream and who waits for a child excepted: neither a client that says nothing nor one that does not read
 * can keep its place.
 *
 * A stream whose queue is full loses events until the queue has drained; then it is told how
 * many, before any later event.
 *
 * A client is made by control.c and dies in control_client_close only: when it has its answer, when its
 * socket fails, when it idles, or when the control is closed. Functions that may close it say so.
 */
#include "control_client.h"
#include "log.h"
#include "loop.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define REQUEST_MAX 65536
#define ANSWER_MAX  (64U << 20)
#define STREAM_MAX  (1U << 20)

void control_client_close(struct control_client *client)
{
	control_left(client->control, client);
	(void)outbox_send(&client->outbox, client->fd);
	loop_fd_remove(client->handle);
	aside_free(client->aside);
	(void)shutdown(client->fd, SHUT_RDWR); /* a child may have it open, too */
	close(client->fd);
	outbox_free(&client->outbox);
	free(client->request);
	free(client);
}

/* ---- sending ------------------------------------------------------------------------------- */

/* Queues the loss once there is room for it again. */
static void tell_loss(struct control_client *client)
{
	char line[64];
	int length;

	if (!client->lost || outbox_length(&client->outbox))
		return;
	length = snprintf(line, sizeof(line), "{\"event\":\"lost\",\"count\":%ju}", (uintmax_t)client->lost);
	if (!outbox_put_line(&client->outbox, line, (size_t)length))
		client->lost = 0;
}

/* Sends what goes now and arranges for the rest. May close the client. */
static void client_flush(struct control_client *client)
{
	ssize_t sent = outbox_send(&client->outbox, client->fd);

	if (sent >= 0 && client->lost && !outbox_length(&client->outbox)) {
		tell_loss(client);
		sent = outbox_send(&client->outbox, client->fd);
	}
	if (sent < 0 || (client->state == ANSWERING && !outbox_length(&client->outbox))) {
		control_client_close(client);
		return;
	}
	if (sent)
		client->idle = 0;
	(void)loop_fd_events(client->handle, outbox_length(&client->outbox) ? EPOLLOUT : 0);
}

/* Queues `document` as the one answer. Steals it; NULL stands for "no memory". 0 or -ENOMEM. */
static int queue_answer(struct control_client *client, json_t *document)
{
	static const char refusal[] = "{\"error\":\"the answer would be larger than 64 MiB\"}";
	char *text = document ? json_dumps(document, JSON_COMPACT) : NULL;
	size_t length = text ? strlen(text) : 0;
	int error = -ENOMEM;

	if (length > ANSWER_MAX)
		error = outbox_put_line(&client->outbox, refusal, sizeof(refusal) - 1);
	else if (text)
		error = outbox_put_line(&client->outbox, text, length);
	free(text);
	json_decref(document);
	return error;
}

/* Queues it, and sends what goes. Steals it. May close the client. */
static void client_answer(struct control_client *client, json_t *document)
{
	int error = queue_answer(client, document);

	client->state = ANSWERING;
	client->idle = 0;
	if (error) {
		log_error("control socket: cannot answer a request: %s", strerror(-error));
		control_client_close(client);
		return;
	}
	client_flush(client);
}

/* ---- an answer worked out aside -------------------------------------------------------------- */

/* In the child. Nobody is to take it for a daemon. */
static void run_errand(void *arg)
{
	struct control_client *client = arg;
	struct control *control = client->control;

	close(control->fd);
	if (queue_answer(client, client->verb->answer(client->asked, client, control->arg)))
		_exit(1);
	while (outbox_length(&client->outbox)) {
		struct pollfd room = {.fd = client->fd, .events = POLLOUT};

		if (poll(&room, 1, CONTROL_IDLE_SECONDS * 1000) <= 0 ||
		    outbox_send(&client->outbox, client->fd) < 0)
			_exit(1);
	}
}

/* Closes the client. */
static void errand_done(bool ok, void *arg)
{
	struct control_client *client = arg;

	if (!ok)
		log_warn("control socket: '%s' was not answered to its end", client->verb->name);
	control_client_close(client);
}

/* Has the answer worked out by a child, which gets all it needs with its copy. False where it cannot be. */
static bool send_errand(struct control_client *client, const struct control_verb *verb, const json_t *request)
{
	const struct aside_job job = {.work = run_errand, .done = errand_done, .arg = client};

	client->verb = verb;
	client->asked = request;
	if (aside_begin(client->control->loop, &job, &client->aside))
		return false;
	client->asked = NULL;
	client->state = WAITING;
	(void)loop_fd_events(client->handle, 0);
	return true;
}
/* ---- requests ------------------------------------------------------------------------------ */

/* NULL with *error where there is no such verb. */
static const struct control_verb *verb_of(const struct control *control, const json_t *request,
					  json_t **error)
{
	const char *command = json_string_value(json_object_get(request, "command"));

	for (const struct control_verb *verb = control->verbs; command && verb->name; verb++) {
		if (!strcmp(verb->name, command))
			return verb;
	}
	if (command)
		*error = control_error(
			"unknown command '%s'; the daemon and the command may be of different versions",
			command);
	else
		*error = control_error(
			"a request is an object with a \"command\", such as {\"command\":\"status\"}");
	return NULL;
}

/* May close the client. */
static void client_serve(struct control_client *client, const json_t *request)
{
	json_t *answer = NULL;
	const struct control_verb *verb = verb_of(client->control, request, &answer);

	if (verb && verb->aside && send_errand(client, verb, request))
		return;
	if (verb)
		answer = verb->answer(request, client, client->control->arg);
	if (client->state != STREAMING) {
		client_answer(client, answer);
		return;
	}
	json_decref(answer); /* a stream has no answer of its own */
	client_flush(client);
}

/* The request is complete: client->request[0..length). May close the client. */
static void client_request(struct control_client *client, size_t length)
{
	json_error_t where;
	json_t *request = json_loadb(client->request, length, JSON_REJECT_DUPLICATES, &where);

	free(client->request);
	client->request = NULL;
	if (request)
		client_serve(client, request);
	else
		client_answer(client,
			      control_error("malformed request: %s at byte %d", where.text, where.position));
	json_decref(request);
}

/* Takes what has come in, up to the end of the request. May close the client. */
static void client_read(struct control_client *client)
{
	char *free_from = client->request + client->request_length;
	ssize_t length = recv(client->fd, free_from, REQUEST_MAX - client->request_length,
			      MSG_DONTWAIT | MSG_NOSIGNAL);
	const char *newline;

	if (length < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (length < 0 || (length == 0 && client->request_length == 0)) {
		control_client_close(client);
		return;
	}
	newline = memchr(free_from, '\n', (size_t)length);
	client->request_length += (size_t)length;
	if (newline)
		client_request(client, (size_t)(newline - client->request));
	else if (length == 0) /* the client has shut down its sending side: that ends a request too */
		client_request(client, client->request_length);
	else if (client->request_length == REQUEST_MAX)
		client_answer(client, control_error("the request is larger than %d bytes", REQUEST_MAX));
}

static void client_ready(uint32_t events, void *arg)
{
	struct control_client *client = arg;

	if (client->state == READING)
		client_read(client);
	else if (events & (EPOLLHUP | EPOLLERR))
		control_client_close(client);
	else
		client_flush(client);
}

/* ---- coming, waiting, streaming ------------------------------------------------------------ */

int control_client_new(struct control *control, int fd)
{
	struct control_client *client = calloc(1, sizeof(*client));
	int error = -ENOMEM;

	if (!client)
		return error;
	*client = (struct control_client){.control = control, .fd = fd, .state = READING};
	client->request = malloc(REQUEST_MAX);
	if (client->request)
		error = loop_fd_add(control->loop, fd, EPOLLIN, client_ready, client, &client->handle);
	if (error) {
		free(client->request);
		free(client);
		return error;
	}
	control_joined(control, client);
	return 0;
}

/* May close the client. */
void control_client_tick(struct control_client *client)
{
	if (client->state == STREAMING || client->state == WAITING || ++client->idle < CONTROL_IDLE_SECONDS)
		return;
	if (client->state == READING)
		client_answer(client, control_error("no complete request within %d s", CONTROL_IDLE_SECONDS));
	else
		control_client_close(client);
}

void control_client_event(struct control_client *client, const char *text, size_t length)
{
	/* Once it has lost one it loses all until it is told, so that the order stays right. */
	if (!text || client->lost || outbox_length(&client->outbox) + length >= STREAM_MAX ||
	    outbox_put_line(&client->outbox, text, length))
		client->lost++;
	(void)loop_fd_events(client->handle, EPOLLOUT);
}
