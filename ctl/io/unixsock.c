/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Making the two ends of the control socket: control.c listens, client.c connects.
 *
 * Whether a socket file is stale is not guessed from a pid: connecting is refused exactly when
 * nobody listens (net/unix/af_unix.c, unix_find_bsd).
 */
#include "unixsock.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 64

static int address_of(const char *path, struct sockaddr_un *out)
{
	*out = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof(out->sun_path))
		return -ENAMETOOLONG;
	memcpy(out->sun_path, path, strlen(path));
	return 0;
}

static int connect_with(const char *path, int flags, int *out)
{
	struct sockaddr_un address;
	int error = address_of(path, &address);
	int fd;

	if (error)
		return error;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address))) {
		error = -errno;
		close(fd);
		return error;
	}
	*out = fd;
	return 0;
}

int unixsock_connect(const char *path, int *out)
{
	return connect_with(path, 0, out);
}

static int make_folder(const char *path)
{
	char copy[PATH_MAX];

	if (snprintf(copy, sizeof(copy), "%s", path) >= (int)sizeof(copy))
		return -ENAMETOOLONG;
	return mkdir(dirname(copy), 0755) && errno != EEXIST ? -errno : 0;
}

/* 0 when `path` is free now: it was a socket that nobody listens on, or has gone meanwhile. */
static int remove_stale(const char *path)
{
	struct stat stat;
	int fd = -1, error;

	if (lstat(path, &stat))
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(stat.st_mode))
		return -ENOTSOCK;
	error = connect_with(path, SOCK_NONBLOCK, &fd);
	if (!error)
		close(fd);
	/* A full backlog is EAGAIN: somebody listens, if slowly. */
	if (!error || error == -EAGAIN)
		return -EADDRINUSE;
	if (error != -ECONNREFUSED)
		return error;
	return unlink(path) && errno != ENOENT ? -errno : 0;
}

static int bind_to(int fd, const char *path)
{
	struct sockaddr_un address;
	int error = address_of(path, &address);

	if (error)
		return error;
	if (!bind(fd, (const struct sockaddr *)&address, sizeof(address)))
		return 0;
	if (errno != EADDRINUSE)
		return -errno;
	error = remove_stale(path);
	if (error)
		return error;
	return bind(fd, (const struct sockaddr *)&address, sizeof(address)) ? -errno : 0;
}

int unixsock_listen(const char *path, int *out)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int error;

	if (fd < 0)
		return -errno;
	error = make_folder(path);
	/* bind gives the file the mode of the socket: there is no moment in which others may connect. */
	if (!error && fchmod(fd, 0600))
		error = -errno;
	if (!error)
		error = bind_to(fd, path);
	if (!error && listen(fd, BACKLOG)) {
		error = -errno;
		unlink(path);
	}
	if (error) {
		close(fd);
		return error;
	}
	*out = fd;
	return 0;
}
