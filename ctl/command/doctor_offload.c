/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * VLAN tags that the NIC takes off. See doctor.h.
 *
 * Such a tag is beside the frame, where XDP does not see it: the packet is taken for one without. In generic
 * mode it stays with what is forwarded, which leaves with it; in native mode it is lost, with the VLAN that
 * it told. Whether tagged frames come at all is not known here; where VLAN devices are above an interface
 * they do.
 */
#include "doctor.h"

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <shunt/rt.h>

/* What the look at all interfaces has come to. */
struct offload {
	struct rt_state *state;
	int socket;
	size_t count;
	char first[IFNAMSIZ]; /* of them */
};

static bool takes_off(const struct offload *offload, const char *name)
{
	struct ethtool_value flags = {.cmd = ETHTOOL_GFLAGS};
	struct ifreq request = {0};

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	request.ifr_data = (char *)&flags;
	return !ioctl(offload->socket, SIOCETHTOOL, &request) && (flags.data & ETH_FLAG_RXVLAN);
}

struct search {
	int below;
	bool found;
};

static void find_vlan(const struct rt_link *link, void *arg)
{
	struct search *search = arg;

	search->found |= !strcmp(link->kind, "vlan") && link->lower == search->below;
}

static bool has_vlans(const struct offload *offload, int ifindex)
{
	struct search search = {.below = ifindex};

	rt_state_each_link(offload->state, find_vlan, &search);
	return search.found;
}

static const char *text_of(const json_t *row, const char *key)
{
	const char *text = json_string_value(json_object_get(row, key));

	return text ? text : "";
}

static void look_at(struct offload *offload, const json_t *row)
{
	const char *name = text_of(row, "name");
	int ifindex = (int)json_integer_value(json_object_get(row, "ifindex"));

	if (!strcmp(text_of(row, "role"), "backend") || strcmp(text_of(row, "state"), "attached") != 0)
		return;
	if (strcmp(text_of(row, "mode"), "generic") != 0 && !has_vlans(offload, ifindex))
		return;
	if (takes_off(offload, name) && !offload->count++)
		snprintf(offload->first, sizeof(offload->first), "%s", name);
}

static void tell(struct doctor *doctor, const struct offload *offload)
{
	char more[48] = "", remedy[96];

	if (offload->count > 1)
		snprintf(more, sizeof(more), " (and %zu more)", offload->count - 1);
	snprintf(remedy, sizeof(remedy), "where tagged frames come: ethtool -K %s rxvlan off",
		 offload->first);
	doctor_note(doctor, VERDICT_WARN, "vlan", remedy,
		    "%s%s takes VLAN tags off before XDP sees them: packets are taken for untagged, and in "
		    "generic mode leave with the tag that they came with",
		    offload->first, more);
}

void doctor_offload(struct doctor *doctor, const json_t *interfaces)
{
	struct offload offload = {.socket = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
	struct rt_query *query = NULL;
	const json_t *row;
	size_t i;

	/* Where the kernel cannot be asked at all, doctor_file has said so. */
	if (offload.socket >= 0 && !rt_query_open(&query) && !rt_state_new(&offload.state) &&
	    !rt_state_load(offload.state, query)) {
		json_array_foreach (interfaces, i, row)
			look_at(&offload, row);
	}
	if (offload.count)
		tell(doctor, &offload);
	rt_state_free(offload.state);
	rt_query_close(query);
	if (offload.socket >= 0)
		close(offload.socket);
}
