/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The canned answers of the stand-in daemon of cmd_test.c: `verbs` has something to say to every
 * command, `other_verbs` has nothing to show and refuses.
 */
#ifndef SHUNT_TEST_CMD_ANSWERS_H
#define SHUNT_TEST_CMD_ANSWERS_H

#include "fake_daemon.h"

static const char services_json[] = "[{\"name\":\"web\",\"vip\":\"203.0.113.10\",\"port\":80,\"protocol\":"
				    "\"tcp\",\"scheduler\":\"maglev\","
				    "\"backends\":2,\"active\":1,\"packets\":1200,\"bytes\":1536},"
				    "{\"name\":\"dns6\",\"vip\":\"2001:db8::10\",\"port\":\"any\","
				    "\"protocol\":\"udp\",\"scheduler\":\"random\","
				    "\"backends\":12,\"active\":12,\"packets\":7,\"bytes\":999}]";

static const char backends_json[] =
	"[{\"service\":\"web\",\"address\":\"198.51.100.11\",\"weight\":1,\"forward\":\"l3\",\"state\":"
	"\"active\","
	"\"reason\":\"\",\"health\":null,\"paths\":[{\"nexthop\":\"192.0.2.1\",\"dev\":\"eth1\",\"ifindex\":"
	"3,"
	"\"src_mac\":\"02:00:00:00:00:01\",\"dst_mac\":\"02:00:00:00:00:02\",\"vlan\":null,\"mtu\":1500,"
	"\"weight\":1}],"
	"\"packets\":1200,\"bytes\":3221225472},"
	"{\"service\":\"web\",\"address\":\"198.51.100.12\",\"weight\":10,\"forward\":\"l3\",\"state\":"
	"\"unreachable\","
	"\"reason\":\"no route to 198.51.100.12\",\"health\":null,\"paths\":[],\"packets\":0,\"bytes\":0},"
	"{\"service\":\"dns6\",\"address\":\"2001:db8:1::11\",\"weight\":1,\"forward\":\"l2\",\"state\":"
	"\"active\","
	"\"reason\":null,\"health\":null,\"paths\":[{\"nexthop\":\"2001:db8::1\",\"dev\":\"eth1\",\"weight\":"
	"2},"
	"{\"nexthop\":\"2001:db8::2\",\"dev\":\"eth2\",\"weight\":1}],\"packets\":7,\"bytes\":999}]";

static const char nexthops_json[] =
	"[{\"nexthop\":\"192.0.2.1\",\"dev\":\"eth1\",\"ifindex\":3,\"src_mac\":\"02:00:00:00:00:01\","
	"\"dst_mac\":null,\"vlan\":7,\"mtu\":1500,\"egress\":\"eth0\",\"state\":\"resolving\",\"managed\":"
	"true,\"backends\":"
	"4000}]";

static const char interfaces_json[] =
	"[{\"name\":\"eth1\",\"ifindex\":3,\"role\":\"director\",\"mode\":\"native\",\"state\":\"attached\","
	"\"reason\":\"\"},"
	"{\"name\":\"eth\\u001b2\",\"ifindex\":14,\"role\":\"director\",\"mode\":null,\"state\":\"blocked\","
	"\"reason\":\"another XDP program (id 7) is attached\"}]";

static const char aliases_json[] = "[{\"vip\":\"203.0.113.10\",\"dev\":\"lo\",\"state\":\"present\"}]";

static const char flows_json[] = "[{\"client\":\"198.18.0.1\",\"client_port\":40312,\"vip\":\"203.0.113.10\","
				 "\"vip_port\":80,\"protocol\":\"tcp\","
				 "\"service\":\"web\",\"backend\":\"198.51.100.11\"},"
				 "{\"client\":\"2001:db8:2::1\",\"client_port\":5,\"vip\":\"2001:db8::10\","
				 "\"vip_port\":53,\"protocol\":\"udp\","
				 "\"service\":\"dns6\",\"backend\":\"2001:db8:1::11\"}]";

static const char status_json[] =
	"{\"version\":\"0.1.0\",\"pid\":321,\"uptime\":3725,\"role\":\"director\",\"file\":\"/etc/shunt/"
	"shunt.yaml\","
	"\"interfaces\":2,\"services\":2,\"backends\":3,\"active\":2,\"nexthops\":1,\"aliases\":0,\"map_"
	"writes\":88,"
	"\"netlink\":{\"events\":120,\"overruns\":1,\"unparsed\":0,\"asks\":45,\"filter\":true},\"adverts\":{"
	"\"vips\":2,\"put_back\":3},\"audit\":"
	"{\"interval\":30.0,\"runs\":12,\"found\":1,\"last\":1.5e9},\"reloads\":2,\"reasons\":["
	"{\"name\":\"tx\",\"packets\":1207,\"bytes\":2535,\"words\":\"forwarded out of the interface it came "
	"in\"},"
	"{\"name\":\"redirect\",\"packets\":0,\"bytes\":0,\"words\":\"forwarded out of another interface\"},"
	"{\"name\":\"drop_too_big\",\"packets\":3,\"bytes\":4500,\"words\":\"larger than the MTU of the "
	"path\"}],"
	"\"generation\":9}";

