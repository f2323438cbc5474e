/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Entries of the hash maps that are keyed by address, port and protocol.
 */
#ifndef SHUNT_ENDPOINT_H
#define SHUNT_ENDPOINT_H

#include <stddef.h>
#include <stdint.h>

#include <shunt/addr.h>

#include "config.h"

/* Writes key and value back to back, as dataplane_sync wants them: a struct sh_endpoint4 or
 * sh_endpoint6 by the address' family, then `size` bytes of `value`. `entry` is zeroed before. */
void endpoint_entry(const struct addr *address, const struct config_port *port, const void *value,
		    size_t size, char *entry);
/* The same for fragments that have no ports: leads to a service's `index`. */
void endpoint_stray(const struct addr *address, uint8_t protocol, uint32_t index, char *entry);

#endif
