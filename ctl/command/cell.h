/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One value of a document as people read it: the text of a table's cell.
 *
 * Each of these formats what `row` holds at `key` into `out`, terminated and cut where it is too
 * long; a missing or null value gives "". Control characters become '?': what is shown may come
 * from elsewhere, and a terminal obeys them.
 */
#ifndef SHUNT_CELL_H
#define SHUNT_CELL_H

#include <jansson.h>

#define CELL_SIZE 512

/* Strings, numbers and booleans (yes, no) as they are, anything else as JSON. */
void cell_value(const json_t *row, const char *key, char out[static CELL_SIZE]);
/* A number of bytes: "512", "1.5 KiB", "20.3 GiB". */
void cell_bytes(const json_t *row, const char *key, char out[static CELL_SIZE]);
/* A number of seconds: "42s", "3m 20s", "2d 5h". */
void cell_duration(const json_t *row, const char *key, char out[static CELL_SIZE]);
/* The address at `key` with the port at "client_port": "198.18.0.1:40312", "[2001:db8::1]:80". */
void cell_client(const json_t *row, const char *key, char out[static CELL_SIZE]);
/* The address at `key` with the port at "vip_port", else at "port", and the protocol:
 * "203.0.113.10:80/tcp", "[2001:db8::10]:any/udp". */
void cell_vip(const json_t *row, const char *key, char out[static CELL_SIZE]);
/* A list of paths: "192.0.2.1 dev eth1", several with their weights. */
void cell_paths(const json_t *row, const char *key, char out[static CELL_SIZE]);

#endif
