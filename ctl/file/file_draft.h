/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The configuration while it is read. For file*.c only.
 */
#ifndef SHUNT_FILE_DRAFT_H
#define SHUNT_FILE_DRAFT_H

#include "config.h"
#include "file_ledger.h"
#include "file_reader.h"

struct draft {
	struct config config; /* owns what it points to, also after a failure */
	struct ledger claims; /* names, VIPs, endpoints, ... of the services read so far */
	size_t restores;      /* pairs of port and backend that l3 has claimed */
};

/* One service of the file, and where its values stand. */
struct service_draft {
	struct config_service service;
	struct place name_at, vip_at, ports_at;
	struct place *port_places, *backend_places; /* one for each */
	struct place *id_places;		    /* of each backend's id; line 0: none is written */
	struct ledger seen;			    /* its backends, and their ids */
};

struct field;

/* A field's reader: the top level's `advertise`, a struct config_advertise. */
int read_advertise_routes(struct reader *reader, const struct field *field, const struct node *value,
			  void *record);

/* An entry of `services`; the record is a struct draft. */
int read_service(struct reader *reader, const struct node *node, void *record);

/* Only the first of two equal interface patterns would ever decide: refuses the second. */
int claim_pattern(struct reader *reader, struct draft *draft, const char *pattern, struct place at);

/* Checks a service against all before it, and enters it. 0 or reported. */
int claim_service(struct reader *reader, struct draft *draft, const struct service_draft *service);

/* A service's `quic-id`: field->offset is of a struct config_quic_id. A backend's `id`. */
int read_quic_id(struct reader *reader, const struct field *field, const struct node *value, void *record);
int read_backend_id(struct reader *reader, const struct field *field, const struct node *value, void *record);
/* Do ids and `quic-id`, which stands at `at`, go together? 0 or reported. */
int check_quic_id(struct reader *reader, struct service_draft *draft, struct place at);

/* The top level's `tunnel`; field->offset is of a struct config_tunnel. */
int read_tunnel(struct reader *reader, const struct field *field, const struct node *value, void *record);

#endif
