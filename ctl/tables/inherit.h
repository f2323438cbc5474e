/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The succession from what the tables hold to a config: see inherit.c.
 */
#ifndef SHUNT_INHERIT_H
#define SHUNT_INHERIT_H

#include "succession.h"

struct tables;

/* Before the config's things are asked for. 0 and *out (succession_free), or -ENOMEM or -ENOSPC. */
int inherit(const struct config *config, struct tables *tables, struct succession *out);

#endif
