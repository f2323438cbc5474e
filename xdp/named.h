/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The backend that a QUIC packet names in its connection ID (quic.h), for services with SH_SERVICE_QUIC_ID.
 *
 * As long as that backend is alive, the packet goes there, whatever its slot says and whatever address it
 * comes from: a client that moves to another network, and one whose NAT takes another port, keep their
 * connection. What names nobody, or somebody who is not there, goes by the ring (pick.h).
 *
 * The first Initials have an ID that the client made up, and those after the server's first answer have
 * the server's: which, they do not say. A slot in transition sends an Initial that names the backend before
 * to that one: it is in the midst of a handshake. By chance, one that begins does so once in 2^(8 * bytes).
 */
#ifndef SHUNT_NAMED_H
#define SHUNT_NAMED_H

#include "director_maps.h"
#include "flows.h"
#include "quic.h"

/* The live backend of that id, or 0. */
static __always_inline __u32 sh_quic_backend(const struct sh_quic_key *key)
{
	__u32 *index = bpf_map_lookup_elem(&quic_ids, key);
	struct sh_backend *backend;

	if (!index)
		return 0;
	backend = bpf_map_lookup_elem(&backends, index);
	if (!backend || backend->owner != key->owner || *(volatile __u64 *)&backend->quic_id != key->id ||
	    ((struct sh_backend){.how = *(volatile __u64 *)&backend->how}).mode == SH_MODE_NONE)
		return 0;
	/* Not `seen`: no slot need go on saying where these packets go. */
	sh_renew(&backend->named);
	return *index;
}

/*
 * Which backend of `owner` the datagram names, whose UDP header is `udp_at` bytes into the frame: its index,
 * or 0. Global: verified once, whatever leads here.
 */
__noinline __u32 sh_quic_named(struct xdp_md *ctx, __u32 udp_at, __u32 where_word, __u64 owner)
{
	const void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	const union sh_quic_where where = {.word = where_word};
	struct sh_quic_key key = {.owner = owner};
	const struct udphdr *udp;
	const __u8 *quic, *id;
	__u32 at, index;

	if (udp_at > 0xfff || where.offset > SH_QUIC_ID_MAX || where.bytes < 1 ||
	    where.bytes > sizeof(key.id))
		return 0;
	udp = data + udp_at;
	quic = (const void *)(udp + 1);
	if ((const void *)(quic + SH_QUIC_HEADER) > end)
		return 0;
	at = sh_quic_id_at(quic, where);
	id = quic + (at & ~SH_QUIC_PERHAPS);
	/* Eight bytes are there whatever the id's length: of a QUIC packet, 20 and more follow its last ID
	 * (RFC 9001, 5.4.2). */
	if (!at || (const void *)(id + sizeof(key.id)) > end ||
	    (at & ~SH_QUIC_PERHAPS) + sizeof(key.id) + sizeof(*udp) > bpf_ntohs(udp->len))
		return 0;
	__builtin_memcpy(&key.id, id, sizeof(key.id));
	key.id = bpf_be64_to_cpu(key.id) >> (64 - 8 * where.bytes);
	index = sh_quic_backend(&key);
	return index ? index | (at & SH_QUIC_PERHAPS) : 0;
}

/* The same of a packet to a service with SH_SERVICE_QUIC_ID, which is UDP. */
static __always_inline __u32 sh_named(struct xdp_md *ctx, const struct sh_packet *packet,
				      const struct sh_service *service)
{
	union sh_quic_where where = {.offset = service->quic_offset, .bytes = service->quic_bytes};

	return sh_quic_named(ctx, packet->l4 - (void *)(long)ctx->data, where.word, service->owner);
}

#endif
