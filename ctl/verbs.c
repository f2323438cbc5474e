/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the control socket answers. See control.h and view.h.
 */
#include <string.h>

#include "control.h"
#include "controller.h"
#include "explain.h"
#include "loop.h"
#include "view.h"

static json_t *answer_status(const json_t *request, struct control_client *client, void *arg)
{
	(void)request;
	(void)client;
	return view_status(arg);
}

static json_t *answer_show(const json_t *request, struct control_client *client, void *arg)
{
	static const struct {
		const char *what;
		json_t *(*view)(struct controller *controller);
	} views[] = {
		{"services", view_services},	 {"backends", view_backends}, {"nexthops", view_nexthops},
		{"interfaces", view_interfaces}, {"aliases", view_aliases},   {"adverts", view_adverts},
		{"flows", view_flows},
	};
	const char *what = json_string_value(json_object_get(request, "what"));

	(void)client;
	for (size_t i = 0; what && i < sizeof(views) / sizeof(views[0]); i++) {
		if (!strcmp(what, views[i].what))
			return views[i].view(arg);
	}
	return control_error(
		"show what? services, backends, nexthops, interfaces, aliases, adverts or flows");
}

static json_t *answer_events(const json_t *request, struct control_client *client, void *arg)
{
	(void)request;
	(void)arg;
	control_subscribe(client);
	return NULL;
}

static json_t *answer_verify(const json_t *request, struct control_client *client, void *arg)
{
	(void)request;
	(void)client;
	return verify(arg);
}

static json_t *answer_reload(const json_t *request, struct control_client *client, void *arg)
{
	struct controller *controller = arg;
	char text[1024];

	(void)request;
	(void)client;
	if (load_file(controller, text, sizeof(text)))
		return control_error("%s", text);
	return json_pack("{s:b, s:i}", "ok", 1, "services",
			 (int)controller->apply.model->config->services_count);
}

static json_t *answer_down(const json_t *request, struct control_client *client, void *arg)
{
	struct controller *controller = arg;

	(void)request;
	(void)client;
	controller_leave(controller, ENDING_DOWN);
	return json_pack("{s:b}", "ok", 1);
}

const struct control_verb controller_verbs[] = {
	{"status", answer_status, false},   {"show", answer_show, true},
	{"events", answer_events, false},   {"verify", answer_verify, true},
	{"reload", answer_reload, false},   {"down", answer_down, false},
	{"drain", answer_drain, false},	    {"undrain", answer_undrain, false},
	{"explain", answer_explain, false}, {NULL, NULL, false},
};
