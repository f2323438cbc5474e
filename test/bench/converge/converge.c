/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * converge PIN_DIR ROUNDS REST_MS CASE...: from a change of the kernel's routing state to the word that
 * packets read.
 *
 *	neighbour DEV ADDRESS           the neighbour gets another MAC
 *	busy DEV ADDRESS OTHER          the same, right after the link OTHER went down or up
 *	route PREFIX LENGTH VIA VIA     the route goes by one gateway, by the other, ...
 *	leg DEV                         the link goes down (and up again, which is not measured)
 *	carrier DEV NETNS PEER          it loses its carrier, as its peer in that namespace goes down
 *
 * One thread, pinned to the last CPU it may use, with real-time priority: it makes the change itself, and
 * then watches two things without pause: a bare rtnetlink socket, for the kernel's notification, and the
 * words in the daemon's mapped arrays. For each round a line: microseconds from just before the change was
 * sent to the notification, and to the word. For a route to the last word: every backend that the maps hold
 * must have another path.
 *
 * Before each round it rests, so that each change meets a quiet daemon (but see busy).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include <shunt/abi.h>

#include "rtnl.h"

#define DEADLINE_US 5000000

struct array {
	void *records;
	__u32 count;
};

struct bench {
	struct array backends, paths, nexthops;
	__u64 *before; /* by backend: its word when the round began */
	struct rtnl rtnl;
	struct rtnl there_too; /* in the peer's namespace */
	/* The case: what comes before the change of a round (or NULL), makes it, tells whether its words are
	 * there. */
	int (*prepare)(struct bench *bench, unsigned int round);
	int (*change)(struct bench *bench, unsigned int round);
	bool (*there)(struct bench *bench);
	void (*restore)(struct bench *bench); /* or NULL */
	int ifindex, peer;		      /* peer: of the namespace there, or the other link */
	struct in_addr address, via[2];
	unsigned char length;
	__u64 want;	/* neighbour: the MAC, as it stands in the record */
	__u32 position; /* route: backends from this one on have moved */
};

static double now_us(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static __u64 load(const __u64 *word)
{
	return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

static int map_array(const char *dir, const char *name, size_t size, struct array *out)
{
	struct bpf_map_info info = {0};
	__u32 length = sizeof(info);
	char path[256];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/maps/%s", dir, name);
	fd = bpf_obj_get(path);
	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &length) || info.value_size != size) {
		(void)fprintf(stderr, "converge: cannot use %s: %s\n", path, strerror(errno));
		return -1;
	}
	out->count = info.max_entries;
	out->records = mmap(NULL, size * info.max_entries, PROT_READ, MAP_SHARED, fd, 0);
	return out->records == MAP_FAILED ? -1 : 0;
}

/* Does a packet to the first backend go to a next hop of this link, and by that MAC where there is one? */
static bool leads_to(const struct bench *bench, __u32 index, const __u64 *mac)
{
	const struct sh_nexthop *nexthop = (const struct sh_nexthop *)bench->nexthops.records + index;
	__u64 dst = load(&nexthop->dst);

	if (index >= bench->nexthops.count || nexthop->link != (__u32)bench->ifindex)
		return false;
	return mac ? !memcmp(&dst, mac, 6) : (nexthop->flags & SH_NEXTHOP_VALID) != 0;
}

static bool first_goes(const struct bench *bench, const __u64 *mac)
{
	const struct sh_backend *backend = bench->backends.records;
	const struct sh_path *path;

	while (!backend->owner)
		backend++;
	if (backend->path & SH_PATH_ONE)
		return leads_to(bench, backend->path & ~SH_PATH_ONE, mac);
	if (backend->path >= bench->paths.count)
		return false;
	path = (const struct sh_path *)bench->paths.records + backend->path;
	for (__u16 i = 0; i < path->buckets; i++) {
		if (leads_to(bench, path->nexthop[i], mac))
			return true;
	}
	return false;
}

/* ---- the cases ------------------------------------------------------------------------------ */

