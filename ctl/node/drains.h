/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the operator has drained: VIPs, and backends of services.
 *
 * A file beside the control socket holds it, so that it outlives reloads and restarts of the
 * daemon, but not of the machine. An entry dies by `shunt undrain` alone: a backend that the file
 * (shunt.yaml) loses and gets back is still drained. A service is meant by its name: under another one its
 * backends are not drained, though it goes on with the flows. (A reload warns of what is drained nowhere.)
 */
#ifndef SHUNT_DRAINS_H
#define SHUNT_DRAINS_H

#include <stdbool.h>

#include <shunt/addr.h>

struct drains;

/* Reads `path`, where it is there. 0, or -errno, logged: -EINVAL where it says what we never wrote. */
int drains_open(const char *path, struct drains **out);
void drains_close(struct drains *drains); /* NULL is fine */

/* `service` NULL: the address is a VIP; else a backend of the service with that name. */
bool drains_has(const struct drains *drains, const struct addr *address, const char *service);
/* The `index`th entry, in any order until one is entered or removed; *service is NULL for a VIP. false: there
 * are not so many. */
bool drains_at(const struct drains *drains, size_t index, struct addr *address, const char **service);
/* Enters or removes it. Call drains_save when all is said. 0 or -ENOMEM. */
int drains_set(struct drains *drains, const struct addr *address, const char *service, bool drained);
/* Writes the file anew beside itself and renames it; gone where nothing is drained. 0 or -errno. */
int drains_save(const struct drains *drains);

#endif
