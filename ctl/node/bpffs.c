/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The folder that pins live in. See bpffs.h.
 */
#include "bpffs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define BPFFS_ROOT "/sys/fs/bpf"

static bool under_bpffs_root(const char *dir)
{
	size_t length = strlen(BPFFS_ROOT);

	return strncmp(dir, BPFFS_ROOT, length) == 0 && (dir[length] == '\0' || dir[length] == '/');
}

/* Cuts `path` back to the nearest ancestor that exists (itself included) and asks for its type. */
static int nearest_type(char *path, unsigned long *type)
{
	struct statfs fs;

	while (statfs(path, &fs) != 0) {
		char *slash = strrchr(path, '/');

		if (errno != ENOENT || !slash)
			return -errno;
		slash[slash == path ? 1 : 0] = '\0';
	}
	*type = (unsigned long)fs.f_type;
	return 0;
}

static int check_type(const char *dir, char *error, size_t size)
{
	char path[PATH_MAX];
	unsigned long type = 0;
	int rc;

	snprintf(path, sizeof(path), "%s", dir);
	rc = nearest_type(path, &type);
	if (rc) {
		snprintf(error, size, "cannot look at %s: %s", path, strerror(-rc));
		return rc;
	}
	if (type == BPF_FS_MAGIC)
		return 0;
	snprintf(error, size,
		 "%s is not on a BPF file system; choose a folder under " BPFFS_ROOT
		 " or another mount of type bpf",
		 dir);
	return -EMEDIUMTYPE;
}

static int explain(int rc, char *error, size_t size)
{
	snprintf(error, size, "cannot mount " BPFFS_ROOT ": %s; run as root: mount -t bpf bpf " BPFFS_ROOT,
		 strerror(-rc));
	return rc;
}

/*
 * Several daemons may start at once (one in each network namespace): a second mount would hide the pins of
 * the first. So it is done under a lock on the bare folder, and only where it is still bare.
 */
static int mount_root(const char *dir, char *error, size_t size)
{
	int lock = open(BPFFS_ROOT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc;

	if (lock < 0 || flock(lock, LOCK_EX)) {
		rc = explain(-errno, error, size);
	} else {
		rc = check_type(dir, error, size);
		if (rc == -EMEDIUMTYPE)
			rc = mount("bpf", BPFFS_ROOT, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700")
				     ? explain(-errno, error, size)
				     : 0;
	}
	if (lock >= 0)
		close(lock);
	return rc;
}

/* mkdir -p -m 0700. */
static int make_folders(const char *dir, char *error, size_t size)
{
	char path[PATH_MAX];
	char *slash = path;

	snprintf(path, sizeof(path), "%s", dir);
	while (slash) {
		int rc;

		slash = strchr(slash + 1, '/');
		if (slash)
			*slash = '\0';
		rc = mkdir(path, 0700) == 0 || errno == EEXIST ? 0 : -errno;
		if (rc) {
			snprintf(error, size, "cannot make the folder %s: %s", path, strerror(-rc));
			return rc;
		}
		if (slash)
			*slash = '/';
	}
	return 0;
}

int bpffs_prepare(const char *dir, char *error, size_t size)
{
	int rc;

	if (dir[0] != '/' || strlen(dir) >= PATH_MAX || strstr(dir, "/../")) {
		snprintf(error, size, "the pin folder '%s' must be an absolute path without `..`", dir);
		return -EINVAL;
	}
	rc = check_type(dir, error, size);
	if (rc == -EMEDIUMTYPE && under_bpffs_root(dir))
		rc = mount_root(dir, error, size);
	return rc ? rc : make_folders(dir, error, size);
}
