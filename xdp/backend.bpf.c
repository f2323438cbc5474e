/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The backend's program: l3 packets get their VIP back and go up the stack. All else passes.
 */
#include "restore.h"
#include "count.h"

static __always_inline enum sh_reason sh_handle(const struct sh_packet *packet, enum sh_reason parsed)
{
	return parsed == SH_GO_ON ? sh_restore(packet) : parsed;
}

SEC("xdp")
int shunt_backend(struct xdp_md *ctx)
{
	enum sh_reason reason = SH_PASS_NOT_IP;
	struct sh_cursor cursor;
	struct sh_packet packet;

	switch (sh_parse_ethernet(ctx, &cursor, &packet)) {
	case SH_NO_ETHERTYPE:
		reason = SH_PASS_MALFORMED;
		break;
	case bpf_htons(ETH_P_IP):
		reason = sh_handle(&packet, sh_parse_ipv4(cursor, &packet));
		break;
	case bpf_htons(ETH_P_IPV6):
		reason = sh_handle(&packet, sh_parse_ipv6(cursor, &packet));
		break;
	}
	sh_bump(&reasons, reason, packet.frame_bytes);
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
