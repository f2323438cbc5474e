/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The director's programs: match, pick, forward, count, report. Nearly every packet goes the straight way
 * (straight.h), which is a program of its own; others the general one (direct.h), and what is rare is handed
 * over to further programs (further.h).
 *
 * A node that is director and backend at once carries the general one, loaded with load.restore set: what
 * arrives restorable is restored, what is tunnelled to it is taken out, all else is directed.
 */
#include "decap.h"
#include "direct.h"
#include "hard.h"
#include "icmp.h"
#include "restore.h"
#include "straight.h"

static __always_inline enum sh_reason sh_handle(struct xdp_md *ctx, struct sh_cursor cursor, __u32 family,
						struct sh_packet *packet)
{
	enum sh_reason reason;

	if (load.restore) {
		reason = sh_decap(ctx, cursor, family);
		if (reason != SH_GO_ON)
			return reason;
	}
	reason = family == SH_FAMILY_IPV4 ? sh_parse_ipv4(cursor, packet) : sh_parse_ipv6(cursor, packet);
	if (reason != SH_GO_ON)
		return sh_aside(ctx, packet, reason);
	if (load.restore && sh_restore(packet) == SH_RESTORED)
		return SH_RESTORED;
	return sh_direct(ctx, packet);
}

SEC("xdp")
int shunt_director(struct xdp_md *ctx)
{
	enum sh_reason reason = sh_straight(ctx);

	if (reason != SH_GO_ON)
		return sh_verdict(reason);
	bpf_tail_call(ctx, &further, SH_FURTHER_GENERAL);
	sh_bump(&reasons, SH_PASS_CUT_OFF, ctx->data_end - ctx->data);
	return XDP_PASS;
}

SEC("xdp")
int shunt_general(struct xdp_md *ctx)
{
	struct sh_cursor cursor;
	struct sh_packet packet;
	enum sh_reason reason;
	__u32 type;

	type = sh_parse_ethernet(ctx, &cursor, &packet);
	switch (type) {
	case SH_NO_ETHERTYPE:
		reason = SH_PASS_MALFORMED;
		break;
	case bpf_htons(ETH_P_IP):
		reason = sh_handle(ctx, cursor, SH_FAMILY_IPV4, &packet);
		break;
	case bpf_htons(ETH_P_IPV6):
		reason = sh_handle(ctx, cursor, SH_FAMILY_IPV6, &packet);
		break;
	default:
		reason = sh_aside_tagged(ctx, &packet, type);
		break;
	}
	sh_bump(&reasons, reason, packet.frame_bytes);
	return sh_verdict(reason);
}

SEC("xdp")
int shunt_hard(struct xdp_md *ctx)
{
	struct sh_handed *here = sh_handed_here();

	return here ? sh_further_end(ctx, here, sh_hard(ctx, here)) : XDP_PASS;
}

SEC("xdp")
int shunt_icmp(struct xdp_md *ctx)
{
	struct sh_handed *here = sh_handed_here();

	return here ? sh_further_end(ctx, here, sh_icmp(ctx, here)) : XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
