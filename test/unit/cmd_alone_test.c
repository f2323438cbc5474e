/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The command without a daemon: usage, help, the ways in which there is none, and `check`.
 */
#include "cmd_run.h"

#define SHOW_USAGE                                                                   \
	"show LIST [-j] [--socket PATH]: services, backends, nexthops, interfaces, " \
	"aliases, adverts or flows"
#define STATUS_USAGE "status [-j] [--socket PATH]: what runs, and what became of the packets"

/* The verb's usage is what comes of these words, and before it what it does not take, if it is that. */
static void assert_usage(const char *words, const char *unfit, const char *usage)
{
	char says[512];

	snprintf(says, sizeof(says), "%s%s%sshunt: usage: shunt %s\n", *unfit ? "shunt: " : "", unfit,
		 *unfit ? "\n" : "", usage);
	assert_run("/nonexistent", words, 2, "", says);
}

static void what_is_mistyped_gets_the_nearest_word(void **state)
{
	(void)state;
	assert_run("/nonexistent", "levitate", 2, "",
		   "shunt: unknown verb 'levitate'; valid: status, show, events, explain, verify, drain, "
		   "undrain, "
		   "reload, check, doctor, withdraw, down, help, version\n");
	assert_run("/nonexistent", "statsu", 2, "", "shunt: unknown verb 'statsu'; did you mean 'status'?\n");
	assert_run("/nonexistent", "show bakends", 2, "",
		   "shunt: cannot show 'bakends'; did you mean 'backends'?\n");
	assert_run("/nonexistent", "show weather", 2, "",
		   "shunt: cannot show 'weather'; valid: services, backends, nexthops, interfaces, aliases, "
		   "adverts, flows\n");
}

static void a_wrong_number_of_arguments_is_usage(void **state)
{
	(void)state;
	assert_usage("show", "", SHOW_USAGE);
	assert_usage("show backends now", "show takes no 'now'", SHOW_USAGE);
	assert_usage("check", "", "check FILE [-j] [--socket PATH]: check a file, without the daemon");
	assert_usage("status now", "status takes no 'now'", STATUS_USAGE);
}

static void an_unknown_option_is_usage(void **state)
{
	(void)state;
	assert_run("/nonexistent", "-x status", 2, "", "shunt: unknown option -x; try shunt --help\n");
	assert_run("/nonexistent", "--jason status", 2, "",
		   "shunt: unknown option --jason; try shunt --help\n");
	assert_run("/nonexistent", "status --socket", 2, "",
		   "shunt: --socket needs a value: --socket PATH\n");
}

static void without_a_daemon_it_says_how_to_find_one(void **state)
{
	(void)state;
	assert_run("/nonexistent", "status --socket /nonexistent", 1, "",
		   "shunt: cannot connect to /nonexistent: No such file or directory; is shuntd running? "
		   "(systemctl status shuntd, or --socket PATH)\n");
	assert_run("/nonexistent", "events -j --socket /nonexistent", 1, "",
		   "shunt: cannot connect to /nonexistent: No such file or directory; is shuntd running? "
		   "(systemctl status shuntd, or --socket PATH)\n");
}

static void shunt_alone_shows_the_way(void **state)
{
	(void)state;
	assert_run(
		"/nonexistent", "", 0,
		"shunt: routing-aware direct server return; the command of the daemon shuntd\n"
		"\n"
		"usage: shunt [-j] [--socket PATH] VERB [ARGUMENT]\n"
		"\n"
		"  status                                 what runs, and what became of the packets\n"
		"  show LIST                              services, backends, nexthops, interfaces, aliases, "
		"adverts or flows\n"
		"  events                                 live: dispatches (sampled), routing and state "
		"changes\n"
		"  explain SRC:PORT VIP:PORT/PROTO        ask the loaded program what it does with a packet, "
		"and why\n"
		"  verify                                 compare the maps with the kernel now; status 1 "
		"where they differ\n"
		"  drain BACKEND [SERVICE] | --vip VIP    no new flows to a backend; or take leave with a "
		"VIP\n"
		"  undrain BACKEND [SERVICE] | --vip VIP  end that\n"
		"  reload                                 read the file again; a broken one changes nothing\n"
		"  check FILE                             check a file, without the daemon\n"
		"  doctor [FILE]                          what is missing on this node and beside it, and "
		"the remedy\n"
		"  withdraw [FILE]                        remove every advert, without the daemon; for when "
		"it stays dead\n"
		"  down                                   remove programs, pins and aliases, and end the "
		"daemon\n"
		"  help [VERB]                            this text, or one verb's\n"
		"  version                                the version of this command\n"
		"\n"
		"options\n"
		"  -j, --json     one JSON document (events: one a line) instead of text\n"
		"  --vip VIP      drain, undrain: a VIP in place of a backend\n"
		"  --as KIND      explain: syn, ack; datagram, initial (QUIC)\n"
		"  --dev NAME     explain: where the packet comes in\n"
		"  --size BYTES   explain: of the frame\n"
		"  --ttl TTL      explain: TTL or hop limit (64)\n"
		"  --socket PATH  where the daemon listens (/run/shunt/shunt.sock)\n"
		"  -h, --help     this text, or the verb's\n"
		"  -V, --version  the version of this command\n"
		"\n"
		"examples\n"
		"  sudo shunt show backends\n"
		"  shunt check /etc/shunt/shunt.yaml && sudo shunt reload\n",
		"");
}

