/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Clients of the control socket.
 *
 * A client is first `READING` (its one request comes in), then `ANSWERING` (what is queued goes
 * out, then it is closed) or `STREAMING` (every published event is queued; it stays until it
 * leaves). One timer ticks each second while anybody is not streaming, and closes who has made
 * no progress for IDLE_SECONDS: neither a client that says nothing nor one that does not read
 * can keep its place.
 *
 * A stream whose queue is full loses events until the queue has drained; then it is told how
 * many, before any later event. With CLIENTS_MAX clients, or when accept(2) finds no descriptor,
 * the listening socket is not looked at until a client has left or a second has gone: others
 * wait in its backlog, and the loop does not spin.
 *
 * A client dies in client_close only: when it has its answer, when its socket fails, or when
 * the control is closed. Functions that may close it say so.
 */
#include "control.h"
#include "log.h"
#include "loop.h"
#include "outbox.h"
#include "unixsock.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#define CLIENTS_MAX  64
#define REQUEST_MAX  65536
#define ANSWER_MAX   (64U << 20)
#define STREAM_MAX   (1U << 20)
#define IDLE_SECONDS 10

enum client_state { READING, ANSWERING, STREAMING };

struct control_client {
	LIST_ENTRY(control_client) link;
	struct control *control;
	int fd;
	struct loop_fd *handle;
	enum client_state state;
	unsigned idle; /* seconds without progress */
	char *request; /* REQUEST_MAX bytes */
	size_t request_length;
	struct outbox outbox;
	uint64_t lost; /* events not queued since the stream was last told */
};

LIST_HEAD(control_clients, control_client);

struct control {
	char *path;
	int fd;
	struct loop *loop;
	struct loop_fd *handle;
	struct loop_timer *tick;
	bool paused;  /* not accepting */
	bool starved; /* accept failed, and that has been logged */
	const struct control_verb *verbs;
	void *arg;
	struct control_clients clients;
	size_t clients_count, subscribers;
	void (*changed)(bool any, void *arg);
	void *changed_arg;
};

/* ---- accepting or not ---------------------------------------------------------------------- */

static void tick_on(struct control *control)
{
	if (!loop_timer_armed(control->tick))
		(void)loop_timer_set(control->tick, 1000, 1000);
}

static void accepting(struct control *control, bool yes)
{
	if (control->paused != yes)
		return;
	control->paused = !yes;
	(void)loop_fd_events(control->handle, yes ? EPOLLIN : 0);
	if (!yes)
		tick_on(control);
}

static void client_close(struct control_client *client)
{
	struct control *control = client->control;
	bool last = client->state == STREAMING && --control->subscribers == 0;

	LIST_REMOVE(client, link);
	control->clients_count--;
	loop_fd_remove(client->handle);
	close(client->fd);
	outbox_free(&client->outbox);
	free(client->request);
	free(client);
	accepting(control, true);
	if (last && control->changed)
		control->changed(false, control->changed_arg);
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
		client_close(client);
		return;
	}
	if (sent)
		client->idle = 0;
	(void)loop_fd_events(client->handle, outbox_length(&client->outbox) ? EPOLLOUT : 0);
}

/* Queues `document` as the one answer. Steals it; NULL stands for "no memory". May close the client. */
static void client_answer(struct control_client *client, json_t *document)
{
	char *text = document ? json_dumps(document, JSON_COMPACT) : NULL;
	size_t length = text ? strlen(text) : 0;
	int error = text ? 0 : -ENOMEM;

	client->state = ANSWERING;
	client->idle = 0;
	if (length > ANSWER_MAX) {
		static const char refusal[] = "{\"error\":\"the answer would be larger than 64 MiB\"}";

		error = outbox_put_line(&client->outbox, refusal, sizeof(refusal) - 1);
	} else if (text) {
		error = outbox_put_line(&client->outbox, text, length);
	}
	free(text);
	json_decref(document);
	if (error) {
		log_error("control socket: cannot answer a request: %s", strerror(-error));
		client_close(client);
		return;
	}
	client_flush(client);
}

/* ---- requests ------------------------------------------------------------------------------ */

/* The answer to a parsed request, or NULL where the client is a stream now. */
static json_t *answer_of(struct control_client *client, const json_t *request)
{
	const struct control *control = client->control;
	const char *command = json_string_value(json_object_get(request, "command"));

	if (!command)
		return control_error(
			"a request is an object with a \"command\", such as {\"command\":\"status\"}");
	for (const struct control_verb *verb = control->verbs; verb->name; verb++) {
		if (!strcmp(verb->name, command))
			return verb->answer(request, client, control->arg);
	}
	return control_error("unknown command '%s'; the daemon and the command may be of different versions",
			     command);
}

/* The request is complete: client->request[0..length). May close the client. */
static void client_request(struct control_client *client, size_t length)
{
	json_error_t where;
	json_t *request = json_loadb(client->request, length, JSON_REJECT_DUPLICATES, &where);
	json_t *answer;

	if (request)
		answer = answer_of(client, request);
	else
		answer = control_error("malformed request: %s at byte %d", where.text, where.position);
	json_decref(request);
	free(client->request);
	client->request = NULL;
	if (client->state != STREAMING) {
		client_answer(client, answer);
		return;
	}
	json_decref(answer); /* a stream has no answer of its own */
	client_flush(client);
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
		client_close(client);
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
		client_close(client);
	else
		client_flush(client);
}

