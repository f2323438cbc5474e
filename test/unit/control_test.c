/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The control socket as a client meets it: a real socket, the daemon's side in a child.
 */
#include "fake_daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "unixsock.h"

#define DEADLINE_MS 30000

/* ---- the daemon's verbs -------------------------------------------------------------------- */

static json_t *verb_hello(const json_t *request, struct control_client *client, void *arg)
{
	(void)request;
	(void)client;
	(void)arg;
	return json_pack("{s:s}", "hello", "world");
}

static json_t *verb_refuse(const json_t *request, struct control_client *client, void *arg)
{
	(void)request;
	(void)client;
	(void)arg;
	return control_error("line %d: no", 3);
}

static json_t *verb_big(const json_t *request, struct control_client *client, void *arg)
{
	size_t size = (size_t)json_integer_value(json_object_get(request, "size"));
	char *text = malloc(size + 1);
	json_t *answer;

	(void)client;
	(void)arg;
	memset(text, 'x', size);
	text[size] = '\0';
	answer = json_pack("{s:s}", "big", text);
	free(text);
	return answer;
}

static json_t *verb_events(const json_t *request, struct control_client *client, void *arg)
{
	(void)request;
	(void)arg;
	control_subscribe(client);
	return NULL;
}

/* Publishes events numbered from `first`. */
static json_t *verb_publish(const json_t *request, struct control_client *client, void *arg)
{
	struct fake_daemon *daemon = arg;
	json_int_t first = json_integer_value(json_object_get(request, "first"));
	json_int_t count = json_integer_value(json_object_get(request, "count"));

	(void)client;
	for (json_int_t i = first; i < first + count; i++) {
		json_t *event = json_pack("{s:s,s:I,s:s}", "event", "test", "n", i, "pad",
					  "0123456789012345678901234567890123456789");

		control_publish(daemon->control, event);
		json_decref(event);
	}
	return json_pack("{s:b}", "ok", 1);
}

static json_t *verb_watched(const json_t *request, struct control_client *client, void *arg)
{
	const struct fake_daemon *daemon = arg;

	(void)request;
	(void)client;
	return json_pack("{s:b,s:i}", "any", control_has_subscribers(daemon->control), "changes",
			 (int)daemon->changes);
}

/* Leaves the daemon `spare` more descriptors. */
static json_t *verb_limit(const json_t *request, struct control_client *client, void *arg)
{
	int next = open("/dev/null", O_RDONLY);
	rlim_t limit = (rlim_t)next + (rlim_t)json_integer_value(json_object_get(request, "spare"));
	struct rlimit set = {.rlim_cur = limit, .rlim_max = limit};

	(void)client;
	(void)arg;
	close(next);
	return json_pack("{s:b}", "ok", setrlimit(RLIMIT_NOFILE, &set) == 0);
}

static json_t *verb_down(const json_t *request, struct control_client *client, void *arg)
{
	const struct fake_daemon *daemon = arg;

	(void)client;
	loop_stop(daemon->loop);
	return verb_hello(request, NULL, NULL);
}

/* Works until the file of that name is there, and holds a lock on another meanwhile. */
static json_t *verb_work(const json_t *request, struct control_client *client, void *arg)
{
	const char *until = json_string_value(json_object_get(request, "until"));
	int held = open(json_string_value(json_object_get(request, "lock")), O_RDWR | O_CREAT | O_CLOEXEC,
			0600);

	(void)client;
	if (held < 0 || flock(held, LOCK_EX))
		return control_error("no lock");
	for (int tries = 0; tries < DEADLINE_MS && access(until, F_OK); tries++)
		usleep(1000);
	return json_pack("{s:b,s:i}", "worked", 1, "changes", ((const struct fake_daemon *)arg)->changes);
}

static json_t *verb_die(const json_t *request, struct control_client *client, void *arg)
{
	(void)request;
	(void)client;
	(void)arg;
	_exit(3);
}

static const struct control_verb verbs[] = {
	{"hello", verb_hello, false},
	{"refuse", verb_refuse, false},
	{"big", verb_big, false},
	{"events", verb_events, false},
	{"publish", verb_publish, false},
	{"watched", verb_watched, false},
	{"limit", verb_limit, false},
	{"down", verb_down, false},
	{"work", verb_work, true},
	{"die", verb_die, true},
	{0},
};

