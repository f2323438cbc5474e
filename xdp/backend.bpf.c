/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The backend's program: l3 packets and errors about them get their VIP back, tunnelled ones are taken out,
 * and all these go up the stack. Anything else passes.
 */
#include "count.h"
#include "decap.h"
#include "deep.h"
#include "icmp_restore.h"
#include "mend.h"
#include "restore.h"
#include "tags.h"

/* Neither TCP nor UDP: ICMP errors are restored by what they quote. */
static __always_inline enum sh_reason sh_handle_icmp(struct xdp_md *ctx, struct sh_cursor cursor,
						     __u32 family, struct sh_packet *packet)
{
	struct sh_icmp icmp;
	enum sh_reason reason = sh_icmp_parse(cursor, family, packet, &icmp);

	if (reason != SH_GO_ON)
		return reason;
	return icmp.kind == SH_ICMP_IS_ERROR ? sh_icmp_restore(ctx, packet, &icmp) : SH_PASS_PROTOCOL;
}

/* A packet of `family`, with `cursor` at its IP header. */
static __always_inline enum sh_reason sh_handle(struct xdp_md *ctx, struct sh_cursor cursor, __u32 family,
						struct sh_packet *packet)
{
	enum sh_reason reason = sh_decap(ctx, cursor, family);

	if (reason != SH_GO_ON)
		return reason;
	reason = family == SH_FAMILY_IPV4 ? sh_parse_ipv4(cursor, packet) : sh_parse_ipv6(cursor, packet);
	if (reason == SH_GO_ON)
		return sh_restore(packet);
	return reason == SH_PASS_PROTOCOL ? sh_handle_icmp(ctx, cursor, family, packet) : reason;
}

/* The same for what the plain parser does not understand. */
static __always_inline enum sh_reason sh_handle_deep(struct xdp_md *ctx, struct sh_cursor cursor,
						     __u32 family, __u32 tags)
{
	enum sh_reason reason = tags ? sh_decap(ctx, cursor, family) : SH_GO_ON;
	struct sh_packet packet;

	if (reason != SH_GO_ON)
		return reason;
	reason = sh_deep_parse(cursor, family, &packet);
	if (reason == SH_GO_ON)
		return sh_mend(&packet);
	return reason == SH_PASS_PROTOCOL ? sh_handle_icmp(ctx, cursor, family, &packet) : reason;
}

/* Fragments, extension headers and tags. A function of its own, verified by itself: it parses the frame
 * again. */
__noinline int sh_backend_hard(struct xdp_md *ctx)
{
	enum sh_reason reason = SH_PASS_NOT_IP;
	struct sh_handed here = {};
	struct sh_cursor cursor;
	struct sh_packet packet;

	if (sh_is_tag(sh_parse_ethernet(ctx, &cursor, &packet)) && !sh_tags_off(ctx, &here))
		return SH_PASS_NOT_IP;
	switch (sh_parse_ethernet(ctx, &cursor, &packet)) {
	case bpf_htons(ETH_P_IP):
		reason = sh_handle_deep(ctx, cursor, SH_FAMILY_IPV4, here.tags);
		break;
	case bpf_htons(ETH_P_IPV6):
		reason = sh_handle_deep(ctx, cursor, SH_FAMILY_IPV6, here.tags);
		break;
	}
	return sh_tags_back(ctx, &here) ? reason : SH_DROP_EGRESS;
}

SEC("xdp")
int shunt_backend(struct xdp_md *ctx)
{
	struct sh_cursor cursor;
	struct sh_packet packet;
	__u32 type = sh_parse_ethernet(ctx, &cursor, &packet);
	enum sh_reason reason = SH_PASS_NOT_IP;

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
	}
	if (reason == SH_PASS_FRAGMENT || reason == SH_PASS_IPV6_EXT || sh_is_tag(type))
		reason = sh_backend_hard(ctx);
	sh_bump(&reasons, reason, packet.frame_bytes);
	return sh_verdict(reason);
}

char _license[] SEC("license") = "Dual BSD/GPL";
