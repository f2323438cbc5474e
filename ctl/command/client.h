/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The command's side of the control socket (control.h): one request, then documents.
 */
#ifndef SHUNT_CLIENT_H
#define SHUNT_CLIENT_H

#include <jansson.h>

struct client;

/* Connects to the daemon at `path`. *out is the caller's (client_close). 0 or -errno of connect(2). */
int client_connect(const char *path, struct client **out);
void client_close(struct client *client); /* NULL is fine */

/* Sends the one request of this connection. Borrows it. 0 or -errno. */
int client_request(struct client *client, const json_t *request);

/*
 * The next document, the caller's, in *out. 1, or 0 where the daemon has closed the connection,
 * or -errno: -ETIMEDOUT after `timeout_ms` without a byte (-1: waits for ever), -EPROTO where it is
 * no JSON, -EMSGSIZE, -EPIPE as soon as nobody reads the descriptor `output` any more (-1: none).
 */
int client_receive(struct client *client, int timeout_ms, int output, json_t **out);

#endif
