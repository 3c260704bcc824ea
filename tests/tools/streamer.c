/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A TCP peer that sends and checks position-marked content (lib/stream.h),
 * on many connections and in many manners. Prints JSON lines.
 */
#include "tests/tools/lib/stream.h"
#include "tests/tools/lib/streamer_options.h"

#include <errno.h>
#include <jansson.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define ERRORS_MAX 20

static struct streamer_options opt;

static struct slot {
	struct stream *stream;
	uint64_t at, began;
	uint32_t wanted;
	bool registered;
} slots[STREAMER_CONNECTIONS_MAX];
static unsigned used; /* slots below this may be in use */

static struct {
	unsigned started, running, ok, failed;
	uint64_t sent, received;
	json_t *errors;
	uint64_t *trips;
	size_t n_trips, max_trips;
} sum;
static volatile sig_atomic_t stopping;
static int epoll;

static uint64_t now_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void die(const char *what)
{
	(void)fprintf(stderr, "streamer: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void print(json_t *json)
{
	char *text = json_dumps(json, JSON_COMPACT);

	puts(text ? text : "{}");
	(void)fflush(stdout);
	free(text);
	json_decref(json);
}

static void on_round_trip(uint64_t us)
{
	if (sum.n_trips == sum.max_trips) {
		sum.max_trips = sum.max_trips ? 2 * sum.max_trips : 1024;
		sum.trips = realloc(sum.trips, sum.max_trips * sizeof(*sum.trips));
		if (!sum.trips)
			die("memory");
	}
	sum.trips[sum.n_trips++] = us;
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void finish(struct slot *slot)
{
	static const char *const names[] = {"time-out", "fin", "reset", "we-reset", "bad"};
	struct stream_result result;

	stream_result(slot->stream, &result);
	sum.sent += result.sent;
	sum.received += result.received;
	sum.running--;
	*(result.ok ? &sum.ok : &sum.failed) += 1;
	if (result.end == STREAM_OPEN)
		(void)snprintf(result.why, sizeof(result.why), "not done in time");
	if (!result.ok && json_array_size(sum.errors) < ERRORS_MAX)
		json_array_append_new(sum.errors,
				      json_sprintf("connection %llu: %s",
						   (unsigned long long)result.seed, result.why));
	if (opt.each || (opt.server && !result.ok))
		print(json_pack("{s:I, s:b, s:s, s:I, s:I, s:s, s:I, s:I}", "id",
				(json_int_t)result.seed, "ok", result.ok, "end", names[result.end],
				"sent", (json_int_t)result.sent, "received",
				(json_int_t)result.received, "why", result.why, "began_us",
				(json_int_t)slot->began, "ended_us", (json_int_t)now_us()));
	stream_free(slot->stream); /* closing takes it out of the epoll set */
	memset(slot, 0, sizeof(*slot));
}

static void run(struct slot *slot, uint32_t events, uint64_t now)
{
	struct epoll_event event = {.data.ptr = slot};
	uint32_t wanted = 0;

	if (stream_run(slot->stream, events, now, &wanted, &slot->at) != STREAM_OPEN) {
		finish(slot);
		return;
	}
	if (slot->registered && wanted == slot->wanted)
		return;
	event.events = wanted;
	if (epoll_ctl(epoll, slot->registered ? EPOLL_CTL_MOD : EPOLL_CTL_ADD,
		      stream_fd(slot->stream), &event) < 0)
		die("epoll");
	slot->registered = true;
	slot->wanted = wanted;
}

static void add(struct stream *stream)
{
	struct slot *slot = slots;

	if (!stream)
		die("a new connection");
	while (slot->stream)
		slot++;
	if (slot == slots + STREAMER_CONNECTIONS_MAX - 1)
		die("too many connections");
	if (slot >= slots + used)
		used = (unsigned)(slot - slots) + 1;
	slot->stream = stream;
	slot->began = now_us();
	sum.started++;
	sum.running++;
	run(slot, 0, now_us());
}

static int open_socket(const char *host, const char *port, bool listening)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
				 .ai_flags = listening ? AI_PASSIVE : 0};
	struct addrinfo *list = NULL, *local = NULL;
	int fd, on = 1, r = getaddrinfo(host, port, &hints, &list);

	if (r) {
		(void)fprintf(stderr, "streamer: %s: %s\n", host, gai_strerror(r));
		exit(1);
	}
	fd = socket(list->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		die("socket");
	if (opt.stream.rcvbuf)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &opt.stream.rcvbuf, sizeof(int));
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (opt.from && !listening && getaddrinfo(opt.from, NULL, &hints, &local) == 0) {
		if (bind(fd, local->ai_addr, local->ai_addrlen) < 0)
			die(opt.from);
		freeaddrinfo(local);
	}
	if (listening && (bind(fd, list->ai_addr, list->ai_addrlen) < 0 || listen(fd, 4096) < 0))
		die("listen");
	if (!listening && connect(fd, list->ai_addr, list->ai_addrlen) < 0 && errno != EINPROGRESS)
		die("connect");
	freeaddrinfo(list);
	return fd;
}

static void accept_all(int listener)
{
	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0)
			return;
		add(stream_server(fd, &opt.stream));
	}
}