/* ---- the client's side --------------------------------------------------------------------- */

static int connect_to(const struct fake *fake)
{
	int fd;

	assert_int_equal(unixsock_connect(fake->socket, &fd), 0);
	return fd;
}

static void send_text(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* Some bytes; 0 at the end of the connection. */
static size_t receive(int fd, char *out, size_t size)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
	ssize_t length;

	assert_int_equal(poll(&poll_fd, 1, DEADLINE_MS), 1);
	length = recv(fd, out, size, 0);
	/* The daemon had not read all that was sent. */
	if (length < 0 && errno == ECONNRESET)
		return 0;
	assert_true(length >= 0);
	return (size_t)length;
}

/* Everything up to the end of the connection, which it closes. The caller's. */
static char *receive_all(int fd)
{
	size_t length = 0, size = 1 << 16, got;
	char *text = malloc(size);

	while ((got = receive(fd, text + length, size - length - 1))) {
		length += got;
		if (size - length < 2)
			text = realloc(text, size *= 2);
	}
	text[length] = '\0';
	close(fd);
	return text;
}

/* One line, a byte at a time so that the next stays unread. */
static void receive_line(int fd, char *out, size_t size)
{
	size_t length = 0;

	while (length + 1 < size && receive(fd, out + length, 1) && out[length] != '\n')
		length++;
	out[length] = '\0';
}

static void assert_answer(const struct fake *fake, const char *request, const char *wanted)
{
	int fd = connect_to(fake);
	char *text;

	send_text(fd, request);
	text = receive_all(fd);
	assert_string_equal(text, wanted);
	free(text);
}

static void wait_for_watched(const struct fake *fake, const char *wanted)
{
	for (int tries = 0; tries < 3000; tries++) {
		int fd = connect_to(fake);
		char *text;
		bool right;

		send_text(fd, "{\"command\":\"watched\"}\n");
		text = receive_all(fd);
		right = !strcmp(text, wanted);
		free(text);
		if (right)
			return;
		usleep(10000);
	}
	fail_msg("the daemon never said %s", wanted);
}

/* ---- answers worked out aside ---------------------------------------------------------------- */

struct work {
	char until[128], lock[128];
	int client; /* who asked */
};

