/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What is remembered of datagrams that come in fragments.
 *
 * By {source, destination, identification, protocol} (RFC 791, 2.3; in IPv6 without the protocol, RFC 8200,
 * 4.5), in a table of its own that evicts the least recently used. An entry counts for SH_PIECE_LIFE:
 * identifications come round again, and fragments of one datagram follow each other closely. Entries are
 * stored whole; a packet on another CPU meanwhile finds the former or the new one.
 */
#ifndef SHUNT_PIECES_H
#define SHUNT_PIECES_H

#include "maps.h"
#include "parse.h"

#define SH_PIECE_LIFE 4 /* of the units of SH_SEEN_SHIFT: about 4 s */

struct sh_piece_key {
	struct sh_ip from;
	struct sh_ip to; /* as the packet had it */
	__be32 id;
	__u8 protocol; /* IPv6: 0 */
	__u8 family;
	__u8 zero[2];
};

#define SH_PIECES(map, record)                       \
	struct {                                     \
		__uint(type, BPF_MAP_TYPE_LRU_HASH); \
		__uint(max_entries, 2);              \
		__type(key, struct sh_piece_key);    \
		__type(value, record);               \
	} map SEC(".maps")

static __always_inline void sh_piece_key_of(const struct sh_packet *packet, struct sh_piece_key *out)
{
	__builtin_memset(out, 0, sizeof(*out));
	out->id = packet->piece_id;
	out->family = packet->family;
	if (packet->family == SH_FAMILY_IPV4) {
		out->from.w[0] = packet->v4->saddr;
		out->to.w[0] = packet->v4->daddr;
		out->protocol = packet->protocol;
		return;
	}
	__builtin_memcpy(&out->from, &packet->v6->saddr, sizeof(out->from));
	__builtin_memcpy(&out->to, &packet->v6->daddr, sizeof(out->to));
}

static __always_inline __u32 sh_piece_now(void)
{
	return bpf_ktime_get_coarse_ns() >> SH_SEEN_SHIFT;
}

static __always_inline int sh_piece_lives(__u32 seen)
{
	return sh_piece_now() - seen <= SH_PIECE_LIFE;
}

#endif
