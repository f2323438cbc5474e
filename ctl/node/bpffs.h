/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The folder that pins live in: on a BPF file system, mounted where it is missing.
 */
#ifndef SHUNT_BPFFS_H
#define SHUNT_BPFFS_H

#include <stddef.h>

/*
 * Makes `dir` (absolute) and its parents with mode 0700 on a BPF file system. Where the nearest
 * folder that exists is on none and `dir` lies under /sys/fs/bpf, mounts one at /sys/fs/bpf. 0, or
 * -errno with `error` (at most `size` bytes) filled: what failed and the remedy. -EMEDIUMTYPE:
 * `dir` is on another file system.
 */
int bpffs_prepare(const char *dir, char *error, size_t size);

#endif
