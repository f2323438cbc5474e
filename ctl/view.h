/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The controller's state as JSON documents: what `shunt status` and `shunt show` print.
 *
 * The names in them are part of the contract. Each returns a new reference, or NULL when memory
 * ran out.
 */
#ifndef SHUNT_VIEW_H
#define SHUNT_VIEW_H

#include <jansson.h>
#include <stdint.h>

struct config_service;
struct control_client;
struct controller;
struct member;
struct member_leg;
struct sh_count;
struct sh_path;

json_t *view_status(struct controller *controller);
json_t *view_services(struct controller *controller);
json_t *view_backends(struct controller *controller);
json_t *view_nexthops(struct controller *controller);
json_t *view_interfaces(struct controller *controller);
json_t *view_aliases(struct controller *controller);
json_t *view_adverts(struct controller *controller);
json_t *view_flows(struct controller *controller);
/* One row of view_backends. */
json_t *view_backend(const struct controller *controller, const struct member *member);

/* "192.0.2.1 dev eth0 (02:...), ..." or "none". */
json_t *view_path_text(const struct controller *controller, const struct sh_path *path);
/* "tx", "redirect", ... of an enum sh_reason. */
const char *view_reason_name(unsigned reason);
const char *view_reason_words(unsigned reason);

/* The service with that owner as the file has it, or NULL; and its name, or "". */
const struct config_service *view_service_config(const struct controller *controller, uint64_t owner);
const char *view_service_name(const struct controller *controller, uint64_t owner);

/* Verifies: {"checked", "differences": [{"what", "where", "want", "have"}], "count"}. In verify.c. */
json_t *verify(struct controller *controller);

/* `shunt drain` and `undrain`: marks, saves, and passes. In drain.c. */
json_t *answer_drain(const json_t *request, struct control_client *client, void *arg);
json_t *answer_undrain(const json_t *request, struct control_client *client, void *arg);

/* Publishes an event, and takes it. In tell.c. */
void tell_event(struct controller *controller, json_t *event);

#endif