static void help_is_about_one_verb_too(void **state)
{
	(void)state;
	assert_run("/nonexistent", "help verify", 0,
		   "shunt verify\n"
		   "    compare the maps with the kernel now; status 1 where they differ\n",
		   "");
	assert_run("/nonexistent", "verify -h", 0,
		   "shunt verify\n"
		   "    compare the maps with the kernel now; status 1 where they differ\n",
		   "");
	assert_run("/nonexistent", "help levitate", 2, "",
		   "shunt: unknown verb 'levitate'; valid: status, show, events, explain, verify, drain, "
		   "undrain, "
		   "reload, check, doctor, withdraw, down, help, version\n");
}

static void what_explain_cannot_read_is_usage(void **state)
{
	static const struct {
		const char *words, *says;
	} wrong[] = {
		{"198.18.0.1 203.0.113.10:80/tcp", "'198.18.0.1' is no SRC:PORT; for example "
						   "198.18.0.1:40000 or [2001:db8::1]:40000"},
		{"198.18.0.1:0 203.0.113.10:80/tcp", "'198.18.0.1:0' is no SRC:PORT; for example "
						     "198.18.0.1:40000 or [2001:db8::1]:40000"},
		{"2001:db8::1:40000 203.0.113.10:80/tcp",
		 "'2001:db8::1:40000' is no SRC:PORT; for example 198.18.0.1:40000 or [2001:db8::1]:40000"},
		{"198.18.0.1:40000 203.0.113.10:80", "'203.0.113.10:80' is no VIP:PORT/PROTO; for example "
						     "203.0.113.10:80/tcp or [2001:db8::10]:443/udp"},
		{"198.18.0.1:40000 203.0.113.10:80/sctp",
		 "'203.0.113.10:80/sctp' is no VIP:PORT/PROTO; for example "
		 "203.0.113.10:80/tcp or [2001:db8::10]:443/udp"},
		{"198.18.0.1:40000 203.0.113.10:65536/tcp",
		 "'203.0.113.10:65536/tcp' is no VIP:PORT/PROTO; for example "
		 "203.0.113.10:80/tcp or [2001:db8::10]:443/udp"},
		{"198.18.0.1:40000 [2001:db8::10]:80/tcp",
		 "'198.18.0.1:40000' is of another IP version than the VIP; a packet has one"},
		{"--as initial 198.18.0.1:40000 203.0.113.10:80/tcp",
		 "'initial' is no TCP packet; --as syn or ack"},
		{"--as syn 198.18.0.1:40000 203.0.113.10:80/udp",
		 "'syn' is no UDP packet; --as datagram or initial (of QUIC)"},
		{"--size 53 198.18.0.1:40000 203.0.113.10:80/tcp",
		 "'53' is no size for such a frame; 54 to 3400 bytes"},
		{"--size 9000 [2001:db8::1]:40000 [2001:db8::10]:80/udp",
		 "'9000' is no size for such a frame; 62 to 3400 bytes"},
		{"--ttl 0 198.18.0.1:40000 203.0.113.10:80/tcp", "'0' is no TTL; 1 to 255"},
		{"--ttl 256 198.18.0.1:40000 203.0.113.10:80/tcp", "'256' is no TTL; 1 to 255"},
	};
	char words[128], says[256];

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		snprintf(words, sizeof(words), "explain %s", wrong[i].words);
		snprintf(says, sizeof(says), "shunt: %s\n", wrong[i].says);
		assert_run("/nonexistent", words, 2, "", says);
	}
}