static int change_neighbour(struct bench *bench, unsigned int round)
{
	const unsigned char mac[6] = {2, 0, 0, 0x99, (unsigned char)(round >> 8), (unsigned char)round};

	bench->want = 0;
	memcpy(&bench->want, mac, sizeof(mac));
	return rtnl_neighbour(&bench->rtnl, bench->ifindex, bench->address, mac);
}

/* Something to do for the daemon, about everything. */
static int toggle_other(struct bench *bench, unsigned int round)
{
	return rtnl_link(&bench->rtnl, bench->peer, round % 2);
}

static bool neighbour_there(struct bench *bench)
{
	return first_goes(bench, &bench->want);
}

/* Reading a hundred thousand words takes longer than the kernel does to change the route. */
static int remember_words(struct bench *bench, unsigned int round)
{
	const struct sh_backend *backends = bench->backends.records;

	(void)round;
	for (__u32 i = 1; i < bench->backends.count; i++)
		bench->before[i] = load(&backends[i].how);
	bench->position = bench->backends.count;
	return 0;
}

static int change_route(struct bench *bench, unsigned int round)
{
	return rtnl_route(&bench->rtnl, bench->address, bench->length, bench->via[round % 2]);
}

/* From the end, as the daemon begins at the beginning: one that looked at each word just when it is stored
 * would have the two CPUs fight for its cache line, ten thousand times. */
static bool route_there(struct bench *bench)
{
	const struct sh_backend *backends = bench->backends.records;

	while (bench->position > 1 &&
	       (!backends[bench->position - 1].owner ||
		load(&backends[bench->position - 1].how) != bench->before[bench->position - 1]))
		bench->position--;
	return bench->position == 1;
}

static int change_leg(struct bench *bench, unsigned int round)
{
	(void)round;
	return rtnl_link(&bench->rtnl, bench->ifindex, false);
}

static int change_carrier(struct bench *bench, unsigned int round)
{
	(void)round;
	return rtnl_link(&bench->there_too, bench->peer, false);
}

static bool leg_there(struct bench *bench)
{
	return !first_goes(bench, NULL);
}

static void await_leg(struct bench *bench)
{
	double begin = now_us();

	while (leg_there(bench) && now_us() - begin < DEADLINE_US)
		(void)usleep(1000);
}

static void restore_leg(struct bench *bench)
{
	(void)rtnl_link(&bench->rtnl, bench->ifindex, true);
	await_leg(bench);
}

static void restore_carrier(struct bench *bench)
{
	(void)rtnl_link(&bench->there_too, bench->peer, true);
	await_leg(bench);
}

/* ---- a round -------------------------------------------------------------------------------- */

static int measure(struct bench *bench, unsigned int round)
{
	double begin, notified = 0, there = 0, now;

	if (bench->prepare && bench->prepare(bench, round))
		return -errno;
	rtnl_drain(&bench->rtnl);
	begin = now_us();
	if (bench->change(bench, round))
		return -errno;
	do {
		if (!there && bench->there(bench))
			there = now_us();
		if (!notified && rtnl_notified(&bench->rtnl))
			notified = now_us();
		now = now_us();
	} while ((!there || !notified) && now - begin < DEADLINE_US);
	if (!there || !notified)
		return -ETIMEDOUT;
	printf("%.2f %.2f\n", notified - begin, there - begin);
	if (bench->restore)
		bench->restore(bench);
	return 0;
}

static int run(struct bench *bench, unsigned int rounds, unsigned int rest)
{
	for (unsigned int i = 0; i < rounds; i++) {
		int err;

		(void)usleep(rest * 1000);
		err = measure(bench, i);
		if (err) {
			(void)fprintf(stderr, "converge: round %u: %s\n", i, strerror(-err));
			return 1;
		}
	}
	return 0;
}

/* ---- the command line ----------------------------------------------------------------------- */

