/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where tunnels come from, in the knobs. See apply.h.
 *
 * The file's prefix, or an address of the node's own: the first global one of its family on the link towards
 * the first backend that is reached in a tunnel, else the first on any link. One for all backends, so that
 * who filters by it (uRPF, ipip devices with a remote end) has one address to know.
 */
#include <arpa/inet.h>
#include <string.h>

#include "aliases.h"
#include "apply.h"

struct search {
	const struct rt_state *state;
	uint8_t family;
	int ifindex; /* the link towards a backend, or 0 */
	struct addr there, anywhere;
};

static bool link_local(const struct addr *addr)
{
	if (addr->family == ADDR_IPV4)
		return addr->bytes[0] == 169 && addr->bytes[1] == 254;
	return addr->bytes[0] == 0xfe && (addr->bytes[1] & 0xc0) == 0x80;
}

static void consider(const struct rt_addr *address, void *arg)
{
	struct search *search = arg;
	const struct rt_link *link = rt_state_link(search->state, address->ifindex);

	if (address->addr.family != search->family || link_local(&address->addr) || !link || link->loopback ||
	    address->protocol == SHUNT_PROTOCOL)
		return;
	if (!search->anywhere.family)
		search->anywhere = address->addr;
	if (!search->there.family && address->ifindex == search->ifindex)
		search->there = address->addr;
}

/* The link towards the first backend of that family that is reached in a tunnel, or 0. */
static int first_link(const struct model *model, uint8_t family)
{
	for (size_t i = 0; i < model->services_count; i++) {
		const struct service *service = &model->services[i];

		if (!config_tunnels(service->config))
			continue;
		for (size_t j = 0; j < service->config->backends_count; j++) {
			const struct member *member = &service->members[j];

			if ((member->mode == SH_MODE_IPIP || member->mode == SH_MODE_GUE) &&
			    member->config->address.family == family && member->legs_count)
				return tables_nexthop_key(member->legs[0].nexthop)->ifindex;
		}
	}
	return 0;
}

static struct addr own_address(const struct apply *apply, uint8_t family)
{
	struct search search = {apply->state, family, first_link(apply->model, family), {0}, {0}};

	rt_state_each_addr(apply->state, consider, &search);
	return search.there.family ? search.there : search.anywhere;
}

/* A mask of `bits` bits from the right, at most 32, in network order. */
static uint32_t spread(unsigned bits)
{
	return bits >= 32 ? UINT32_MAX : htonl((1U << bits) - 1);
}

void apply_want_tunnel(const struct apply *apply, struct sh_tunnel *out)
{
	const struct config_tunnel *config = &apply->model->config->tunnel;
	struct addr source4 = config->source.addr, source6 = config->source6.addr;

	memset(out, 0, sizeof(*out));
	if (source4.family)
		out->spread4 = spread(32U - config->source.length);
	else
		source4 = own_address(apply, ADDR_IPV4);
	if (source6.family)
		out->spread6 = spread(128U - config->source6.length);
	else
		source6 = own_address(apply, ADDR_IPV6);
	memcpy(&out->source4, source4.bytes, sizeof(out->source4));
	memcpy(&out->source6, source6.bytes, sizeof(out->source6));
	out->port = htons((uint16_t)config->port);
}

void apply_tunnel(struct apply *apply)
{
	struct sh_knobs *knobs = dataplane_port(apply->dataplane)->knobs;
	uint32_t other = knobs->tunnel ? 0 : 1;
	struct sh_tunnel want;

	apply_want_tunnel(apply, &want);
	if (!memcmp(&want, &knobs->tunnels[!other], sizeof(want)))
		return;
	knobs->tunnels[other] = want;
	__atomic_store_n(&knobs->tunnel, other, __ATOMIC_RELEASE);
}