static void an_option_of_another_verb_is_usage(void **state)
{
	(void)state;
	assert_usage("status --size 60", "status takes no '--size'", STATUS_USAGE);
	assert_usage("explain --vip 203.0.113.10", "explain takes no '--vip'",
		     "explain SRC:PORT VIP:PORT/PROTO [--as KIND] [--dev NAME] "
		     "[--size BYTES] [--ttl TTL] [-j] [--socket PATH]: ask the loaded program what it does "
		     "with a packet, "
		     "and why");
	assert_run("/nonexistent", "explain --as", 2, "",
		   "shunt: --as needs a value: --as syn, ack, datagram or initial\n");
}

static void version_is_a_document_too(void **state)
{
	(void)state;
	assert_run("/nonexistent", "version", 0, "shunt " SHUNT_VERSION "\n", "");
	assert_run("/nonexistent", "--version", 0, "shunt " SHUNT_VERSION "\n", "");
	assert_run("/nonexistent", "-j version", 0,
		   "{\n"
		   "  \"version\": \"" SHUNT_VERSION "\"\n"
		   "}\n",
		   "");
}

static void a_stale_socket_is_no_daemon(void **state)
{
	struct fake fake;
	char wanted[256];

	(void)state;
	fake_start(&fake, verbs);
	kill(fake.pid, SIGKILL);
	waitpid(fake.pid, NULL, 0);
	snprintf(wanted, sizeof(wanted),
		 "shunt: cannot connect to %s: Connection refused; is shuntd running? (systemctl status "
		 "shuntd, or "
		 "--socket PATH)\n",
		 fake.socket);
	assert_run(fake.socket, "status --socket @", 1, "", wanted);
	fake_remove_folder(&fake);
}

/* Writes a file, has it checked, and compares; "@" in the words stands for its path. */
static void assert_check(const char *words, const char *yaml, int status, const char *out, const char *err)
{
	char path[] = "/tmp/shunt-test-XXXXXX", wanted_out[1024], wanted_err[1024];
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, yaml, strlen(yaml)), (ssize_t)strlen(yaml));
	close(fd);
	snprintf(wanted_out, sizeof(wanted_out), *out ? "%s%s" : "%.0s%s", *out == '{' ? "" : path, out);
	snprintf(wanted_err, sizeof(wanted_err), "%s%s", *err ? path : "", err);
	if (*out == '{')
		snprintf(wanted_out, sizeof(wanted_out), "{\n  \"file\": \"%s\",\n%s", path, out + 2);
	assert_run(path, words, status, wanted_out, wanted_err);
	unlink(path);
}

#define GOOD_FILE                                                                                 \
	"services:\n  - name: web\n    vip: 203.0.113.10\n    ports: [80/tcp]\n    forward: l3\n" \
	"    backends: [198.51.100.11, 198.51.100.12]\n"
#define BAD_FILE "services:\n  - name: web\n    vpi: 203.0.113.10\n"

static void a_file_is_checked_without_a_daemon(void **state)
{
	static const char refusal[] = ":3:5: unknown key 'vpi' in a service; did you mean 'vip'?\n        "
				      "vpi: 203.0.113.10\n        ^\n";

	(void)state;
	assert_check("check @", GOOD_FILE, 0, ": ok, 1 services, 2 backends\n", "");
	assert_check("check -j @", GOOD_FILE, 0,
		     "{\n  \"ok\": true,\n  \"services\": 1,\n  \"backends\": 2\n}\n", "");
	assert_check("check @", BAD_FILE, 1, "", refusal);
	assert_check("check -j @", BAD_FILE, 1,
		     "{\n  \"ok\": false,\n  \"line\": 3,\n  \"column\": 5,\n"
		     "  \"error\": \"unknown key 'vpi' in a service; did you mean 'vip'?\"\n}\n",
		     refusal);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_mistyped_gets_the_nearest_word),
		cmocka_unit_test(a_wrong_number_of_arguments_is_usage),
		cmocka_unit_test(an_unknown_option_is_usage),
		cmocka_unit_test(without_a_daemon_it_says_how_to_find_one),
		cmocka_unit_test(shunt_alone_shows_the_way),
		cmocka_unit_test(help_is_about_one_verb_too),
		cmocka_unit_test(what_explain_cannot_read_is_usage),
		cmocka_unit_test(an_option_of_another_verb_is_usage),
		cmocka_unit_test(version_is_a_document_too),
		cmocka_unit_test(a_stale_socket_is_no_daemon),
		cmocka_unit_test(a_file_is_checked_without_a_daemon),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
