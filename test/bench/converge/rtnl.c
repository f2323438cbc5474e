/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * See rtnl.h. A request is built in one struct, sent, and its acknowledgement read: the kernel has made the
 * change, and queued its notifications, when the send returns.
 */
#include "rtnl.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <linux/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

struct request {
	struct nlmsghdr header;
	union {
		struct ndmsg neighbour;
		struct rtmsg route;
		struct ifinfomsg link;
		char room[256];
	};
};

static const int groups[] = {RTNLGRP_LINK, RTNLGRP_NEIGH, RTNLGRP_IPV4_ROUTE};

int rtnl_open(struct rtnl *rtnl)
{
	struct sockaddr_nl local = {.nl_family = AF_NETLINK};

	rtnl->ask = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	rtnl->listen = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (rtnl->ask < 0 || rtnl->listen < 0)
		return -1;
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		local.nl_groups |= 1U << (groups[i] - 1);
	return bind(rtnl->listen, (const struct sockaddr *)&local, sizeof(local));
}

/* A socket belongs to the namespace that its thread is in when it is made. */
int rtnl_open_in(const char *netns, struct rtnl *rtnl)
{
	int here = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), there, err = -1;
	char path[256];

	(void)snprintf(path, sizeof(path), "/run/netns/%s", netns);
	there = open(path, O_RDONLY | O_CLOEXEC);
	if (here >= 0 && there >= 0 && !setns(there, CLONE_NEWNET)) {
		rtnl->listen = -1;
		rtnl->ask = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
		err = setns(here, CLONE_NEWNET) || rtnl->ask < 0 ? -1 : 0;
	}
	(void)close(here);
	(void)close(there);
	return err;
}

void rtnl_close(struct rtnl *rtnl)
{
	(void)close(rtnl->ask);
	(void)close(rtnl->listen);
}

void rtnl_expect(struct rtnl *rtnl, int type, int ifindex)
{
	rtnl->type = type;
	rtnl->ifindex = ifindex;
}

union notification {
	struct nlmsghdr header;
	struct {
		struct nlmsghdr header;
		struct ifinfomsg info;
	} link;
	char room[8192];
};

/* False where there is none. */
static bool next(struct rtnl *rtnl, union notification *message)
{
	return recv(rtnl->listen, message, sizeof(*message), MSG_DONTWAIT) >= (ssize_t)sizeof(message->link);
}

void rtnl_drain(struct rtnl *rtnl)
{
	union notification message;

	while (next(rtnl, &message))
		;
}

bool rtnl_notified(struct rtnl *rtnl)
{
	const unsigned int works = IFF_UP | IFF_LOWER_UP;
	union notification message;

	if (!next(rtnl, &message) || message.header.nlmsg_type != rtnl->type)
		return false;
	return rtnl->type != RTM_NEWLINK || (message.link.info.ifi_index == rtnl->ifindex &&
					     (message.link.info.ifi_flags & works) != works);
}

static void add(struct request *request, unsigned short type, const void *data, unsigned short size)
{
	struct rtattr *attribute = (struct rtattr *)((char *)request +
						     NLMSG_ALIGN(request->header.nlmsg_len));

	attribute->rta_type = type;
	attribute->rta_len = RTA_LENGTH(size);
	memcpy(RTA_DATA(attribute), data, size);
	request->header.nlmsg_len = NLMSG_ALIGN(request->header.nlmsg_len) + RTA_ALIGN(attribute->rta_len);
}

static int send_request(struct rtnl *rtnl, struct request *request)
{
	struct {
		struct nlmsghdr header;
		struct nlmsgerr error;
		char room[512];
	} answer;

	request->header.nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
	if (send(rtnl->ask, request, request->header.nlmsg_len, 0) < 0 ||
	    recv(rtnl->ask, &answer, sizeof(answer), 0) < 0)
		return -1;
	errno = -answer.error.error;
	return answer.error.error ? -1 : 0;
}

int rtnl_neighbour(struct rtnl *rtnl, int ifindex, struct in_addr address, const unsigned char *mac)
{
	struct request request = {
		.header = {.nlmsg_len = NLMSG_LENGTH(sizeof(struct ndmsg)),
			   .nlmsg_type = RTM_NEWNEIGH,
			   .nlmsg_flags = NLM_F_CREATE | NLM_F_REPLACE},
		.neighbour = {.ndm_family = AF_INET, .ndm_ifindex = ifindex, .ndm_state = NUD_PERMANENT},
	};

	add(&request, NDA_DST, &address, sizeof(address));
	add(&request, NDA_LLADDR, mac, 6);
	return send_request(rtnl, &request);
}

int rtnl_route(struct rtnl *rtnl, struct in_addr prefix, unsigned char length, struct in_addr via)
{
	struct request request = {
		.header = {.nlmsg_len = NLMSG_LENGTH(sizeof(struct rtmsg)),
			   .nlmsg_type = RTM_NEWROUTE,
			   .nlmsg_flags = NLM_F_CREATE | NLM_F_REPLACE},
		.route = {.rtm_family = AF_INET,
			  .rtm_dst_len = length,
			  .rtm_table = RT_TABLE_MAIN,
			  .rtm_protocol = RTPROT_BOOT,
			  .rtm_type = RTN_UNICAST},
	};

	add(&request, RTA_DST, &prefix, sizeof(prefix));
	add(&request, RTA_GATEWAY, &via, sizeof(via));
	return send_request(rtnl, &request);
}

int rtnl_ifindex(const struct rtnl *rtnl, const char *name)
{
	struct ifreq request = {0};

	(void)snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	return ioctl(rtnl->ask, SIOCGIFINDEX, &request) ? 0 : request.ifr_ifindex;
}

int rtnl_link(struct rtnl *rtnl, int ifindex, bool up)
{
	struct request request = {
		.header = {.nlmsg_len = NLMSG_LENGTH(sizeof(struct ifinfomsg)), .nlmsg_type = RTM_NEWLINK},
		.link = {.ifi_index = ifindex, .ifi_flags = up ? IFF_UP : 0, .ifi_change = IFF_UP},
	};

	return send_request(rtnl, &request);
}
