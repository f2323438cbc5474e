/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The control socket: who listens, who comes and goes, who hears the events.
 *
 * Clients live in control_client.c; this file keeps the list of them. One timer ticks each
 * second while anybody is not streaming, for those who idle. With CLIENTS_MAX clients, or when
 * accept(2) finds no descriptor, the listening socket is not looked at until a client has left or
 * a second has gone: others wait in its backlog, and the loop does not spin.
 */
#include "control_client.h"
#include "log.h"
#include "loop.h"
#include "unixsock.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define CLIENTS_MAX 64

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

/* ---- coming and going ---------------------------------------------------------------------- */

void control_joined(struct control *control, struct control_client *client)
{
	LIST_INSERT_HEAD(&control->clients, client, link);
	control->clients_count++;
	tick_on(control);
}

void control_left(struct control *control, struct control_client *client)
{
	LIST_REMOVE(client, link);
	control->clients_count--;
	accepting(control, true);
	if (client->state != STREAMING)
		return;
	control->subscribers--;
	if (!control->subscribers && control->changed)
		control->changed(false, control->changed_arg);
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
	error = control_client_new(control, fd);
	if (error) {
		close(fd);
		accept_failed(control, -error);
		return;
	}
	control->starved = false;
	if (control->clients_count == CLIENTS_MAX)
		accepting(control, false);
}

static void tick(void *arg)
{
	struct control *control = arg;
	struct control_client *client, *next;
	bool waiting = false;

	for (client = LIST_FIRST(&control->clients); client; client = next) {
		next = LIST_NEXT(client, link);
		waiting |= client->state != STREAMING;
		control_client_tick(client);
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

	if (!control)
		return;
	control->changed = NULL;
	while ((client = LIST_FIRST(&control->clients)))
		control_client_close(client);
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

	for (client = LIST_FIRST(&control->clients); client; client = LIST_NEXT(client, link)) {
		if (client->state == STREAMING)
			control_client_event(client, text, length);
	}
	free(text);
}
