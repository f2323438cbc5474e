/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The backend's program: l3 packets get their VIP back and go up the stack. All else passes.
 */
#include "restore.h"
#include "count.h"

SEC("xdp")
int shunt_backend(struct xdp_md *ctx)
{
	struct sh_packet packet;
	enum sh_reason reason;

	reason = sh_parse(ctx, &packet);
	if (reason == SH_GO_ON)
		reason = sh_restore(&packet);
	sh_bump(&reasons, reason, sh_frame_bytes(ctx));
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
