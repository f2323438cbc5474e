/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The packet that `shunt explain` asks about: a whole Ethernet frame, as a client's would come in.
 *
 * Every length and checksum in it is right (RFC 791, 8200, 9293, 768, 1071), and the payload zero, but for a
 * QUIC Initial's first bytes (RFC 9000, 17.2.2). Pure.
 */
#ifndef SHUNT_FRAME_H
#define SHUNT_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include <shunt/addr.h>

/* What a packet says of the age of its flow. */
enum frame_kind {
	FRAME_SYN = 0,	/* TCP: a connection begins */
	FRAME_ACK,	/* TCP: in the midst of one */
	FRAME_DATAGRAM, /* UDP: it cannot be told */
	FRAME_INITIAL,	/* UDP: a QUIC connection begins */
	FRAME_KINDS,
};

/* As the command has them: "syn", "ack", "datagram", "initial". */
const char *frame_kind_name(enum frame_kind kind);
/* The kind of that name; FRAME_KINDS where there is none. */
enum frame_kind frame_kind_named(const char *name);

/* One page holds what BPF_PROG_TEST_RUN takes as one packet, beside the room that it keeps. */
#define FRAME_MAX 3400

#define FRAME_TTL 64

struct frame {
	uint8_t dst_mac[6], src_mac[6];
	struct addr client, vip; /* of one family */
	uint16_t client_port, vip_port;
	uint8_t protocol; /* IPPROTO_TCP for FRAME_SYN and _ACK, else IPPROTO_UDP */
	enum frame_kind kind;
	size_t size; /* of the frame; 0: the least */
	uint8_t ttl; /* or hop limit; 0: FRAME_TTL */
};

/* The smallest frame of the kind and family. */
size_t frame_least(const struct frame *frame);
/* Writes it, and returns its size; 0 where that is not from frame_least() to FRAME_MAX. */
size_t frame_make(const struct frame *frame, uint8_t out[static FRAME_MAX]);

#endif