static const char events_json[] =
	"[{\"event\":\"dispatch\",\"time\":1600000000.25,\"service\":\"web\",\"client\":\"198.18.0.1\","
	"\"client_port\":40312,\"vip\":\"203.0.113.10\",\"vip_port\":80,\"protocol\":\"tcp\","
	"\"backend\":\"198.51.100.11\",\"reason\":\"tx\",\"missed\":0},"
	"{\"event\":\"dispatch\",\"time\":1600000000.5,\"service\":\"dns6\",\"client\":\"2001:db8:2::1\","
	"\"client_port\":5,"
	"\"vip\":\"2001:db8::10\",\"vip_port\":53,\"protocol\":\"udp\",\"backend\":null,\"reason\":\"drop_no_"
	"backend\","
	"\"missed\":12},"
	"{\"event\":\"neighbour\",\"time\":1600000000,\"nexthop\":\"192.0.2.1\",\"dev\":\"eth1\","
	"\"before\":\"02:00:00:00:00:02\",\"after\":\"02:00:00:00:00:03\"},"
	"{\"event\":\"route\",\"time\":1600000000,\"backend\":\"198.51.100.11\",\"before\":\"192.0.2.1 dev "
	"eth1\","
	"\"after\":null},"
	"{\"event\":\"state\",\"time\":1600000000,\"service\":\"web\",\"backend\":\"198.51.100.11\","
	"\"before\":\"active\","
	"\"after\":\"unreachable\",\"reason\":\"no route\"},"
	"{\"event\":\"interface\",\"time\":1600000000,\"name\":\"eth1\",\"ifindex\":3,\"state\":\"attached\","
	"\"reason\":\"\"},"
	"{\"event\":\"alias\",\"time\":1600000000,\"vip\":\"203.0.113.10\",\"state\":\"put back\"},"
	"{\"event\":\"audit\",\"time\":1600000000,\"what\":\"mode\",\"where\":\"web 198.51.100.11\","
	"\"want\":\"l3\",\"have\":\"none\"},"
	"{\"event\":\"overrun\",\"time\":1600000000},"
	"{\"event\":\"eclipse\",\"time\":1600000000,\"of\":\"moon\",\"part\":0.5,\"seen\":true}]";

static const char explain_json[] =
	"{\"client\":\"2001:db8:18::10\",\"client_port\":40000,\"vip\":\"2001:db8::10\",\"vip_port\":80,"
	"\"protocol\":\"tcp\",\"kind\":\"ack\",\"size\":74,\"dev\":\"eth1\",\"ifindex\":3,"
	"\"program\":\"director\",\"service\":\"web\",\"slot\":{\"index\":7,\"of\":256,\"state\":"
	"\"moving\",\"now\":null,\"before\":\"198.51.100.11\"},\"remembered\":null,\"picked\":\"it had the "
	"slot\",\"backend\":{\"address\":\"198.51.100.11\",\"forward\":\"ipip\",\"weight\":2,\"state\":"
	"\"draining\",\"reason\":\"drained\",\"paths\":[{\"nexthop\":\"192.0.2.1\",\"dev\":\"eth1\","
	"\"mtu\":1500,\"weight\":1,\"chosen\":false},{\"nexthop\":\"192.0.2.2\",\"dev\":\"eth2\",\"mtu\":"
	"1400,\"weight\":3,"
	"\"chosen\":true}]},\"out\":{\"dev\":\"eth2\",\"ifindex\":4,\"src_mac\":\"02:00:00:00:00:01\","
	"\"dst_mac\":\"02:00:00:00:00:02\",\"vlan\":7,\"source\":\"198.18.1.10\",\"destination\":"
	"\"198.51.100.11\",\"size\":98},\"verdict\":\"redirect\",\"reason\":\"redirect\",\"words\":"
	"\"forwarded out of another interface\",\"advice\":\"all is well\",\"hex\":{\"in\":\"00\",\"out\":"
	"\"01\"}}";

