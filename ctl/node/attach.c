/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * XDP programs on links by pinned bpf_links. See attach.h.
 *
 * What the kernel does is in kernel: net/core/dev.c dev_xdp_attach (who excludes whom, with which
 * errno) and bpf_xdp_link_update, bpf_xdp_link_detach. A link whose device was deleted reads ifindex 0.
 * One whose device moved to another network namespace goes on: it reads the index that the device
 * has there, which may be the very one that it had here, while another device has it here now. So a
 * link is believed only where this namespace shows its program on the ifindex of its pin.
 */
#include "attach.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <shunt/rt.h>

#include "log.h"
#include "pins.h"

struct attach {
	struct pins pins;
	struct rt_query *query;
	struct rt_link
		*seen; /* links that carry a program, as attach_observe found them; ascending by ifindex */
	size_t seen_count, seen_size;
};

static int open_in(struct attach *attach, const char *pin_dir)
{
	char *dir;
	int rc;

	if (asprintf(&dir, "%s/links", pin_dir) < 0)
		return -ENOMEM;
	rc = pins_open(dir, &attach->pins);
	free(dir);
	if (rc)
		return rc;
	rc = rt_query_open(&attach->query);
	if (rc) {
		log_error("cannot open a netlink socket: %s", strerror(-rc));
		pins_close(&attach->pins);
	}
	return rc;
}

int attach_open(const char *pin_dir, struct attach **out)
{
	struct attach *attach = calloc(1, sizeof(*attach));
	int rc = attach ? open_in(attach, pin_dir) : -ENOMEM;

	if (rc)
		free(attach);
	else
		*out = attach;
	return rc;
}

void attach_close(struct attach *attach)
{
	if (!attach)
		return;
	pins_close(&attach->pins);
	rt_query_close(attach->query);
	free(attach->seen);
	free(attach);
}

void attach_forget(const struct attach *attach)
{
	(void)rmdir(attach->pins.dir);
}

/* ---- what the kernel shows ------------------------------------------------------------------ */

static int see(const struct rt_link *link, void *arg)
{
	struct attach *attach = arg;

	if (link->xdp_mode == RT_XDP_NONE)
		return 0;
	if (attach->seen_count == attach->seen_size) {
		size_t size = attach->seen_size ? attach->seen_size * 2 : 16;
		struct rt_link *seen = reallocarray(attach->seen, size, sizeof(*seen));

		if (!seen)
			return -ENOMEM;
		attach->seen = seen;
		attach->seen_size = size;
	}
	attach->seen[attach->seen_count++] = *link;
	return 0;
}

static int compare_links(const void *a, const void *b)
{
	int left = ((const struct rt_link *)a)->ifindex;
	int right = ((const struct rt_link *)b)->ifindex;

	return (left > right) - (left < right);
}

/* One dump for all links: asked one by one, a hundred links would cost some 70 ms. */
int attach_observe(struct attach *attach)
{
	int rc;

	attach->seen_count = 0;
	rc = rt_dump_links(attach->query, see, attach);
	if (attach->seen_count > 1)
		qsort(attach->seen, attach->seen_count, sizeof(*attach->seen), compare_links);
	return rc;
}

const struct rt_link *attach_seen(const struct attach *attach, int ifindex)
{
	const struct rt_link key = {.ifindex = ifindex};

	if (!attach->seen_count)
		return NULL;
	return bsearch(&key, attach->seen, attach->seen_count, sizeof(key), compare_links);
}

static __u32 mode_flag(enum rt_xdp_mode mode)
{
	if (mode == RT_XDP_GENERIC)
		return XDP_FLAGS_SKB_MODE;
	return mode == RT_XDP_OFFLOAD ? XDP_FLAGS_HW_MODE : XDP_FLAGS_DRV_MODE;
}

/* Links are listed for CAP_SYS_ADMIN alone. But a request to take away another program than is there changes
 * nothing, and the kernel refuses it with EBUSY where there is a link, before it compares programs. */
bool attach_blocked_by_link(const struct attach *attach, int ifindex, int program_fd)
{
	LIBBPF_OPTS(bpf_xdp_attach_opts, opts, .old_prog_fd = program_fd);
	const struct rt_link *seen = attach_seen(attach, ifindex);

	return seen &&
	       bpf_xdp_attach(ifindex, -1, mode_flag(seen->xdp_mode) | XDP_FLAGS_REPLACE, &opts) == -EBUSY;
}

/* Is the link still about the device that has this ifindex in this namespace? Where a device has
 * programs in several modes the kernel does not say which is which. */
