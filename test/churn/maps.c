/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * maps DIR: what a packet would find in the pinned maps.
 *
 * For each line on standard input, whatever it says, one line of JSON: every backend with the path that its
 * record leads to, followed through the arrays exactly as the packet path follows them. It shares nothing
 * with the controller but the ABI of the maps. The differential test keeps one running and asks after each
 * burst. The maps are opened anew each time: the daemon may have put larger ones in their place.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include <shunt/abi.h>

struct array {
	void *records; /* mapped */
	size_t bytes;
	__u32 count;
};

struct maps {
	struct array backends, paths, nexthops;
};

static int map_array(const char *dir, const char *name, size_t size, struct array *out)
{
	struct bpf_map_info info = {0};
	__u32 length = sizeof(info);
	char path[256];
	int fd, err;

	(void)snprintf(path, sizeof(path), "%s/maps/%s", dir, name);
	fd = bpf_obj_get(path);
	err = fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &length) || info.value_size != size;
	if (!err) {
		out->count = info.max_entries;
		out->bytes = size * info.max_entries;
		out->records = mmap(NULL, out->bytes, PROT_READ, MAP_SHARED, fd, 0);
		err = out->records == MAP_FAILED;
	}
	if (err)
		(void)fprintf(stderr, "maps: cannot use %s: %s\n", path, strerror(errno));
	if (fd >= 0)
		(void)close(fd);
	return err;
}

static const char *ip_text(const struct sh_ip *ip, __u32 family, char *text)
{
	return inet_ntop(family == SH_FAMILY_IPV4 ? AF_INET : AF_INET6, ip, text, INET6_ADDRSTRLEN);
}

static void print_mac(const char *name, const __u8 *mac)
{
	printf("\"%s\":\"%02x:%02x:%02x:%02x:%02x:%02x\",", name, mac[0], mac[1], mac[2], mac[3], mac[4],
	       mac[5]);
}

static void print_nexthop(const struct maps *maps, __u32 index)
{
	const struct sh_nexthop *nexthops = maps->nexthops.records;
	const struct sh_nexthop *nexthop = &nexthops[index < maps->nexthops.count ? index : 0];
	char text[INET6_ADDRSTRLEN];

	printf("{\"index\":%u,\"valid\":%s,", index, nexthop->flags & SH_NEXTHOP_VALID ? "true" : "false");
	print_mac("dst_mac", nexthop->dst_mac);
	print_mac("src_mac", nexthop->src_mac);
	printf("\"mtu\":%u,\"ifindex\":%u,\"nexthop\":\"%s\"}", nexthop->mtu, nexthop->ifindex,
	       nexthop->family ? ip_text(&nexthop->neighbour, nexthop->family, text) : "none");
}

static void print_path(const struct maps *maps, __u32 index)
{
	const struct sh_path *paths = maps->paths.records;
	const struct sh_path *path = &paths[index < maps->paths.count ? index : 0];

	if (index & SH_PATH_ONE) {
		print_nexthop(maps, index & ~SH_PATH_ONE);
		return;
	}
	for (__u16 i = 0; i < path->buckets && i < SH_PATH_BUCKETS; i++) {
		(void)fputs(i ? "," : "", stdout);
		print_nexthop(maps, path->nexthop[i]);
	}
}

static void print_backend(const struct maps *maps, const struct sh_backend *backend, const char *comma)
{
	char text[INET6_ADDRSTRLEN];

	printf("%s{\"owner\":%llu,\"address\":\"%s\",\"mode\":%u,\"path\":%u,\"buckets\":[", comma,
	       backend->owner, ip_text(&backend->address, backend->family, text), backend->mode,
	       backend->path);
	print_path(maps, backend->path);
	(void)fputs("]}", stdout);
}

static void print_all(const struct maps *maps)
{
	const struct sh_backend *backends = maps->backends.records;
	const char *comma = "";

	(void)putchar('[');
	for (__u32 i = 1; i < maps->backends.count; i++) {
		if (!backends[i].owner)
			continue;
		print_backend(maps, &backends[i], comma);
		comma = ",";
	}
	(void)puts("]");
	(void)fflush(stdout);
}

static int print_once(const char *dir)
{
	struct maps maps;

	if (map_array(dir, "backends", sizeof(struct sh_backend), &maps.backends) ||
	    map_array(dir, "paths", sizeof(struct sh_path), &maps.paths) ||
	    map_array(dir, "nexthops", sizeof(struct sh_nexthop), &maps.nexthops))
		return 1;
	print_all(&maps);
	(void)munmap(maps.backends.records, maps.backends.bytes);
	(void)munmap(maps.paths.records, maps.paths.bytes);
	(void)munmap(maps.nexthops.records, maps.nexthops.bytes);
	return 0;
}

int main(int argc, char **argv)
{
	char line[16];
	int err = argc != 2;

	while (!err && fgets(line, sizeof(line), stdin))
		err = print_once(argv[1]);
	return err;
}