static const char explain_dropped_json[] =
	"{\"client\":\"198.18.0.1\",\"client_port\":1,\"vip\":\"203.0.113.10\",\"vip_port\":53,"
	"\"protocol\":\"udp\",\"kind\":\"datagram\",\"size\":42,\"dev\":\"eth1\",\"ifindex\":3,"
	"\"program\":\"director\",\"service\":\"dns\",\"slot\":null,\"remembered\":null,\"picked\":"
	"\"there is none to pick\",\"backend\":null,\"out\":null,\"verdict\":\"drop\",\"reason\":"
	"\"drop_no_backend\",\"words\":\"the service has no active backend\",\"advice\":\"\",\"hex\":{"
	"\"in\":\"00\",\"out\":\"00\"}}";

/* As one question asks, or another. */
static json_t *answer_explain(const json_t *request, struct control_client *client, void *arg)
{
	json_int_t size = json_integer_value(json_object_get(request, "size"));

	(void)client;
	(void)arg;
	return json_loads(size ? explain_json : explain_dropped_json, 0, NULL);
}

static json_t *answer_show(const json_t *request, struct control_client *client, void *arg)
{
	static const struct {
		const char *what, *json;
	} lists[] = {
		{"services", services_json}, {"backends", backends_json},     {"nexthops", nexthops_json},
		{"aliases", aliases_json},   {"interfaces", interfaces_json}, {"flows", flows_json},
	};
	const char *what = json_string_value(json_object_get(request, "what"));

	(void)client;
	(void)arg;
	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
		if (!strcmp(lists[i].what, what))
			return json_loads(lists[i].json, 0, NULL);
	}
	return control_error("cannot show %s", what);
}

static json_t *answer_nothing_to_show(const json_t *request, struct control_client *client, void *arg)
{
	(void)request;
	(void)client;
	(void)arg;
	return json_array();
}

static json_t *answer_status(const json_t *request, struct control_client *client, void *arg)
{
	(void)request;
	(void)client;
	(void)arg;
	return json_loads(status_json, 0, NULL);
}

/* Publishes all at once, and goes. */
static json_t *answer_events(const json_t *request, struct control_client *client, void *arg)
{
	const struct fake_daemon *daemon = arg;
	json_t *events = json_loads(events_json, 0, NULL), *event;
	size_t i;

	(void)request;
	control_subscribe(client);
	json_array_foreach (events, i, event)
		control_publish(daemon->control, event);
	json_decref(events);
	loop_stop(daemon->loop);
	return NULL;
}

static json_t *answer_verify(const json_t *request, struct control_client *client, void *arg)
{
	(void)request;
	(void)client;
	(void)arg;
	return json_pack("{s:i,s:[{s:s,s:s,s:s,s:n}],s:i}", "checked", 40, "differences", "what", "nexthop",
			 "where", "192.0.2.1 dev eth1", "want", "02:00:00:00:00:02", "have", "count", 1);
}

static json_t *answer_verified(const json_t *request, struct control_client *client, void *arg)
{
	(void)request;
	(void)client;
	(void)arg;
	return json_pack("{s:i,s:[],s:i}", "checked", 40, "differences", "count", 0);
}

static json_t *answer_reload(const json_t *request, struct control_client *client, void *arg)
{
	(void)request;
	(void)client;
	(void)arg;
	return json_pack("{s:b,s:i,s:i}", "ok", 1, "services", 2, "backends", 3);
}

static json_t *answer_refused(const json_t *request, struct control_client *client, void *arg)
{
	(void)request;
	(void)client;
	(void)arg;
	return control_error("shunt.yaml:3:5: unknown key 'vpi'\n    vpi: x\n    ^");
}

static json_t *answer_down(const json_t *request, struct control_client *client, void *arg)
{
	const struct fake_daemon *daemon = arg;

	(void)request;
	(void)client;
	loop_stop(daemon->loop);
	return json_pack("{s:b}", "ok", 1);
}

__attribute__((unused)) static const struct control_verb verbs[] = {
	{"show", answer_show, false},	  {"status", answer_status, false},
	{"events", answer_events, false}, {"explain", answer_explain, false},
	{"verify", answer_verify, false}, {"reload", answer_reload, false},
	{"down", answer_down, false},	  {0},
};

/* One event, and then nothing for ever. */
static json_t *answer_endless(const json_t *request, struct control_client *client, void *arg)
{
	const struct fake_daemon *daemon = arg;
	json_t *event = json_pack("{s:s}", "event", "reload");

	(void)request;
	control_subscribe(client);
	control_publish(daemon->control, event);
	json_decref(event);
	return NULL;
}

__attribute__((unused)) static const struct control_verb endless_verbs[] = {
	{"events", answer_endless, false},
	{0},
};

__attribute__((unused)) static const struct control_verb other_verbs[] = {
	{"show", answer_nothing_to_show, false},
	{"verify", answer_verified, false},
	{"reload", answer_refused, false},
	{0},
};

#endif