/* ---- coming and going ---------------------------------------------------------------------- */

/* Makes a client of a connected socket, which is the client's on success only. */
static int client_new(struct control *control, int fd)
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
	LIST_INSERT_HEAD(&control->clients, client, link);
	control->clients_count++;
	tick_on(control);
	return 0;
}

static void accept_failed(struct control *control, int error)
{
	if (!control->starved)
		log_warn("control socket: cannot accept a client: %s; trying again each second",
			 strerror(error));
	control->starved = true;
	accepting(control, false);
}

/* One client a call: the socket is level triggered, and others get their turn between. */
static void listen_ready(uint32_t events, void *arg)
{
	struct control *control = arg;
	int fd = accept4(control->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	int error;

	(void)events;
	if (fd < 0) {
		if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
			accept_failed(control, errno);
		return;
	}
	error = client_new(control, fd);
	if (error) {
		close(fd);
		accept_failed(control, -error);
		return;
	}
	control->starved = false;
	if (control->clients_count == CLIENTS_MAX)
		accepting(control, false);
}

static void client_expire(struct control_client *client)
{
	bool reading = client->state == READING;

	if (reading)
		client_answer(client, control_error("no complete request within %d s", IDLE_SECONDS));
	else
		client_close(client);
}

static void tick(void *arg)
{
	struct control *control = arg;
	struct control_client *client, *next;
	bool waiting = false;

	for (client = LIST_FIRST(&control->clients); client; client = next) {
		next = LIST_NEXT(client, link);
		if (client->state == STREAMING)
			continue;
		waiting = true;
		if (++client->idle >= IDLE_SECONDS)
			client_expire(client);
	}
	if (control->clients_count < CLIENTS_MAX)
		accepting(control, true);
	if (!waiting && !control->paused)
		(void)loop_timer_set(control->tick, 0, 0);
}

/* ---- the interface ------------------------------------------------------------------------- */

int control_open(struct loop *loop, const char *path, const struct control_verb *verbs, void *arg,
		 struct control **out)
{
	struct control *control = calloc(1, sizeof(*control));
	int error = -ENOMEM;

	if (!control)
		return error;
	*control = (struct control){.loop = loop, .verbs = verbs, .arg = arg, .fd = -1};
	LIST_INIT(&control->clients);
	control->path = strdup(path);
	if (control->path)
		error = loop_timer_add(loop, tick, control, &control->tick);
	if (!error)
		error = unixsock_listen(path, &control->fd);
	if (!error)
		error = loop_fd_add(loop, control->fd, EPOLLIN, listen_ready, control, &control->handle);
	if (error) {
		control_close(control);
		return error;
	}
	*out = control;
	return 0;
}

void control_close(struct control *control)
{
	struct control_client *client;

	control->changed = NULL;
	while ((client = LIST_FIRST(&control->clients))) {
		(void)outbox_send(&client->outbox, client->fd);
		client_close(client);
	}
	loop_timer_remove(control->tick);
	loop_fd_remove(control->handle);
	if (control->fd >= 0) {
		unlink(control->path); /* before close: who finds it refused would replace it */
		close(control->fd);
	}
	free(control->path);
	free(control);
}

json_t *control_error(const char *format, ...)
{
	char *text;
	va_list args;
	json_t *error;
	int length;

	va_start(args, format);
	length = vasprintf(&text, format, args);
	va_end(args);
	if (length < 0)
		return NULL;
	error = json_pack("{s:s}", "error", text);
	free(text);
	return error ? error : json_pack("{s:s}", "error", "the reason is no valid UTF-8 text");
}

void control_subscribe(struct control_client *client)
{
	struct control *control = client->control;

	if (client->state == STREAMING)
		return;
	client->state = STREAMING;
	if (++control->subscribers == 1 && control->changed)
		control->changed(true, control->changed_arg);
}

bool control_has_subscribers(const struct control *control)
{
	return control->subscribers > 0;
}

void control_on_subscribers(struct control *control, void (*changed)(bool any, void *arg), void *arg)
{
	control->changed = changed;
	control->changed_arg = arg;
}

void control_publish(struct control *control, const json_t *event)
{
	struct control_client *client;
	char *text = control->subscribers ? json_dumps(event, JSON_COMPACT) : NULL;
	size_t length = text ? strlen(text) : 0;

	LIST_FOREACH(client, &control->clients, link)
	{
		if (client->state != STREAMING)
			continue;
		/* Once it has lost one it loses all until it is told, so that the order stays right. */
		if (!text || client->lost || outbox_length(&client->outbox) + length >= STREAM_MAX ||
		    outbox_put_line(&client->outbox, text, length))
			client->lost++;
		(void)loop_fd_events(client->handle, EPOLLOUT);
	}
	free(text);
}
