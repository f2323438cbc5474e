/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The pinned XDP links. See pins.h.
 */
#include "pins.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "bpffs.h"
#include "log.h"

#define PIN_NAME_SIZE 40

static void pin_name(int ifindex, const struct attach_result *how, char name[static PIN_NAME_SIZE])
{
	if (how->refused)
		snprintf(name, PIN_NAME_SIZE, "%d-refused-%d", ifindex, how->refused);
	else
		snprintf(name, PIN_NAME_SIZE, "%d-%s", ifindex, how->native ? "native" : "generic");
}

/* The inverse: false for a name that pin_name does not write. */
static bool pin_parse(const char *name, int *ifindex, struct attach_result *how)
{
	char again[PIN_NAME_SIZE];
	char *end;
	long index = strtol(name, &end, 10);

	if (index <= 0 || index > INT_MAX)
		return false;
	*how = (struct attach_result){.native = strcmp(end, "-native") == 0};
	if (strncmp(end, "-refused-", 9) == 0)
		how->refused = (int)strtol(end + 9, NULL, 10);
	*ifindex = (int)index;
	pin_name(*ifindex, how, again);
	return strcmp(name, again) == 0;
}

static void pin_path(const struct pins *pins, int ifindex, const struct attach_result *how,
		     char path[static PATH_MAX])
{
	char name[PIN_NAME_SIZE];

	pin_name(ifindex, how, name);
	snprintf(path, PATH_MAX, "%s/%s", pins->dir, name);
}

int pins_info(const struct pinned *entry, struct bpf_link_info *out)
{
	struct bpf_link_info info = {0};
	__u32 size = sizeof(info);

	if (bpf_obj_get_info_by_fd(entry->fd, &info, &size))
		return -errno;
	if (info.type != BPF_LINK_TYPE_XDP)
		return -EINVAL;
	*out = info;
	return 0;
}

/* ---- the table ----------------------------------------------------------------------------- */

struct pinned *pins_find(const struct pins *pins, int ifindex)
{
	for (size_t i = 0; i < pins->count; i++)
		if (pins->entries[i].ifindex == ifindex)
			return &pins->entries[i];
	return NULL;
}

static int insert(struct pins *pins, const struct pinned *entry)
{
	size_t at = 0;

	if (pins->count == pins->size) {
		size_t size = pins->size ? pins->size * 2 : 8;
		struct pinned *entries = reallocarray(pins->entries, size, sizeof(*entries));

		if (!entries)
			return -ENOMEM;
		pins->entries = entries;
		pins->size = size;
	}
	while (at < pins->count && pins->entries[at].ifindex < entry->ifindex)
		at++;
	memmove(&pins->entries[at + 1], &pins->entries[at], (pins->count - at) * sizeof(*entry));
	pins->entries[at] = *entry;
	pins->count++;
	return 0;
}

int pins_restore(const struct pins *pins, const struct pinned *entry)
{
	char path[PATH_MAX];

	pin_path(pins, entry->ifindex, &entry->how, path);
	if (access(path, F_OK) == 0)
		return 0;
	return bpf_obj_pin(entry->fd, path) ? -errno : 0;
}

int pins_add(struct pins *pins, const struct pinned *entry)
{
	char path[PATH_MAX];
	int rc;

	pin_path(pins, entry->ifindex, &entry->how, path);
	unlink(path);
	if (bpf_obj_pin(entry->fd, path))
		return -errno;
	rc = insert(pins, entry);
	if (rc)
		unlink(path);
	return rc;
}

/* The detach is explicit, for somebody else may hold the link too (a pin of theirs, bpftool), and the program
 * would stay, even on a device that has moved away. It fails only where there is no device left to detach
 * from. */
int pins_drop(struct pins *pins, struct pinned *entry)
{
	size_t at = (size_t)(entry - pins->entries);
	char path[PATH_MAX];
	int rc;

	bpf_link_detach(entry->fd);
	pin_path(pins, entry->ifindex, &entry->how, path);
	rc = unlink(path) == 0 || errno == ENOENT ? 0 : -errno;
	close(entry->fd);
	pins->count--;
	memmove(entry, entry + 1, (pins->count - at) * sizeof(*entry));
	return rc;
}

/* ---- adopting ------------------------------------------------------------------------------ */

/* Takes over the descriptor. What the pin is named for must be what the link is about; else the device is
 * gone or has moved. */
static int adopt(struct pins *pins, const struct pinned *entry)
{
	struct bpf_link_info info;
	int rc = pins_info(entry, &info);

	if (!rc)
		rc = insert(pins, entry);
	if (rc) {
		close(entry->fd);
		return rc;
	}
	if ((int)info.xdp.ifindex != entry->ifindex)
		return pins_drop(pins, pins_find(pins, entry->ifindex));
	return 0;
}

static void adopt_name(struct pins *pins, const char *name)
{
	struct pinned entry;
	char path[PATH_MAX];
	int rc;

	snprintf(path, sizeof(path), "%s/%s", pins->dir, name);
	if (!pin_parse(name, &entry.ifindex, &entry.how) || pins_find(pins, entry.ifindex)) {
		log_warn("%s is no pin of a link that shuntd knows: left alone; remove it with: rm %s", path,
			 path);
		return;
	}
	entry.fd = bpf_obj_get(path);
	rc = entry.fd < 0 ? -errno : adopt(pins, &entry);
	if (rc)
		log_error("cannot adopt the XDP link %s: %s; remove it with: rm %s", path, strerror(-rc),
			  path);
}

static int adopt_all(struct pins *pins)
{
	struct dirent **names;
	int count = scandir(pins->dir, &names, NULL, alphasort);

	if (count < 0) {
		int rc = -errno;

		log_error("cannot read %s: %s", pins->dir, strerror(-rc));
		return rc;
	}
	for (int i = 0; i < count; i++) {
		if (names[i]->d_name[0] != '.')
			adopt_name(pins, names[i]->d_name);
		free(names[i]);
	}
	free(names);
	return 0;
}

static int prepare(struct pins *pins)
{
	char error[256];
	int rc = bpffs_prepare(pins->dir, error, sizeof(error));

	if (rc) {
		log_error("%s", error);
		return rc;
	}
	pins->lock = open(pins->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (pins->lock < 0 || flock(pins->lock, LOCK_EX | LOCK_NB)) {
		rc = errno == EWOULDBLOCK ? -EADDRINUSE : -errno;
		log_error(
			"cannot take %s: %s", pins->dir,
			rc == -EADDRINUSE
				? "another shuntd uses it; stop that one, or give this one its own --pin-dir"
				: strerror(-rc));
		return rc;
	}
	return adopt_all(pins);
}

int pins_open(const char *dir, struct pins *out)
{
	struct pins pins = {.dir = strdup(dir), .lock = -1};
	int rc = pins.dir ? prepare(&pins) : -ENOMEM;

	if (rc)
		pins_close(&pins);
	else
		*out = pins;
	return rc;
}

void pins_close(struct pins *pins)
{
	for (size_t i = 0; i < pins->count; i++)
		close(pins->entries[i].fd);
	if (pins->lock >= 0)
		close(pins->lock);
	free(pins->entries);
	free(pins->dir);
	*pins = (struct pins){.lock = -1};
}
