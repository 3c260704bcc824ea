/* SPDX-License-Identifier: BSD-2-Clause */
/* New connections, so many at a time: TCP, TLS, one request, one answer, close. */
#include "tests/bench/lib/cases.h"
#include "tests/bench/lib/net.h"
#include "tests/bench/lib/protocol.h"
#include "tests/bench/lib/samples.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#define EVENTS     64
#define PATIENCE   (10 * 1000000000ull) /* ns for one connection */
#define FAILED_MAX 100

struct slot {
	struct link link; /* first: the address of either is that of both */
	size_t got;
};

static struct {
	const struct load *load;
	int epoll;
	struct slot *slots;
	struct samples first_tls, first_http;
	uint64_t from, until; /* the time that counts, ns */
	unsigned done, failed, working;
	int error; /* of the first that failed */
} run;

static void dial(struct slot *slot)
{
	int r = link_dial(&slot->link, &run.load->target, run.epoll);

	slot->got = 0;
	if (r < 0)
		die("dial: %s", strerror(-r));
}

static void finish(struct slot *slot, int error)
{
	uint64_t now = now_ns();

	if (error) {
		run.failed++;
		if (!run.error)
			run.error = error;
		if (run.failed > FAILED_MAX)
			die("%u connections failed: %s", run.failed, strerror(-run.error));
	} else if (now >= run.from && now < run.until) {
		run.done++;
	}
	link_close(&slot->link);
	if (now < run.until)
		dial(slot);
	else
		run.working--;
}

static int work(struct slot *slot)
{
	static const char expected[] = BENCH_ANSWER;
	char answer[sizeof(expected)];
	struct link *link = &slot->link;
	ssize_t n;

	if (link->state != LINK_OPEN) {
		int r = link_step(link, &run.load->target);

		if (r <= 0)
			return r;
		if (link_write(link, BENCH_REQUEST, strlen(BENCH_REQUEST)) < 0)
			return -EIO;
	}
	n = link_read(link, answer, sizeof(answer));
	if (n < 0)
		return n == -EAGAIN ? 0 : (int)n;
	if (slot->got == 0 && link->begun >= run.from && now_ns() < run.until) {
		samples_add(&run.first_tls, link->first_byte - link->begun);
		samples_add(&run.first_http, now_ns() - link->begun);
	}
	if (slot->got + (size_t)n > strlen(expected) ||
	    memcmp(expected + slot->got, answer, (size_t)n) != 0)
		return -EBADMSG;
	slot->got += (size_t)n;
	return slot->got == strlen(expected);
}

static void check_patience(void)
{
	uint64_t now = now_ns();

	for (unsigned i = 0; i < run.load->connections; i++)
		if (run.slots[i].link.state != LINK_CLOSED &&
		    now - run.slots[i].link.begun > PATIENCE)
			finish(&run.slots[i], -ETIMEDOUT);
}

static void result(void)
{
	json_t *http = samples_json(&run.first_http), *tls = samples_json(&run.first_tls);
	double seconds = (double)(run.until - run.from) / 1e9;

	say(json_pack("{s:i, s:i, s:f, s:f, s:o, s:o, s:s?}", "requests", (int)run.done, "failed",
		      (int)run.failed, "seconds", seconds, "rate", run.done / seconds, "first_tls",
		      tls, "first_http", http, "error", run.error ? strerror(-run.error) : NULL));
}

void case_connect(const struct load *load)
{
	struct epoll_event events[EVENTS];
	uint64_t checked = now_ns();
	int phase = 0;

	run.load = load;
	run.working = load->connections;
	run.epoll = epoll_create1(EPOLL_CLOEXEC);
	run.slots = calloc(load->connections, sizeof(*run.slots));
	if (run.epoll < 0 || !run.slots)
		die("out of memory");
	run.from = now_ns() + (uint64_t)(load->warmup * 1e9);
	run.until = run.from + (uint64_t)(load->seconds * 1e9);
	for (unsigned i = 0; i < load->connections; i++)
		dial(&run.slots[i]);
	while (run.working) {
		int n = epoll_wait(run.epoll, events, EVENTS, 10);
		uint64_t now = now_ns();

		if (phase == 0 && now >= run.from) {
			say_start();
			phase = 1;
		}
		if (phase == 1 && now >= run.until) {
			result();
			phase = 2;
		}
		for (int i = 0; i < n; i++) {
			struct slot *slot = events[i].data.ptr;
			int r = work(slot);

			if (r != 0)
				finish(slot, r < 0 ? r : 0);
		}
		if (now - checked > 1000000000) {
			check_patience();
			checked = now;
		}
	}
	if (phase < 2)
		result();
}
