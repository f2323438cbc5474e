/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The backend's side of l3: {own address, port, protocol} -> VIP.
 *
 * The director rewrote the destination and left the L4 checksum valid for the VIP. Putting the VIP
 * back makes the packet whole again; a packet whose restore did not run is refused by the stack.
 * A mark that the table knows goes first, and has its own rule for checksums (dscp.h).
 * Port 0 in the table stands for every port and is looked up second: a restoring node handles no
 * more than its own share of packets, so the second look-up needs no knob.
 */
#ifndef SHUNT_RESTORE_H
#define SHUNT_RESTORE_H

#include "backend_maps.h"
#include "dscp.h"
#include "endpoint.h"

/* {own address, mark}, in place of protocol and port: protocol 0, and the DSCP as the port. */
static __always_inline enum sh_reason sh_restore_marked4(const struct sh_packet *packet, __u32 dscp)
{
	struct sh_endpoint4 own = {.addr = packet->v4->daddr, .port = bpf_htons(dscp)};
	__be32 *vip = bpf_map_lookup_elem(&restore4, &own);

	if (!vip)
		return SH_PASS_NOT_OURS;
	sh_dscp_readdress(packet, vip);
	sh_checksum_apply(packet->v4, sh_sum_replace(packet->v4->daddr, *vip));
	packet->v4->daddr = *vip;
	return SH_RESTORED;
}

static __always_inline enum sh_reason sh_restore_marked6(const struct sh_packet *packet, __u32 dscp)
{
	struct sh_endpoint6 own = {.port = bpf_htons(dscp)};
	struct sh_ip *vip;

	__builtin_memcpy(own.addr, &packet->v6->daddr, sizeof(own.addr));
	vip = bpf_map_lookup_elem(&restore6, &own);
	if (!vip)
		return SH_PASS_NOT_OURS;
	sh_dscp_readdress(packet, vip->w);
	__builtin_memcpy(&packet->v6->daddr, vip, sizeof(packet->v6->daddr));
	return SH_RESTORED;
}

static __always_inline enum sh_reason sh_restore4(struct iphdr *ip, struct sh_endpoint4 *own)
{
	__be32 *vip = bpf_map_lookup_elem(&restore4, own);

	if (!vip) {
		own->port = 0;
		vip = bpf_map_lookup_elem(&restore4, own);
	}
	if (!vip)
		return SH_PASS_NOT_OURS;
	sh_checksum_apply(ip, sh_sum_replace(ip->daddr, *vip));
	ip->daddr = *vip;
	return SH_RESTORED;
}

static __always_inline enum sh_reason sh_restore6(struct ipv6hdr *ip, struct sh_endpoint6 *own)
{
	struct sh_ip *vip = bpf_map_lookup_elem(&restore6, own);

	if (!vip) {
		own->port = 0;
		vip = bpf_map_lookup_elem(&restore6, own);
	}
	if (!vip)
		return SH_PASS_NOT_OURS;
	__builtin_memcpy(&ip->daddr, vip, sizeof(ip->daddr));
	return SH_RESTORED;
}

/* By its mark alone: SH_RESTORED, or SH_PASS_NOT_OURS with the packet untouched. */
static __always_inline enum sh_reason sh_restore_marked(const struct sh_packet *packet)
{
	__u32 dscp = sh_traffic_class(packet) >> 2;

	if (!dscp)
		return SH_PASS_NOT_OURS;
	return packet->family == SH_FAMILY_IPV4 ? sh_restore_marked4(packet, dscp)
						: sh_restore_marked6(packet, dscp);
}

/* SH_RESTORED with the VIP put back, or SH_PASS_NOT_OURS with the packet untouched. */
static __always_inline enum sh_reason sh_restore(const struct sh_packet *packet)
{
	union sh_endpoint own;

	sh_endpoint_of(packet, &own);
	if (sh_restore_marked(packet) == SH_RESTORED)
		return SH_RESTORED;
	return packet->family == SH_FAMILY_IPV4 ? sh_restore4(packet->v4, &own.v4)
						: sh_restore6(packet->v6, &own.v6);
}

#endif
