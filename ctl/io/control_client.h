/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Between control.c (the socket and everybody) and control_client.c (one client). For no one else.
 */
#ifndef SHUNT_CONTROL_CLIENT_H
#define SHUNT_CONTROL_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "aside.h"
#include "control.h"
#include "outbox.h"

#define CONTROL_IDLE_SECONDS 10

enum client_state { READING, WAITING, ANSWERING, STREAMING };

struct control_client {
	LIST_ENTRY(control_client) link;
	struct control *control;
	int fd;
	struct loop_fd *handle;
	enum client_state state;
	unsigned idle;			 /* seconds without progress */
	const struct control_verb *verb; /* that is worked out aside */
	const json_t *asked;		 /* borrowed while it is handed to the child */
	struct aside *aside;		 /* owned, while WAITING */
	char *request;			 /* REQUEST_MAX bytes */
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

/* Makes a client of a connected, non-blocking socket, which is the client's on success only. */
int control_client_new(struct control *control, int fd);
/* Sends what goes at once, and frees the client. */
void control_client_close(struct control_client *client);
/* A second has passed; closes the client where that was one too many. */
void control_client_tick(struct control_client *client);
/* Queues a line of the stream, or counts it as lost; `text` may be NULL: there was no memory for it. */
void control_client_event(struct control_client *client, const char *text, size_t length);

/* control.c: a client has been added; one leaves (not yet freed). */
void control_joined(struct control *control, struct control_client *client);
void control_left(struct control *control, struct control_client *client);

#endif
