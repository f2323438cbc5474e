/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The backend's side of l3 for what deep.h understands: extension headers and fragments.
 *
 * A first fragment is restored by its ports, as any packet is, and remembered; later ones go by that. Where a
 * mark stands for the VIP (dscp.h) each says itself where it belongs. Without one, a later fragment that
 * comes before its first stays as it is: it may be for this node's own address. The first one's VIP
 * then lacks it, and the datagram is lost.
 */
#ifndef SHUNT_MEND_H
#define SHUNT_MEND_H

#include "pieces.h"
#include "restore.h"

/* The VIP that the fragments of a datagram get back. */
struct sh_mended {
	struct sh_ip vip;
	__u32 seen;
	__u32 zero;
};

SH_PIECES(mended, struct sh_mended);

static __always_inline void sh_mended_remember(const struct sh_packet *packet, const struct sh_piece_key *key)
{
	struct sh_mended to = {.seen = sh_piece_now()};

	if (packet->family == SH_FAMILY_IPV4)
		to.vip.w[0] = packet->v4->daddr;
	else
		__builtin_memcpy(&to.vip, &packet->v6->daddr, sizeof(to.vip));
	bpf_map_update_elem(&mended, key, &to, BPF_ANY);
}

static __always_inline enum sh_reason sh_mend_later(const struct sh_packet *packet,
						    const struct sh_piece_key *key)
{
	const struct sh_mended *found;

	if (sh_restore_marked(packet) == SH_RESTORED)
		return SH_RESTORED;
	found = bpf_map_lookup_elem(&mended, key);
	if (!found || !sh_piece_lives(found->seen))
		return SH_PASS_FRAGMENT;
	if (packet->family == SH_FAMILY_IPV4) {
		sh_checksum_apply(packet->v4, sh_sum_replace(packet->v4->daddr, found->vip.w[0]));
		packet->v4->daddr = found->vip.w[0];
	} else {
		__builtin_memcpy(&packet->v6->daddr, &found->vip, sizeof(packet->v6->daddr));
	}
	return SH_RESTORED;
}

/* SH_RESTORED, or why not, with the packet untouched. */
static __always_inline enum sh_reason sh_mend(const struct sh_packet *packet)
{
	struct sh_piece_key key;

	if (packet->piece == SH_PIECE_NONE)
		return sh_restore(packet);
	sh_piece_key_of(packet, &key);
	if (packet->piece == SH_PIECE_LATER)
		return sh_mend_later(packet, &key);
	if (sh_restore(packet) != SH_RESTORED)
		return SH_PASS_NOT_OURS;
	sh_mended_remember(packet, &key);
	return SH_RESTORED;
}

#endif
