/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A TCP peer that sends and checks position-marked content (lib/stream.h),
 * on many connections and in many manners. Prints JSON lines.
 */
#include "tests/tools/lib/stream.h"

#include <errno.h>
#include <getopt.h>
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
#define CONNS_MAX  20000

static const char usage[] =
	"usage: streamer client HOST PORT [options]\n"
	"       streamer server HOST PORT [options]     PORT 0: any, printed\n"
	"What is sent (client):\n"
	"  --hello NAME        a ClientHello with this server name first\n"
	"  --hello-size N      padded to N bytes\n"
	"  --up N --down N     bytes of content\n"
	"  --connections C     at once (1)\n"
	"  --total T           in all (C)\n"
	"  --half-close        FIN after the last byte, not after the verdict\n"
	"  --answer-late       half-close, and the server answers only after our FIN\n"
	"  --ping N            in turns, N bytes each; prints the round trips' percentiles\n"
	"  --from ADDRESS      bind to this local address\n"
	"How (both):\n"
	"  --write MIN-MAX     bytes a write (65536-65536)\n"
	"  --pause PERCENT:US  chance and longest time of a pause after a write\n"
	"  --read-rate N       bytes a second\n"
	"  --stall N:MS        having received N bytes, read nothing for MS\n"
	"  --rcvbuf N --sndbuf N --nodelay\n"
	"  --reset-sent N      RST when N bytes are sent and acknowledged\n"
	"  --reset-received N  RST when N bytes have come\n"
	"  --expect-reset      the right end is a RST\n"
	"  --timeout S         for all (60; server: none)\n"
	"  --each              a line for each connection, not only for those that fail;\n"
	"                      its times are those of the monotonic clock\n"
	"  --seed N            of the random choices and the content\n";

static struct {
	struct stream_options o;
	const char *host, *port, *from;
	bool server, each;
	unsigned connections, total, timeout_s, seed;
} opt = {.o = {.write_min = 65536, .write_max = 65536}, .connections = 1, .seed = 1};

static struct slot {
	struct stream *stream;
	uint64_t at, began;
	uint32_t wanted;
	bool registered;
} slots[CONNS_MAX];
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
	if (slot == slots + CONNS_MAX - 1)
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
	if (opt.o.rcvbuf)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &opt.o.rcvbuf, sizeof(int));
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
		add(stream_server(fd, &opt.o));
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
			add(stream_client(open_socket(opt.host, opt.port, false), &opt.o,
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

static void two(const char *text, char separator, uint64_t *a, uint64_t *b)
{
	char *end;

	*a = strtoull(text, &end, 10);
	*b = *end == separator ? strtoull(end + 1, &end, 10) : *a;
	if (*end) {
		(void)fprintf(stderr, "streamer: %s: not a pair of numbers\n", text);
		exit(2);
	}
}

static void options(int argc, char **argv)
{
	static const struct option list[] = {
		{"hello", 1, NULL, 'h'},
		{"hello-size", 1, NULL, 'H'},
		{"up", 1, NULL, 'u'},
		{"down", 1, NULL, 'd'},
		{"connections", 1, NULL, 'c'},
		{"total", 1, NULL, 't'},
		{"half-close", 0, NULL, 'f'},
		{"answer-late", 0, NULL, 'a'},
		{"ping", 1, NULL, 'p'},
		{"from", 1, NULL, 'F'},
		{"write", 1, NULL, 'w'},
		{"pause", 1, NULL, 'P'},
		{"read-rate", 1, NULL, 'r'},
		{"stall", 1, NULL, 's'},
		{"rcvbuf", 1, NULL, 'R'},
		{"sndbuf", 1, NULL, 'S'},
		{"nodelay", 0, NULL, 'n'},
		{"reset-sent", 1, NULL, 'x'},
		{"reset-received", 1, NULL, 'X'},
		{"expect-reset", 0, NULL, 'e'},
		{"timeout", 1, NULL, 'T'},
		{"each", 0, NULL, 'E'},
		{"seed", 1, NULL, 'D'},
		{},
	};
	struct stream_options *o = &opt.o;
	uint64_t a = 0, b = 0;
	int c, timeout = -1;

	while ((c = getopt_long(argc, argv, "", list, NULL)) != -1) {
		if (c != '?' && c != 'h' && c != 'F' && optarg)
			two(optarg, c == 'w' ? '-' : ':', &a, &b);
		switch (c) {
		case 'h':
			o->hello = optarg;
			break;
		case 'H':
			o->hello_size = a;
			break;
		case 'u':
			o->up = a;
			break;
		case 'd':
			o->down = a;
			break;
		case 'c':
			opt.connections = (unsigned)a;
			break;
		case 't':
			opt.total = (unsigned)a;
			break;
		case 'f':
			o->half_close = true;
			break;
		case 'a':
			o->half_close = o->answer_late = true;
			break;
		case 'p':
			o->ping = (uint32_t)a;
			break;
		case 'F':
			opt.from = optarg;
			break;
		case 'w':
			o->write_min = (uint32_t)a;
			o->write_max = (uint32_t)b;
			break;
		case 'P':
			o->pause_percent = (uint32_t)a;
			o->pause_us = (uint32_t)b;
			break;
		case 'r':
			o->read_rate = a;
			break;
		case 's':
			o->stall_at = a;
			o->stall_ms = (uint32_t)b;
			break;
		case 'R':
			o->rcvbuf = (int)a;
			break;
		case 'S':
			o->sndbuf = (int)a;
			break;
		case 'n':
			o->nodelay = true;
			break;
		case 'x':
			o->reset_sent = a;
			break;
		case 'X':
			o->reset_received = a;
			break;
		case 'e':
			o->expect_reset = true;
			break;
		case 'T':
			timeout = (int)a;
			break;
		case 'E':
			opt.each = true;
			break;
		case 'D':
			opt.seed = (unsigned)a;
			break;
		default:
			exit(2);
		}
	}
	if (argc - optind != 3 ||
	    (strcmp(argv[optind], "client") != 0 && strcmp(argv[optind], "server") != 0) ||
	    o->write_min < 1 || o->write_max < o->write_min || o->write_max > 256 * 1024 ||
	    opt.connections < 1 || opt.connections >= CONNS_MAX) {
		(void)fputs(usage, stderr);
		exit(2);
	}
	opt.server = strcmp(argv[optind], "server") == 0;
	opt.host = argv[optind + 1];
	opt.port = argv[optind + 2];
	opt.timeout_s = (unsigned)(timeout >= 0 ? timeout : opt.server ? 0 : 60);
	if (opt.total < opt.connections)
		opt.total = opt.connections;
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

	options(argc, argv);
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
