/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How a service claims what it may not share. For file_claims.c and file_restores.c only.
 */
#ifndef SHUNT_FILE_CLAIMS_H
#define SHUNT_FILE_CLAIMS_H

#include "file_draft.h"
#include "file_value.h"

enum claim {
	CLAIM_PATTERN, /* of interfaces */
	CLAIM_NAME,
	CLAIM_VIP,
	CLAIM_BACKEND,
	CLAIM_ENDPOINT,	   /* VIP, protocol, port (0: any) */
	CLAIM_RESTORE,	   /* backend, protocol, port (0: any) */
	CLAIM_EXACT,	   /* backend, protocol */
	CLAIM_EXACT_OTHER, /* backend, protocol */
	CLAIM_DSCP,	   /* backend, DSCP */
	CLAIM_MARKED,	   /* backend: the first with a DSCP */
	CLAIM_UNMARKED,	   /* backend: the first without */
};

#define CLAIM_KEY_SIZE (5 + (NAME_LENGTH_MAX > 16 ? NAME_LENGTH_MAX : 16))

struct claim_key {
	size_t size;
	unsigned char bytes[CLAIM_KEY_SIZE];
};

struct claim_key claim_key(enum claim claim, const struct addr *addr, uint8_t protocol, uint16_t port);

/* Who claims: the service that was read last. */
struct claimant {
	struct reader *reader;
	struct draft *draft;
	const struct service_draft *service;
	uint32_t index;
};

/* Takes the key. 0; 1 where it is taken, with its holder in *first; -ENOMEM, reported. */
int claim_take(const struct claimant *claimant, const struct claim_key *key, struct place at,
	       struct holder *first);
/* 1 with *first filled, or 0. */
int claim_find(const struct claimant *claimant, const struct claim_key *key, struct holder *first);
const struct config_service *claim_holder(const struct claimant *claimant, const struct holder *holder);

#define PORT_TEXT_SIZE sizeof("65535/tcp")

/* "80/tcp", "any/udp" */
const char *port_text(const struct config_port *port, char out[static PORT_TEXT_SIZE]);

/* What l3 restores by: the service's pairs of port and backend. 0 or reported. */
int claim_restores(const struct claimant *claimant);

#endif
