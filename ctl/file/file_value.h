/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Single values of the file: text in, a checked value or the reported error out. For file*.c only.
 */
#ifndef SHUNT_FILE_VALUE_H
#define SHUNT_FILE_VALUE_H

#include "file_reader.h"
#include "file_schema.h"

struct addr;
struct config_port;

#define NAME_LENGTH_MAX	   63
#define PATTERN_LENGTH_MAX 63
#define WEIGHT_MAX	   1000

/* What the address is, where no packet is routed to it: "a multicast address". Else NULL. */
const char *value_why_unusable(const struct addr *addr);
/* `node` is a scalar. `what` it is to be: "a VIP", "a backend". */
int value_address(struct reader *reader, const struct node *node, const char *what, struct addr *out);
/* "80/tcp", "any/udp". */
int value_port(struct reader *reader, const struct node *node, struct config_port *out);
/* A copy of an interface pattern; *out is the caller's. */
int value_pattern(struct reader *reader, const struct node *node, char **out);

/* Readers of a field. */
int read_name(struct reader *reader, const struct field *field, const struct node *value, void *record);
int read_weight(struct reader *reader, const struct field *field, const struct node *value, void *record);
/* A whole number within field->numbers, as a uint32_t. */
int read_number(struct reader *reader, const struct field *field, const struct node *value, void *record);
/* "500ms", "2s", "1m", "1h" as a uint32_t of milliseconds, within field->range. */
int read_duration(struct reader *reader, const struct field *field, const struct node *value, void *record);

#endif
