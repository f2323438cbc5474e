/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The two sysctls without which a backend would answer ARP for the VIP on its loopback:
 * net.ipv4.conf.all.arp_ignore and arp_announce (Documentation/networking/ip-sysctl.rst).
 *
 * What they were is saved in a file before the first change, so that they can be put back after any
 * number of restarts. A saved value dies when it has been put back, or when somebody else changed
 * the sysctl before we could.
 */
#ifndef SHUNT_SYSCTLS_H
#define SHUNT_SYSCTLS_H

#include <stdbool.h>

struct sysctls;

/*
 * `base` is the folder of the sysctls, NULL for /proc/sys (which shows the network namespace of
 * this thread). `saved` is the file that remembers the former values: mode 0600, written anew
 * beside itself and renamed, gone when nothing is to be put back. What an earlier process left in it is
 * taken over. 0, or -errno, logged: -EINVAL where the file says what we never wrote.
 */
int sysctls_open(const char *base, const char *saved, struct sysctls **out);
void sysctls_close(struct sysctls *sysctls); /* NULL is fine; changes nothing */

/*
 * `wanted` (this node serves): sets what does not suffice, saving the former value first, and sets it
 * again where somebody changed it: call it from the audit. Not wanted: puts back. Each failure is logged
 * once, the others go on; returns 0 or the first -errno.
 */
int sysctls_sync(struct sysctls *sysctls, bool wanted);

/* Puts back what still has the value that we wrote, and removes the file. */
int sysctls_down(struct sysctls *sysctls);

#endif