/* To one CPU, and before all that has no real-time priority: what else runs here is not to be measured. */
static int settle_down(void)
{
	const struct sched_param lowest = {.sched_priority = sched_get_priority_min(SCHED_FIFO)};
	cpu_set_t cpus, one;
	int last = -1;

	if (sched_getaffinity(0, sizeof(cpus), &cpus))
		return -1;
	for (int i = 0; i < CPU_SETSIZE; i++)
		last = CPU_ISSET(i, &cpus) ? i : last;
	CPU_ZERO(&one);
	CPU_SET(last, &one);
	if (sched_setaffinity(0, sizeof(one), &one))
		return -1;
	return sched_setscheduler(0, SCHED_FIFO, &lowest);
}

static int take_neighbour(struct bench *bench, char **words)
{
	bench->change = change_neighbour;
	bench->there = neighbour_there;
	bench->ifindex = rtnl_ifindex(&bench->rtnl, words[1]);
	rtnl_expect(&bench->rtnl, RTM_NEWNEIGH, bench->ifindex);
	return inet_pton(AF_INET, words[2], &bench->address) == 1 ? 0 : -1;
}

static int take_busy(struct bench *bench, char **words)
{
	bench->prepare = toggle_other;
	bench->peer = rtnl_ifindex(&bench->rtnl, words[3]);
	return bench->peer ? take_neighbour(bench, words) : -1;
}

static int take_route(struct bench *bench, char **words)
{
	bench->prepare = remember_words;
	bench->change = change_route;
	bench->there = route_there;
	bench->length = (unsigned char)strtoul(words[2], NULL, 10);
	rtnl_expect(&bench->rtnl, RTM_NEWROUTE, 0);
	if (inet_pton(AF_INET, words[1], &bench->address) != 1 ||
	    inet_pton(AF_INET, words[3], &bench->via[0]) != 1)
		return -1;
	return inet_pton(AF_INET, words[4], &bench->via[1]) == 1 ? 0 : -1;
}

static int take_leg(struct bench *bench, char **words)
{
	bench->change = change_leg;
	bench->there = leg_there;
	bench->restore = restore_leg;
	bench->ifindex = rtnl_ifindex(&bench->rtnl, words[1]);
	rtnl_expect(&bench->rtnl, RTM_NEWLINK, bench->ifindex);
	return bench->ifindex ? 0 : -1;
}

static int take_carrier(struct bench *bench, char **words)
{
	if (take_leg(bench, words) || rtnl_open_in(words[2], &bench->there_too))
		return -1;
	bench->change = change_carrier;
	bench->restore = restore_carrier;
	bench->peer = rtnl_ifindex(&bench->there_too, words[3]);
	return bench->peer ? 0 : -1;
}

static int take_case(struct bench *bench, int count, char **words)
{
	static const struct {
		const char *name;
		int words;
		int (*take)(struct bench *bench, char **words);
	} cases[] = {{"neighbour", 3, take_neighbour},
		     {"busy", 4, take_busy},
		     {"route", 5, take_route},
		     {"leg", 2, take_leg},
		     {"carrier", 4, take_carrier}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (count == cases[i].words && !strcmp(words[0], cases[i].name))
			return cases[i].take(bench, words);
	}
	return -1;
}

static unsigned int number(const char *text)
{
	return (unsigned int)strtoul(text, NULL, 10);
}

int main(int argc, char **argv)
{
	struct bench bench = {.there_too = {.ask = -1, .listen = -1}};
	int err;

	if (argc < 6 || rtnl_open(&bench.rtnl) || take_case(&bench, argc - 4, argv + 4)) {
		(void)fprintf(stderr, "usage: converge PIN_DIR ROUNDS REST_MS CASE...\n");
		return 2;
	}
	if (settle_down() || map_array(argv[1], "backends", sizeof(struct sh_backend), &bench.backends) ||
	    map_array(argv[1], "paths", sizeof(struct sh_path), &bench.paths) ||
	    map_array(argv[1], "nexthops", sizeof(struct sh_nexthop), &bench.nexthops))
		return 1;
	bench.before = calloc(bench.backends.count, sizeof(*bench.before));
	err = bench.before ? run(&bench, number(argv[2]), number(argv[3])) : 1;
	free(bench.before);
	rtnl_close(&bench.rtnl);
	rtnl_close(&bench.there_too);
	return err;
}
