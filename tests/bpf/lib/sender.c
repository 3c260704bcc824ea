// SPDX-License-Identifier: BSD-2-Clause
#include "tests/bpf/lib/sender.h"

#include "tests/tools/lib/pattern.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#define BLOCK (64 * 1024)

struct sender {
	struct sender *next;
	pthread_t thread;
	int fd, from;
	uint64_t first, bytes; /* of the direction's content */
	int error;
};

/* Of the thread that runs the tests. */
static struct sender *running;

static void *run(void *arg)
{
	struct sender *sender = arg;
	uint8_t block[BLOCK];

	for (uint64_t done = 0; done < sender->bytes;) {
		uint64_t left = sender->bytes - done;

		pattern_fill(block, BLOCK, sender->first + done, (uint64_t)sender->from + 1);
		ssize_t n = send(sender->fd, block, left < BLOCK ? left : BLOCK, MSG_NOSIGNAL);
		if (n < 0) {
			sender->error = errno;
			return NULL;
		}
		done += (uint64_t)n;
	}
	if (shutdown(sender->fd, SHUT_WR) < 0)
		sender->error = errno;
	return NULL;
}

struct sender *sender_start(const struct scene *scene, int from, uint64_t bytes)
{
	struct sender *sender = calloc(1, sizeof(*sender));

	assert_non_null(sender);
	sender->fd = scene->far[from];
	sender->from = from;
	sender->first = scene->sent[from];
	sender->bytes = bytes;
	if (pthread_create(&sender->thread, NULL, run, sender) != 0) {
		free(sender);
		fail_msg("no thread for a sender");
	}
	sender->next = running;
	running = sender;
	return sender;
}

/* Returns the thread's error. */
static int reap(struct sender *sender)
{
	struct sender **link = &running;

	pthread_join(sender->thread, NULL);
	while (*link != sender)
		link = &(*link)->next;
	*link = sender->next;
	int error = sender->error;
	free(sender);
	return error;
}

void sender_join(struct sender *sender, struct scene *scene)
{
	uint64_t bytes = sender->bytes;
	int from = sender->from;

	int error = reap(sender);
	if (error)
		fail_msg("sender: %s", strerror(error));
	scene->sent[from] += bytes;
}

int senders_stop(void **state)
{
	(void)state;
	for (struct sender *sender = running; sender; sender = sender->next)
		(void)shutdown(sender->fd, SHUT_RDWR);
	while (running)
		(void)reap(running);
	return 0;
}
