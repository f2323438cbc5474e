/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * `shunt doctor`: what its files share. Each examines one subject and notes findings: what is right,
 * what may be meant so, what is wrong; each that is not right with its remedy.
 *
 *	cmd_doctor.c       the order, the output, the exit status
 *	doctor.c           findings, and the daemon's answers
 *	doctor_place.c     the daemon's network namespace, and how to be in it
 *	doctor_shunt.c     the file, the daemon, and what the daemon says of itself
 *	doctor_offload.c   VLAN tags that the NIC takes off
 *	doctor_reach.c     backends that only a default route leads to
 *	doctor_vips.c      VIPs whose other packets would go round and round
 *	doctor_system.c    sysctls, bpffs, what the kernel can do
 *	doctor_routing.c   a routing daemon beside it, and whether it carries the VIPs
 *	doctor_process.c   finding processes, and asking a program
 */
#ifndef SHUNT_DOCTOR_H
#define SHUNT_DOCTOR_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "command.h"
#include "role.h"

struct config;

enum verdict { VERDICT_OK = 0, VERDICT_WARN, VERDICT_FAIL };

struct doctor {
	const struct command *command;
	const char *path;      /* of the file: as named, else the daemon's, else where it is by default */
	json_t *status;	       /* as `status -j`; NULL where the daemon does not answer */
	struct config *config; /* NULL where it has an error; owned by cmd_doctor */
	struct role_view role; /* of this node, as the daemon finds it */
	json_t *adverts;       /* as `show adverts -j`; NULL where the daemon does not answer */
	json_t *findings;      /* [{"check", "state", "text", "remedy"}] */
	bool failed;
};

/* `remedy` is "" where nothing is wrong. */
void doctor_note(struct doctor *doctor, enum verdict verdict, const char *check, const char *remedy,
		 const char *format, ...) __attribute__((format(printf, 5, 6)));

/* The daemon's document, the caller's, or NULL. Steals the request; NULL is "no memory". */
json_t *doctor_ask(const struct doctor *doctor, json_t *request);

/* First: what comes after it is about the file that it has found, and the network namespace that it has gone
 * to. */
void doctor_place(struct doctor *doctor);
void doctor_file(struct doctor *doctor);
void doctor_daemon(struct doctor *doctor);
/* `interfaces` as `show interfaces -j`. */
void doctor_offload(struct doctor *doctor, const json_t *interfaces);
void doctor_reach(struct doctor *doctor);
void doctor_vips(struct doctor *doctor);
void doctor_system(struct doctor *doctor);
void doctor_routing(struct doctor *doctor);

/* Does a service of the file want its VIP advertised? */
bool doctor_advertises(const struct doctor *doctor);

/* The value of a sysctl, by its path below /proc/sys. False where it cannot be read. */
bool doctor_sysctl(const char *name, int *value);

#define PROCESS_ARGUMENT_SIZE 256

/* A process of that name in this network namespace. The value behind `option` in its command line goes to
 * `argument`, "" where it has none. False where there is no such process. */
bool process_find(const char *name, const char *option, char argument[static PROCESS_ARGUMENT_SIZE]);

/* Runs a program (found by PATH, its stderr discarded) and keeps the first `size` - 1 bytes of what it
 * prints, terminated. 0, or -errno: -ENOENT where there is none, -EIO where it ends with another status than
 * 0. */
int process_output(char *const argv[], char *out, size_t size);

#endif
