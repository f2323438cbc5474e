/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * `shunt explain`: what the loaded program does with a packet, and why.
 *
 *	frame.c			the packet
 *	explain.c		the request, and the question to the program's twin (twin.h)
 *	explain_view.c		its answer as a document
 *	explain_words.c		what to do about it
 *
 * What the document says was done is the program's own doing: verdict, reason, service, backend, the bytes
 * that came out, and the interface they leave by. From the tables come the names, the slot (by the
 * same hash, <shunt/hash.h>), and which leg of the path has the MACs that came out.
 */
#ifndef SHUNT_EXPLAIN_H
#define SHUNT_EXPLAIN_H

#include <jansson.h>

#include "frame.h"
#include "interfaces.h"
#include "twin.h"

struct control_client;
struct controller;

struct explanation {
	struct controller *controller;
	const struct interface_row *row; /* where the packet comes in */
	struct frame frame;
	struct twin_run run;
};

/* The verb: {"client", "client_port", "vip", "vip_port", "protocol"} and perhaps "kind", "size", "dev". */
json_t *answer_explain(const json_t *request, struct control_client *client, void *arg);

/* The answer's document; NULL when memory ran out. */
json_t *explain_view(const struct explanation *explanation);
/* What an operator may look at or do where a packet to that program ends so; "" where all is well. */
const char *explain_advice(enum interface_program program, unsigned reason);

#endif
