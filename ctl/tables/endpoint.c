/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * See endpoint.h.
 */
#include <arpa/inet.h>
#include <string.h>

#include <shunt/abi.h>

#include "endpoint.h"

void endpoint_entry(const struct addr *address, const struct config_port *port, const void *value,
		    size_t size, char *entry)
{
	struct sh_endpoint4 key4 = {.port = htons(port->port), .protocol = port->protocol};
	struct sh_endpoint6 key6 = {.port = htons(port->port), .protocol = port->protocol};

	if (address->family == ADDR_IPV4) {
		memcpy(&key4.addr, address->bytes, sizeof(key4.addr));
		memcpy(entry, &key4, sizeof(key4));
		memcpy(entry + sizeof(key4), value, size);
	} else {
		memcpy(key6.addr, address->bytes, sizeof(key6.addr));
		memcpy(entry, &key6, sizeof(key6));
		memcpy(entry + sizeof(key6), value, size);
	}
}

void endpoint_stray(const struct addr *address, uint8_t protocol, uint32_t index, char *entry)
{
	const struct config_port none = {.protocol = protocol};
	size_t zero = address->family == ADDR_IPV4 ? offsetof(struct sh_endpoint4, zero)
						   : offsetof(struct sh_endpoint6, zero);

	endpoint_entry(address, &none, &index, sizeof(index), entry);
	entry[zero] = SH_ENDPOINT_STRAY;
}
