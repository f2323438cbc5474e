/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * `shunt drain` and `shunt undrain`: {"vip": VIP}, or {"backend": ADDRESS, "service": NAME}, where no
 * service stands for all that have the backend. See drains.h for how long it lasts.
 */
#include <errno.h>
#include <string.h>

#include "control.h"
#include "controller.h"
#include "drains.h"
#include "log.h"
#include "view.h"

static json_t *saved(struct controller *controller, int marked)
{
	int err = drains_save(controller->drains);

	if (err)
		return control_error("done, but it will not outlive the daemon: cannot write beside %s: %s",
				     controller->options->socket, strerror(-err));
	return json_pack("{s:b, s:i}", "ok", 1, "marked", marked);
}

static json_t *drain_vip(struct controller *controller, const char *text, bool drained)
{
	const struct config *config = controller->apply.model->config;
	struct addr vip;
	bool known = false;

	if (addr_parse(text, &vip))
		return control_error("'%s' is no address", text);
	for (size_t i = 0; i < config->services_count; i++)
		known |= config->services[i].advertise && !addr_compare(&config->services[i].vip, &vip);
	if (!known && !drains_has(controller->drains, &vip, NULL))
		return control_error("no service advertises %s: see shunt show adverts", text);
	if (drains_set(controller->drains, &vip, NULL, drained))
		return control_error("out of memory");
	advertise_sync(controller);
	return saved(controller, 1);
}

static bool has_backend(const struct config_service *service, const struct addr *address)
{
	for (size_t i = 0; i < service->backends_count; i++)
		if (!addr_compare(&service->backends[i].address, address))
			return true;
	return false;
}

static bool is_in_file(const struct config *config, const struct addr *address, const char *name)
{
	for (size_t i = 0; i < config->services_count; i++)
		if (strcmp(config->services[i].name, name) == 0 && has_backend(&config->services[i], address))
			return true;
	return false;
}

/* The mark that stands for no backend of the file, from *at on. */
static bool next_lost(const struct controller *controller, size_t *at, struct addr *address,
		      const char **service)
{
	for (; drains_at(controller->drains, *at, address, service); ++*at)
		if (*service && !is_in_file(controller->apply.model->config, address, *service))
			return true;
	return false;
}

void drain_tell_lost(const struct controller *controller)
{
	char text[ADDR_TEXT_SIZE];
	struct addr address;
	const char *service;

	for (size_t at = 0; next_lost(controller, &at, &address, &service); at++) {
		addr_format(&address, text);
		log_warn("%s is drained as a backend of %s, which the file has not: under another name it is "
			 "not drained (to forget this: shunt undrain %s %s)",
			 text, service, text, service);
	}
}

/* Removes the marks that stand for no backend of the file: how many there were. */
static int forget_lost(struct controller *controller, const struct addr *wanted, const char *name)
{
	struct addr address;
	const char *service;
	int count = 0;

	for (size_t at = 0; next_lost(controller, &at, &address, &service);) {
		if (addr_compare(&address, wanted) || (name && strcmp(service, name) != 0)) {
			at++;
			continue;
		}
		/* Another one takes its place. Removing takes no memory. */
		(void)drains_set(controller->drains, wanted, service, false);
		count++;
	}
	return count;
}

/* How many services have it; -ENOMEM. */
static int mark_backend(struct controller *controller, const struct addr *address, const char *name,
			bool drained)
{
	const struct config *config = controller->apply.model->config;
	int marked = 0;

	for (size_t i = 0; i < config->services_count; i++) {
		const struct config_service *service = &config->services[i];
		bool has = has_backend(service, address);

		if (name && strcmp(service->name, name) != 0)
			continue;
		if (has && drains_set(controller->drains, address, service->name, drained))
			return -ENOMEM;
		marked += has;
	}
	return marked;
}

static json_t *drain_backend(struct controller *controller, const char *text, const char *name, bool drained)
{
	struct addr address;
	int marked;

	if (addr_parse(text, &address))
		return control_error("'%s' is no address; a VIP is drained by --vip %s", text, text);
	marked = mark_backend(controller, &address, name, drained);
	if (marked < 0)
		return control_error("out of memory");
	if (!drained)
		marked += forget_lost(controller, &address, name);
	if (!marked)
		return name ? control_error("service %s has no backend %s: see shunt show backends", name,
					    text)
			    : control_error("no service has the backend %s: see shunt show backends", text);
	drain_members(controller);
	/* Who is told that it is done may count on it: from now on no new flow goes there. */
	controller_pass_now(controller);
	return saved(controller, marked);
}

static json_t *answer(const json_t *request, struct controller *controller, bool drained)
{
	const char *vip = json_string_value(json_object_get(request, "vip"));
	const char *backend = json_string_value(json_object_get(request, "backend"));
	const char *service = json_string_value(json_object_get(request, "service"));

	/* Its mark would be kept, and change nothing. */
	if (drained && controller->loaded == ROLE_BACKEND)
		return control_error("this node is a backend and sends no flows: drain on each director");
	if (vip)
		return drain_vip(controller, vip, drained);
	if (backend)
		return drain_backend(controller, backend, service, drained);
	return control_error("drain what? BACKEND [SERVICE], or --vip VIP");
}

json_t *answer_drain(const json_t *request, struct control_client *client, void *arg)
{
	(void)client;
	return answer(request, arg, true);
}

json_t *answer_undrain(const json_t *request, struct control_client *client, void *arg)
{
	(void)client;
	return answer(request, arg, false);
}
