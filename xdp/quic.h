/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * QUIC: where a connection begins, and which backend its later packets name.
 *
 * A server that puts its backend's id into each connection ID that it chooses (plain, as QUIC-LB does where
 * it does not encrypt) has it in every packet that the client sends to it afterwards, whatever address the
 * client has by then. For services with SH_SERVICE_QUIC_ID:
 *
 *	short header	ID from byte 1 on; its length is not said, the service says where the backend's
 *			id lies (RFC 8999, 5.2)
 *	Handshake	ID from byte 6 on, its length in byte 5 (RFC 8999, 5.1)
 *	Initial		the same; but the client may have chosen the ID itself (named.h)
 *	0-RTT		goes with its Initial, and often has the ID that the client chose: names nobody
 *	Retry, others	no client sends them, or their version is not known: name nobody
 *
 * Types are told apart by the version: RFC 9000, 17.2, and RFC 9369, 3.2. The fixed bit is not looked at
 * where an ID was chosen by the server: it may be cleared by then (RFC 9287).
 */
#ifndef SHUNT_QUIC_H
#define SHUNT_QUIC_H

#include <linux/types.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define SH_QUIC_V1	0x00000001
#define SH_QUIC_V2	0x6b3343cf
#define SH_QUIC_LEAST	1200 /* bytes of a datagram that carries a client's Initial (RFC 9000, 14.1) */
#define SH_QUIC_LONG	0x80 /* header form, in the first byte */
#define SH_QUIC_TYPE	0x30 /* of a long header */
#define SH_QUIC_INITIAL 0xc0 /* header form, fixed bit and type (RFC 9000, 17.2.2) */
#define SH_QUIC_FIRST_2 0xd0 /* the same in version 2 (RFC 9369, 3.2) */

#define SH_QUIC_HEADER 6 /* of a long header: before the ID */

static __always_inline __u32 sh_quic_version(const __u8 *quic)
{
	return quic[1] << 24 | quic[2] << 16 | quic[3] << 8 | quic[4];
}

/* Length and version make it all but impossible that a datagram of another protocol is taken for one. */
static __always_inline int sh_quic_initial(const struct udphdr *udp, const void *end)
{
	const __u8 *quic = (const void *)(udp + 1);
	__u32 version;

	if ((const void *)(quic + 5) > end || bpf_ntohs(udp->len) < SH_QUIC_LEAST + sizeof(*udp))
		return 0;
	version = sh_quic_version(quic);
	return (version == SH_QUIC_V1 && (quic[0] & 0xf0) == SH_QUIC_INITIAL) ||
	       (version == SH_QUIC_V2 && (quic[0] & 0xf0) == SH_QUIC_FIRST_2);
}

/* Types of long headers, as version 1 numbers them; version 2's are one more, modulo 4. */
enum sh_quic_type { SH_QUIC_TYPE_INITIAL, SH_QUIC_TYPE_0RTT, SH_QUIC_TYPE_HANDSHAKE, SH_QUIC_TYPE_RETRY };

static __always_inline enum sh_quic_type sh_quic_type(const __u8 *quic)
{
	__u32 version = sh_quic_version(quic), type = (quic[0] & SH_QUIC_TYPE) >> 4;

	if (version == SH_QUIC_V1)
		return type;
	return version == SH_QUIC_V2 ? (type - 1) & 3 : SH_QUIC_TYPE_RETRY;
}

/* Where the backend's id lies in a service's connection IDs, in one word. */
union sh_quic_where {
	struct {
		__u8 offset;
		__u8 bytes;
		__u16 zero;
	};
	__u32 word;
};

/* With the index of a backend: an Initial names it, perhaps by chance. */
#define SH_QUIC_PERHAPS (1U << 31)

/* The offset of the backend's id in the datagram, with SH_QUIC_PERHAPS or without; 0 where it names none. */
static __always_inline __u32 sh_quic_id_at(const __u8 *quic, union sh_quic_where where)
{
	enum sh_quic_type type;

	if (!(quic[0] & SH_QUIC_LONG))
		return 1 + where.offset;
	type = sh_quic_type(quic);
	if (where.offset + where.bytes > quic[SH_QUIC_HEADER - 1])
		return 0;
	if (type == SH_QUIC_TYPE_INITIAL)
		return (SH_QUIC_HEADER + where.offset) | SH_QUIC_PERHAPS;
	return type == SH_QUIC_TYPE_HANDSHAKE ? SH_QUIC_HEADER + where.offset : 0;
}

#endif
