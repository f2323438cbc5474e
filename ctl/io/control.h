/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The daemon's side of the control socket.
 *
 * A client connects to a UNIX stream socket, sends one JSON object and a newline
 * ({"command": "show", "what": "backends"}) and reads JSON documents, one a line. A verb answers
 * with one document, after which the connection is closed, or subscribes the client to a
 * stream ("events"). An error is {"error": "text with the remedy"}.
 *
 * Never blocks: what a slow client does not read is queued up to a bound, beyond which a stream
 * loses lines (counted, and told in the next line as {"event":"lost","count":N}).
 */
#ifndef SHUNT_CONTROL_H
#define SHUNT_CONTROL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct control;
struct control_client;
struct loop;

struct control_verb {
	const char *name;
	/* Returns a new document (owned by the caller), or NULL after control_subscribe. To
	 * fail return control_error(). `request` is borrowed. */
	json_t *(*answer)(const json_t *request, struct control_client *client, void *arg);
	/* It takes long, changes nothing and reads from no socket that is also read elsewhere: it is worked
	 * out aside (aside.h), or here where there is no room for a child. It must not subscribe. */
	bool aside;
};

/*
 * Listens on `path` (mode 0600, owner root; its folder is made where it is missing). A socket
 * file that nobody listens on any more is replaced; one that answers is -EADDRINUSE. `verbs`
 * ends with a NULL name and must outlive the control.
 */
int control_open(struct loop *loop, const char *path, const struct control_verb *verbs, void *arg,
		 struct control **out);
/* Closes every client (what is queued is flushed as far as it goes at once) and unlinks the
 * socket. NULL is fine. */
void control_close(struct control *control);

/* {"error": text}, printf-like. */
json_t *control_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Makes this client a subscriber of the event stream. */
void control_subscribe(struct control_client *client);
/* Somebody listens? Then it is worth making events. `changed` is called when the answer changes, but not
 * by control_close. */
bool control_has_subscribers(const struct control *control);
void control_on_subscribers(struct control *control, void (*changed)(bool any, void *arg), void *arg);
/* Sends one document to every subscriber. Borrows it. */
void control_publish(struct control *control, const json_t *event);

#endif
