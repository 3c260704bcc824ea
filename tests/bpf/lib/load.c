// SPDX-License-Identifier: BSD-2-Clause
#include "tests/bpf/lib/load.h"

#include "tests/tools/lib/pattern.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BLOCK      (256 * 1024)
#define PATIENCE_S 120

struct task {
	const struct load *load;
	int fd;
	uint64_t bytes;
	uint64_t seed;
	unsigned random;
	bool failed;
	char error[128];
};

static void setup_far(const struct load *load, int fd)
{
	int on = 1;
	struct timeval patience = {.tv_sec = load->patience_s ? load->patience_s : PATIENCE_S};

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (load->rcvbuf)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &load->rcvbuf, sizeof(load->rcvbuf));
}

int load_connect(const struct load *load, int *ret_near, int *ret_far)
{
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
	struct sockaddr_in in = {.sin_family = AF_INET};
	bool six = load->family == AF_INET6;
	int off = 0, r = -EIO;

	in6.sin6_addr = load->mapped ? in6addr_any : in6addr_loopback;
	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	struct sockaddr *addr = six ? (struct sockaddr *)&in6 : (struct sockaddr *)&in;
	socklen_t length = six ? sizeof(in6) : sizeof(in);
	int listener = socket(addr->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (six)
		setsockopt(listener, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	if (bind(listener, addr, length) < 0 || listen(listener, 1) < 0 ||
	    getsockname(listener, addr, &length) < 0) {
		r = -errno;
		close(listener);
		return r;
	}
	if (load->mapped) {
		in.sin_port = in6.sin6_port;
		addr = (struct sockaddr *)&in;
		length = sizeof(in);
	}
	int far = socket(addr->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setup_far(load, far);
	if (connect(far, addr, length) < 0) {
		r = -errno;
		close(far);
	} else {
		*ret_far = far;
		*ret_near = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		r = *ret_near < 0 ? -errno : 0;
	}
	close(listener);
	return r;
}

static void *send_all(void *arg)
{
	struct task *task = arg;
	const struct load *load = task->load;
	uint8_t *block = malloc(BLOCK);
	uint64_t done = 0;

	while (done < task->bytes) {
		size_t span = load->write_max - load->write_min + 1;
		size_t n = load->write_min + (size_t)rand_r(&task->random) % span;

		if (n > BLOCK)
			n = BLOCK;
		if (n > task->bytes - done)
			n = (size_t)(task->bytes - done);
		pattern_fill(block, n, done, task->seed);
		for (size_t at = 0; at < n;) {
			ssize_t sent = send(task->fd, block + at, n - at, MSG_NOSIGNAL);
			if (sent <= 0) {
				snprintf(task->error, sizeof(task->error), "send at %llu: %s",
					 (unsigned long long)(done + at), strerror(errno));
				task->failed = true;
				free(block);
				return NULL;
			}
			at += (size_t)sent;
		}
		done += n;
		if (load->pause_percent &&
		    (unsigned)rand_r(&task->random) % 100 < load->pause_percent)
			usleep((unsigned)rand_r(&task->random) % (load->pause_us + 1));
	}
	shutdown(task->fd, SHUT_WR);
	free(block);
	return NULL;
}

static void *receive_all(void *arg)
{
	struct task *task = arg;
	const struct load *load = task->load;
	size_t most = load->read_max ? load->read_max : 65536;
	uint8_t *block = malloc(most);
	uint64_t done = 0, bad = PATTERN_GOOD;
	ssize_t n;

	while ((n = recv(task->fd, block, most, 0)) > 0) {
		if (bad == PATTERN_GOOD)
			bad = pattern_check(block, (size_t)n, done, task->seed);
		done += (uint64_t)n;
		if (load->read_pause_us)
			usleep(load->read_pause_us);
	}
	if (n < 0)
		snprintf(task->error, sizeof(task->error), "recv at %llu: %s",
			 (unsigned long long)done, strerror(errno));
	else if (bad != PATTERN_GOOD)
		snprintf(task->error, sizeof(task->error), "wrong byte at %llu of %llu (%llu came)",
			 (unsigned long long)bad, (unsigned long long)task->bytes,
			 (unsigned long long)done);
	else if (done != task->bytes)
		snprintf(task->error, sizeof(task->error), "%llu bytes of %llu, and a FIN",
			 (unsigned long long)done, (unsigned long long)task->bytes);
	task->failed = task->error[0] != '\0';
	free(block);
	return NULL;
}

static void start(pthread_t *thread, void *(*run)(void *), void *arg)
{
	pthread_attr_t attributes;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, 256 * 1024);
	pthread_create(thread, &attributes, run, arg);
	pthread_attr_destroy(&attributes);
}

const char *load_run(struct bridge *bridge, const struct load *load, struct bridge_result *ret)
{
	static _Thread_local char error[160];
	int near[2] = {-1, -1}, far[2] = {-1, -1};
	struct task tasks[4];
	pthread_t threads[4];
	uint64_t seeds[2] = {load->seed * 2ull + 1, load->seed * 2ull + 2};

	memset(ret, 0, sizeof(*ret));
	for (int i = 0; i < 2; i++) {
		int r = load_connect(load, &near[i], &far[i]);
		if (r < 0)
			return strerror(-r);
	}
	int pair = bridge_add(bridge, near[0], near[1]);
	for (int i = 0; i < 2; i++) {
		tasks[i] = (struct task){
			load, far[i], load->bytes[i], seeds[i], load->seed + i + 1, false, ""};
		tasks[2 + i] = tasks[i];
		tasks[2 + i].fd = far[!i];
		start(&threads[i], send_all, &tasks[i]);
		start(&threads[2 + i], receive_all, &tasks[2 + i]);
	}
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	close(far[0]);
	close(far[1]);
	bool ended = bridge_wait(bridge, pair, 10, ret);
	for (int i = 3; i >= 0; i--)
		if (tasks[i].failed) {
			snprintf(error, sizeof(error), "%s %s: %s (%s)",
				 i % 2 ? "inside to outside" : "outside to inside",
				 i < 2 ? "sender" : "receiver", tasks[i].error,
				 stream_reason_name(ret->reason));
			return error;
		}
	if (!ended)
		return "the stream did not end";
	if (ret->reason != STREAM_FINISHED)
		return stream_reason_name(ret->reason);
	if (ret->bytes[0] != load->bytes[0] || ret->bytes[1] != load->bytes[1])
		return "the stream's own count is wrong";
	return NULL;
}

struct one {
	struct bridge *bridge;
	struct load load;
	struct bridge_result result;
	char error[200];
};

static void *run_one(void *arg)
{
	struct one *one = arg;
	const char *error = load_run(one->bridge, &one->load, &one->result);

	if (error)
		snprintf(one->error, sizeof(one->error), "%s", error);
	return NULL;
}

const char *load_run_many(struct bridge *bridge, const struct load *load, unsigned connections,
			  struct bridge_result *ret_sum)
{
	static _Thread_local char error[240];
	struct one *all = calloc(connections, sizeof(*all));
	pthread_t *threads = calloc(connections, sizeof(*threads));

	memset(ret_sum, 0, sizeof(*ret_sum));
	error[0] = '\0';
	for (unsigned i = 0; i < connections; i++) {
		all[i].bridge = bridge;
		all[i].load = *load;
		all[i].load.seed = load->seed + 1000 * (i + 1);
		start(&threads[i], run_one, &all[i]);
	}
	for (unsigned i = 0; i < connections; i++) {
		pthread_join(threads[i], NULL);
		if (all[i].error[0] && !error[0])
			snprintf(error, sizeof(error), "connection %u: %s", i, all[i].error);
		for (int d = 0; d < 2; d++) {
			ret_sum->bytes[d] += all[i].result.bytes[d];
			ret_sum->kernel_bytes[d] += all[i].result.kernel_bytes[d];
			ret_sum->spills[d] += all[i].result.spills[d];
			ret_sum->switches[d] += all[i].result.switches[d];
			ret_sum->overlaps[d] += all[i].result.overlaps[d];
		}
		ret_sum->used_sockmap |= all[i].result.used_sockmap;
		ret_sum->used_splice |= all[i].result.used_splice;
	}
	free(threads);
	free(all);
	return error[0] ? error : NULL;
}