static bool is_held(const struct work *work)
{
	int fd = open(work->lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	bool held = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK;

	close(fd);
	return held;
}

static void wait_until_held(const struct work *work, bool held)
{
	for (int tries = 0; tries < DEADLINE_MS; tries++) {
		if (is_held(work) == held)
			return;
		usleep(1000);
	}
	fail_msg("nobody ever %s the lock", held ? "took" : "gave back");
}

/* A client asks, and a child is at work. */
static void begin_work(const struct fake *fake, struct work *work)
{
	char request[400];

	snprintf(work->until, sizeof(work->until), "%s.until", fake->folder);
	snprintf(work->lock, sizeof(work->lock), "%s.lock", fake->folder);
	snprintf(request, sizeof(request), "{\"command\":\"work\",\"until\":\"%s\",\"lock\":\"%s\"}\n",
		 work->until, work->lock);
	work->client = connect_to(fake);
	send_text(work->client, request);
	wait_until_held(work, true);
}

static void end_work(const struct work *work)
{
	wait_until_held(work, false);
	unlink(work->until);
	unlink(work->lock);
}

/* ---- facts --------------------------------------------------------------------------------- */

static void a_verb_answers_with_one_document_and_the_end(void **state)
{
	assert_answer(*state, "{\"command\":\"hello\"}\n", "{\"hello\":\"world\"}\n");
	assert_answer(*state, "{\"command\":\"refuse\"}\n", "{\"error\":\"line 3: no\"}\n");
}

static void a_request_may_come_in_pieces_or_end_by_shutdown(void **state)
{
	int fd = connect_to(*state);
	char *text;

	send_text(fd, "{\"comm");
	assert_answer(*state, "{\"command\":\"hello\"}\n", "{\"hello\":\"world\"}\n");
	send_text(fd, "and\":\"hello\"}");
	shutdown(fd, SHUT_WR);
	text = receive_all(fd);
	assert_string_equal(text, "{\"hello\":\"world\"}\n");
	free(text);
}

static void what_is_no_request_is_refused(void **state)
{
	assert_answer(*state, "{\"command\":\n",
		      "{\"error\":\"malformed request: unexpected token near end of file at byte 11\"}\n");
	assert_answer(*state, "\n",
		      "{\"error\":\"malformed request: '[' or '{' expected near end of file at byte 0\"}\n");
	assert_answer(*state, "{\"command\":\"hello\",\"command\":\"down\"}\n",
		      "{\"error\":\"malformed request: duplicate object key near '\\\"command\\\"' at byte "
		      "28\"}\n");
	assert_answer(*state, "[1]\n",
		      "{\"error\":\"a request is an object with a \\\"command\\\", such as "
		      "{\\\"command\\\":\\\"status\\\"}\"}\n");
	assert_answer(*state, "{\"command\":\"dance\"}\n",
		      "{\"error\":\"unknown command 'dance'; the daemon and the command may be of different "
		      "versions\"}\n");
}

static void a_request_of_65536_bytes_without_an_end_is_refused(void **state)
{
	char *request = malloc(65536 + 1);

	memset(request, ' ', 65536);
	request[65536] = '\0';
	assert_answer(*state, request, "{\"error\":\"the request is larger than 65536 bytes\"}\n");
	request[65535] = '\n';
	memcpy(request, "{\"command\":\"hello\"}", 19);
	assert_answer(*state, request, "{\"hello\":\"world\"}\n");
	free(request);
}

static void a_large_answer_arrives_whole(void **state)
{
	int fd = connect_to(*state);
	char *text;

	send_text(fd, "{\"command\":\"big\",\"size\":20000000}\n");
	/* Others are served while it waits for its reader. */
	assert_answer(*state, "{\"command\":\"hello\"}\n", "{\"hello\":\"world\"}\n");
	text = receive_all(fd);
	assert_int_equal(strlen(text), strlen("{\"big\":\"\"}\n") + 20000000);
	free(text);
}

static void an_answer_over_64_mib_is_refused(void **state)
{
	assert_answer(*state, "{\"command\":\"big\",\"size\":67108864}\n",
		      "{\"error\":\"the answer would be larger than 64 MiB\"}\n");
}

static void what_takes_long_is_worked_out_aside(void **state)
{
	struct work work;
	char *text;

	begin_work(*state, &work);
	/* Others are served meanwhile, and what they change is not seen there. */
	assert_answer(*state, "{\"command\":\"hello\"}\n", "{\"hello\":\"world\"}\n");
	assert_true(is_held(&work));
	close(open(work.until, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	text = receive_all(work.client);
	assert_string_equal(text, "{\"worked\":true,\"changes\":0}\n");
	free(text);
	end_work(&work);
}

static void whoever_leaves_ends_the_work(void **state)
{
	struct work work;

	begin_work(*state, &work);
	close(work.client);
	end_work(&work);
}

static void work_that_ends_badly_ends_the_connection(void **state)
{
	assert_answer(*state, "{\"command\":\"die\"}\n", "");
	assert_answer(*state, "{\"command\":\"hello\"}\n", "{\"hello\":\"world\"}\n");
}

/* Who was connected when the child was made does not wait for it. */
static void an_answer_ends_although_a_child_has_the_connection(void **state)
{
	int fd = connect_to(*state);
	struct work work;
	char *text;

	assert_answer(*state, "{\"command\":\"hello\"}\n", "{\"hello\":\"world\"}\n"); /* it is accepted */
	begin_work(*state, &work);
	send_text(fd, "{\"command\":\"hello\"}\n");
	text = receive_all(fd);
	assert_string_equal(text, "{\"hello\":\"world\"}\n");
	free(text);
	assert_true(is_held(&work));
	close(work.client);
	end_work(&work);
}

static void the_end_of_the_daemon_is_the_end_of_its_work(void **state)
{
	struct work work;
	struct fake fake;

	(void)state;
	fake_start(&fake, verbs);
	begin_work(&fake, &work);
	assert_answer(&fake, "{\"command\":\"down\"}\n", "{\"hello\":\"world\"}\n");
	end_work(&work);
	close(work.client);
	fake_stop(&fake);
}

static void every_subscriber_hears_every_event(void **state)
{
	int one = connect_to(*state), two;
	char line[256];

	send_text(one, "{\"command\":\"events\"}\n");
	wait_for_watched(*state, "{\"any\":true,\"changes\":1}\n");
	two = connect_to(*state);
	send_text(two, "{\"command\":\"events\"}\n");
	/* Each is heard of first by an event: publish until the second has one. */
	for (int tries = 0; tries < 3000; tries++) {
		struct pollfd poll_fd = {.fd = two, .events = POLLIN};

		assert_answer(*state, "{\"command\":\"publish\",\"first\":7,\"count\":1}\n",
			      "{\"ok\":true}\n");
		if (poll(&poll_fd, 1, 10) == 1)
			break;
	}
	receive_line(one, line, sizeof(line));
	assert_non_null(strstr(line, "{\"event\":\"test\",\"n\":7,"));
	receive_line(two, line, sizeof(line));
	assert_non_null(strstr(line, "{\"event\":\"test\",\"n\":7,"));
	close(one);
	close(two);
	wait_for_watched(*state, "{\"any\":false,\"changes\":2}\n");
}

/* Reads events, which must be numbered from `from` on: `count` of them, or up to the one that tells a loss,
 * which counts as many as it says. The next number. */
static long read_events(int fd, long from, long count)
{
	char line[256];

	for (long end = from + count; from < end; from++) {
		long number;

		receive_line(fd, line, sizeof(line));
		if (sscanf(line, "{\"event\":\"lost\",\"count\":%ld}", &number) == 1)
			return from + number;
		assert_int_equal(sscanf(line, "{\"event\":\"test\",\"n\":%ld", &number), 1);
		assert_int_equal(number, from);
	}
	return from;
}

static void a_slow_reader_loses_and_is_told_how_many(void **state)
{
	int fd = connect_to(*state);

	send_text(fd, "{\"command\":\"events\"}\n");
	wait_for_watched(*state, "{\"any\":true,\"changes\":3}\n");
	assert_answer(*state, "{\"command\":\"publish\",\"first\":0,\"count\":60000}\n", "{\"ok\":true}\n");
	/* More than a socket's buffer, so that the queue has room again: what comes now is lost too. */
	assert_int_equal(read_events(fd, 0, 5000), 5000);
	assert_answer(*state, "{\"command\":\"publish\",\"first\":60000,\"count\":100}\n", "{\"ok\":true}\n");
	assert_int_equal(read_events(fd, 5000, 100000), 60100);
	assert_answer(*state, "{\"command\":\"publish\",\"first\":60100,\"count\":1}\n", "{\"ok\":true}\n");
	assert_int_equal(read_events(fd, 60100, 1), 60101);
	close(fd);
}

static void the_65th_client_waits_for_a_place(void **state)
{
	int fds[64], late;
	char *text;

	for (size_t i = 0; i < 64; i++)
		fds[i] = connect_to(*state);
	late = connect_to(*state);
	send_text(late, "{\"command\":\"hello\"}\n");
	close(fds[0]);
	text = receive_all(late);
	assert_string_equal(text, "{\"hello\":\"world\"}\n");
	free(text);
	for (size_t i = 1; i < 64; i++)
		close(fds[i]);
}

static void who_idles_is_told_and_closed(void **state)
{
	int silent = connect_to(*state), deaf = connect_to(*state);
	char *text;
	size_t length;

	send_text(deaf, "{\"command\":\"big\",\"size\":20000000}\n");
	text = receive_all(silent);
	assert_string_equal(text, "{\"error\":\"no complete request within 10 s\"}\n");
	free(text);
	/* It came first or second; by the next second it has been closed half way. */
	wait_for_watched(*state, "{\"any\":false,\"changes\":4}\n");
	for (struct pollfd poll_fd = {.fd = deaf}; !(poll_fd.revents & POLLHUP);)
		assert_int_equal(poll(&poll_fd, 1, DEADLINE_MS), 1);
	text = receive_all(deaf);
	length = strlen(text);
	free(text);
	assert_in_range(length, 1, 19000000);
}

static void without_descriptors_clients_wait(void **state)
{
	int fds[8];
	char *text;

	assert_answer(*state, "{\"command\":\"limit\",\"spare\":3}\n", "{\"ok\":true}\n");
	for (size_t i = 0; i < 8; i++)
		fds[i] = connect_to(*state);
	send_text(fds[7], "{\"command\":\"hello\"}\n");
	for (size_t i = 0; i < 7; i++)
		close(fds[i]);
	text = receive_all(fds[7]);
	assert_string_equal(text, "{\"hello\":\"world\"}\n");
	free(text);
}

static int start(void **state)
{
	static struct fake fake;

	fake_start(&fake, verbs);
	*state = &fake;
	return 0;
}

static int stop(void **state)
{
	fake_stop(*state);
	return 0;
}

static void the_last_answer_goes_out_before_the_socket_does(void **state)
{
	struct fake fake;

	(void)state;
	fake_start(&fake, verbs);
	assert_answer(&fake, "{\"command\":\"down\"}\n", "{\"hello\":\"world\"}\n");
	fake_stop(&fake);
}

static void the_socket_is_for_its_owner_only(void **state)
{
	const struct fake *fake = *state;
	struct stat stat_of;

	assert_int_equal(stat(fake->socket, &stat_of), 0);
	assert_int_equal(stat_of.st_mode, S_IFSOCK | 0600);
}

static void a_live_socket_is_not_taken_away(void **state)
{
	const struct fake *fake = *state;
	struct control *control;
	struct loop *loop;

	assert_int_equal(loop_new(&loop), 0);
	assert_int_equal(control_open(loop, fake->socket, verbs, NULL, &control), -EADDRINUSE);
	loop_free(loop);
	assert_answer(fake, "{\"command\":\"hello\"}\n", "{\"hello\":\"world\"}\n");
}

static void a_stale_socket_is_replaced_and_nothing_else_is(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char folder[] = "/tmp/shunt-test-XXXXXX";
	struct control *control;
	struct loop *loop;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), file;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/s", folder);
	assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
	assert_int_equal(loop_new(&loop), 0);
	assert_int_equal(control_open(loop, address.sun_path, verbs, NULL, &control), 0);
	control_close(control);
	assert_int_equal(access(address.sun_path, F_OK), -1);
	file = open(address.sun_path, O_CREAT | O_WRONLY, 0600);
	close(file);
	assert_int_equal(control_open(loop, address.sun_path, verbs, NULL, &control), -ENOTSOCK);
	assert_int_equal(access(address.sun_path, F_OK), 0);
	loop_free(loop);
	unlink(address.sun_path);
	rmdir(folder);
}

static void a_path_that_cannot_be_is_an_error(void **state)
{
	char path[200];
	struct control *control;
	struct loop *loop;

	(void)state;
	memset(path, 'x', sizeof(path) - 1);
	memcpy(path, "/tmp/", 5);
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(loop_new(&loop), 0);
	assert_int_equal(control_open(loop, path, verbs, NULL, &control), -ENAMETOOLONG);
	assert_int_equal(control_open(loop, "/nonexistent/folder/s", verbs, NULL, &control), -ENOENT);
	loop_free(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_verb_answers_with_one_document_and_the_end),
		cmocka_unit_test(a_request_may_come_in_pieces_or_end_by_shutdown),
		cmocka_unit_test(what_is_no_request_is_refused),
		cmocka_unit_test(a_request_of_65536_bytes_without_an_end_is_refused),
		cmocka_unit_test(a_large_answer_arrives_whole),
		cmocka_unit_test(an_answer_over_64_mib_is_refused),
		cmocka_unit_test(what_takes_long_is_worked_out_aside),
		cmocka_unit_test(whoever_leaves_ends_the_work),
		cmocka_unit_test(work_that_ends_badly_ends_the_connection),
		cmocka_unit_test(an_answer_ends_although_a_child_has_the_connection),
		cmocka_unit_test(the_end_of_the_daemon_is_the_end_of_its_work),
		cmocka_unit_test(every_subscriber_hears_every_event),
		cmocka_unit_test(a_slow_reader_loses_and_is_told_how_many),
		cmocka_unit_test(the_65th_client_waits_for_a_place),
		cmocka_unit_test(the_socket_is_for_its_owner_only),
		cmocka_unit_test(a_live_socket_is_not_taken_away),
		cmocka_unit_test(who_idles_is_told_and_closed),
		cmocka_unit_test(without_descriptors_clients_wait),
		cmocka_unit_test(the_last_answer_goes_out_before_the_socket_does),
		cmocka_unit_test(a_stale_socket_is_replaced_and_nothing_else_is),
		cmocka_unit_test(a_path_that_cannot_be_is_an_error),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
