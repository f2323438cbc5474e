/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a backend restores: {own address, port, protocol} -> VIP, or {own address, DSCP} -> VIP; and what
 * tunnels end here: own addresses and VIPs.
 */
#ifndef SHUNT_BACKEND_MAPS_H
#define SHUNT_BACKEND_MAPS_H

#include "maps.h"

SH_HASH(restore4, struct sh_endpoint4, __be32);
SH_HASH(restore6, struct sh_endpoint6, struct sh_ip);
SH_HASH(served, struct sh_address, struct sh_served);

#endif