static uint64_t run_due(uint64_t now)
{
	uint64_t next = UINT64_MAX;

	for (unsigned i = 0; i < used; i++) {
		if (slots[i].stream && slots[i].at <= now)
			run(&slots[i], 0, now);
		if (slots[i].stream && slots[i].at < next)
			next = slots[i].at;
	}
	return next;
}

static void loop(int listener)
{
	uint64_t deadline = opt.timeout_s ? now_us() + opt.timeout_s * 1000000ULL : UINT64_MAX;

	while (!stopping) {
		struct epoll_event events[256];
		uint64_t now, next;
		int n, wait = 1000;

		while (!opt.server && sum.running < opt.connections && sum.started < opt.total)
			add(stream_client(open_socket(opt.host, opt.port, false), &opt.stream,
					  opt.seed * 1000000ULL + sum.started));
		if (!opt.server && !sum.running)
			return;
		now = now_us();
		next = run_due(now);
		if (now >= deadline)
			return;
		if (next < UINT64_MAX && (next - now) / 1000 < (uint64_t)wait)
			wait = next > now ? (int)((next - now) / 1000) + 1 : 0;
		n = epoll_wait(epoll, events, 256, wait);
		now = now_us();
		for (int i = 0; i < n; i++) {
			struct slot *slot = events[i].data.ptr;

			if (!slot)
				accept_all(listener);
			else if (slot->stream)
				run(slot, events[i].events, now);
		}
	}
}

static void summary(double seconds)
{
	json_t *json;

	for (unsigned i = 0; i < used; i++) {
		if (slots[i].stream)
			finish(&slots[i]);
	}
	if (!opt.server)
		sum.failed += opt.total - sum.started;
	json = json_pack("{s:i, s:i, s:i, s:I, s:I, s:f, s:O}", "connections", (int)sum.started,
			 "ok", (int)sum.ok, "failed", (int)sum.failed, "sent", (json_int_t)sum.sent,
			 "received", (json_int_t)sum.received, "seconds", seconds, "errors",
			 sum.errors);
	if (sum.n_trips) {
		qsort(sum.trips, sum.n_trips, sizeof(*sum.trips), by_value);
		json_object_set_new(json, "round_trip_us",
				    json_pack("{s:I, s:I, s:I, s:I}", "n", (json_int_t)sum.n_trips,
					      "p50", (json_int_t)sum.trips[sum.n_trips / 2], "p99",
					      (json_int_t)sum.trips[sum.n_trips * 99 / 100], "max",
					      (json_int_t)sum.trips[sum.n_trips - 1]));
	}
	print(json);
	json_decref(sum.errors);
	free(sum.trips);
}

static void on_signal(int sig)
{
	(void)sig;
	stopping = 1;
}

int main(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = on_signal};
	struct epoll_event event = {.events = EPOLLIN};
	struct rlimit files;
	uint64_t begin;
	int listener = -1;

	streamer_options_parse(argc, argv, &opt);
	srandom(opt.seed);
	(void)sigaction(SIGTERM, &action, NULL);
	(void)sigaction(SIGINT, &action, NULL);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
	sum.errors = json_array();
	stream_on_round_trip = on_round_trip;
	epoll = epoll_create1(EPOLL_CLOEXEC);
	if (epoll < 0)
		die("epoll");
	if (opt.server) {
		struct sockaddr_storage sa;
		socklen_t length = sizeof(sa);
		char port[16] = "";

		listener = open_socket(opt.host, opt.port, true);
		if (epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event) < 0)
			die("epoll");
		(void)getsockname(listener, (struct sockaddr *)&sa, &length);
		(void)getnameinfo((struct sockaddr *)&sa, length, NULL, 0, port, sizeof(port),
				  NI_NUMERICSERV);
		print(json_pack("{s:i}", "listening", atoi(port)));
	}
	begin = now_us();
	loop(listener);
	summary((double)(now_us() - begin) / 1e6);
	(void)close(epoll);
	if (listener >= 0)
		(void)close(listener);
	return sum.failed ? 1 : 0;
}
