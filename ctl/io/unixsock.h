/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * UNIX stream sockets by path: both ends of the control socket.
 */
#ifndef SHUNT_UNIXSOCK_H
#define SHUNT_UNIXSOCK_H

/* A listening, non-blocking socket with mode 0600 (the caller closes it and unlinks `path`), in
 * *out. The last folder of `path` is made where it is missing. A socket that nobody listens on
 * is replaced. -EADDRINUSE where somebody answers there, -ENOTSOCK where `path` is something
 * else, -ENAMETOOLONG, or what the system says. */
int unixsock_listen(const char *path, int *out);
/* A connected, blocking socket in *out, the caller's. */
int unixsock_connect(const char *path, int *out);

#endif