static bool believable(const struct attach *attach, const struct pinned *entry,
		       const struct bpf_link_info *info)
{
	const struct rt_link *seen = attach_seen(attach, entry->ifindex);
	enum rt_xdp_mode mode = entry->how.native ? RT_XDP_NATIVE : RT_XDP_GENERIC;

	if (!seen || (int)info->xdp.ifindex != entry->ifindex)
		return false;
	return seen->xdp_mode == RT_XDP_MULTI ||
	       (seen->xdp_mode == mode && seen->xdp_program == info->prog_id);
}

/* ---- setting ------------------------------------------------------------------------------- */

static bool fits(const struct attach_result *how, enum attach_mode mode)
{
	if (mode == ATTACH_NATIVE)
		return how->native;
	if (mode == ATTACH_GENERIC)
		return !how->native;
	return how->native || how->refused;
}

static int update(const struct pinned *entry, const struct bpf_link_info *info, int program_fd)
{
	struct bpf_prog_info program = {0};
	__u32 size = sizeof(program);

	if (bpf_obj_get_info_by_fd(program_fd, &program, &size))
		return -errno;
	if (program.id == info->prog_id)
		return 0;
	return bpf_link_update(entry->fd, program_fd, NULL) ? -errno : 0;
}

/* The kernel answers EINVAL for a link that there is not; nothing else tells it apart. */
static int create_link(int ifindex, int program_fd, bool native)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = native ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE);
	char name[IFNAMSIZ];
	int fd = bpf_link_create(program_fd, ifindex, BPF_XDP, &opts);
	int rc = fd < 0 ? -errno : 0;

	if (rc == -EINVAL && !if_indextoname((unsigned)ifindex, name))
		rc = -ENODEV;
	return rc ? rc : fd;
}

/* Is it the device that refuses native mode? The others would be the same in generic mode. */
static bool refuses_native(int rc)
{
	return rc != -EBUSY && rc != -EEXIST && rc != -ENODEV && rc != -EPERM && rc != -EBADF;
}

/* Sets entry->fd and entry->how. */
static int create_in_mode(struct pinned *entry, int program_fd, enum attach_mode mode)
{
	int refused = 0;

	entry->fd = create_link(entry->ifindex, program_fd, mode != ATTACH_GENERIC);
	if (entry->fd < 0 && mode == ATTACH_AUTO && refuses_native(entry->fd)) {
		refused = -entry->fd;
		entry->fd = create_link(entry->ifindex, program_fd, false);
	}
	if (entry->fd < 0)
		return entry->fd;
	entry->how = (struct attach_result){.native = mode != ATTACH_GENERIC && !refused, .refused = refused};
	return 0;
}

static int create(struct pins *pins, int ifindex, int program_fd, enum attach_mode mode,
		  struct attach_result *out)
{
	struct pinned entry = {.ifindex = ifindex};
	int rc = create_in_mode(&entry, program_fd, mode);

	if (rc)
		return rc;
	rc = pins_add(pins, &entry);
	if (rc)
		close(entry.fd);
	else
		*out = entry.how;
	return rc;
}

/* -ENOLINK: the entry is of no more use. */
static int keep(const struct attach *attach, const struct pinned *entry, int program_fd,
		enum attach_mode mode)
{
	struct bpf_link_info info;
	int rc = pins_info(entry, &info);

	if (rc)
		return rc;
	if (!believable(attach, entry, &info) || !fits(&entry->how, mode))
		return -ENOLINK;
	rc = update(entry, &info, program_fd);
	return rc ? rc : pins_restore(&attach->pins, entry);
}

int attach_set(struct attach *attach, int ifindex, int program_fd, enum attach_mode mode,
	       struct attach_result *out)
{
	struct pinned *entry = pins_find(&attach->pins, ifindex);
	int rc = entry ? keep(attach, entry, program_fd, mode) : -ENOLINK;

	if (!rc)
		*out = entry->how;
	if (rc != -ENOLINK)
		return rc;
	rc = entry ? pins_drop(&attach->pins, entry) : 0;
	return rc ? rc : create(&attach->pins, ifindex, program_fd, mode, out);
}

int attach_remove(struct attach *attach, int ifindex)
{
	struct pinned *entry = pins_find(&attach->pins, ifindex);

	return entry ? pins_drop(&attach->pins, entry) : 0;
}

bool attach_has(const struct attach *attach, int ifindex)
{
	return pins_find(&attach->pins, ifindex) != NULL;
}

size_t attach_held(const struct attach *attach, int *out, size_t size)
{
	for (size_t i = 0; i < attach->pins.count && i < size; i++)
		out[i] = attach->pins.entries[i].ifindex;
	return attach->pins.count;
}
