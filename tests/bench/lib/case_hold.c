/* SPDX-License-Identifier: BSD-2-Clause */
/* Connections that have talked once and then are open, until standard input ends. */
#include "tests/bench/lib/cases.h"
#include "tests/bench/lib/net.h"
#include "tests/bench/lib/protocol.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define OPEN_TIMEOUT 60
#define TALK_TIMEOUT 10000 /* ms */

/* One request, one answer; the next connection only then. */
static void talk(struct link *link, const struct load *load)
{
	struct bench_command command = {.what = BENCH_PING, .size = load->size};
	char buf[sizeof(command) + BENCH_SIZE_MAX] = {0};
	struct pollfd poll_fd = {.fd = link->fd, .events = POLLIN};
	size_t got = 0, n = sizeof(command) + load->size;

	memcpy(buf, &command, sizeof(command));
	if (link_write(link, buf, n) != (ssize_t)n)
		die("a request was not taken");
	while (got < load->size) {
		ssize_t r;

		if (poll(&poll_fd, 1, TALK_TIMEOUT) != 1)
			die("no answer within %d s", TALK_TIMEOUT / 1000);
		r = link_read(link, buf, sizeof(buf));
		if (r < 0 && r != -EAGAIN)
			die("a connection ended: %s", strerror((int)-r));
		got += r > 0 ? (size_t)r : 0;
	}
}

void case_hold(const struct load *load)
{
	struct link *links = calloc(load->connections, sizeof(*links));
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	unsigned broken = 0;
	char byte;

	if (!links || epoll < 0)
		die("out of memory");
	links_open(links, load->connections, &load->target, epoll, OPEN_TIMEOUT);
	for (unsigned i = 0; i < load->connections; i++)
		talk(&links[i], load);
	say_start();
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	for (unsigned i = 0; i < load->connections; i++) {
		ssize_t n = link_read(&links[i], &byte, 1);

		broken += n != -EAGAIN;
		link_close(&links[i]);
	}
	say(json_pack("{s:i, s:i}", "connections", (int)load->connections, "broken", (int)broken));
	free(links);
}
