/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How often the kernel resets a connection whose handshake had to be repeated,
 * without any proxy: docs/kernel.md, "Handshakes that are repeated".
 *
 * In a network namespace of its own, where every other SYN-ACK is dropped. The
 * first processor opens connections, and answers the SYN-ACKs that come by a
 * timer; the second sees a connection become established and sends at once, so
 * that the ACK and the first bytes reach the listener's side together. The
 * server never closes: whatever is reset, the kernel has reset.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define GAP_US    500 /* between two connections: each is to be alone when its SYN-ACK comes */
#define LINGER_MS 300 /* a RST is here by then */
#define FILES_MAX 20000

static const char drop[] = "nft 'add table inet race; "
			   "add chain inet race input { type filter hook input priority 0; }; "
			   "add rule inet race input tcp flags & (syn|ack) == syn|ack "
			   "numgen inc mod 2 == 0 drop'";

static struct sockaddr_in address = {.sin_family = AF_INET};
static int listener, clients; /* `clients`: an epoll instance */
static _Atomic bool stopping;
static _Atomic unsigned opened, received;

__attribute__((noreturn)) static void die(const char *what)
{
	(void)fprintf(stderr, "handshake_race: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void run_on(int processor)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(processor, &set);
	if (sched_setaffinity(0, sizeof(set), &set) < 0)
		die("two processors are needed");
}

static uint64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void watch(int epoll, int fd, uint32_t events, int op)
{
	struct epoll_event event = {.events = events, .data.fd = fd};

	if (epoll_ctl(epoll, op, fd, &event) < 0)
		die("epoll");
}

static void enter_own_net(void)
{
	struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	int fd;

	if (unshare(CLONE_NEWNET) < 0)
		die("a network namespace of its own");
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &lo) < 0)
		die("lo");
	(void)close(fd);
	if (system(drop) != 0) /* NOLINT(cert-env33-c): a constant */
		die("nft");
}

static void accept_all(int epoll)
{
	int fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
		watch(epoll, fd, EPOLLIN, EPOLL_CTL_ADD);
}

/* Closes nothing but what its client has closed. */
static void *serve(void *arg)
{
	struct epoll_event events[64];
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	run_on(0);
	watch(epoll, listener, EPOLLIN, EPOLL_CTL_ADD);
	while (!stopping) {
		int n = epoll_wait(epoll, events, 64, 100);

		for (int i = 0; i < n; i++) {
			int fd = events[i].data.fd;
			char bytes[64];
			ssize_t got;

			if (fd == listener) {
				accept_all(epoll);
				continue;
			}
			got = recv(fd, bytes, sizeof(bytes), 0);
			if (got > 0)
				received++;
			else if (got == 0 || errno != EAGAIN)
				(void)close(fd);
		}
	}
	return arg;
}

static void *open_connections(void *arg)
{
	int on = 1;

	run_on(0);
	while (!stopping) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

		(void)usleep(GAP_US);
		if (fd < 0)
			continue; /* older ones are closed soon */
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 &&
		    errno != EINPROGRESS)
			die("connect");
		watch(clients, fd, EPOLLOUT, EPOLL_CTL_ADD);
		opened++;
	}
	return arg;
}

/* Sends on whatever has just been established; how many of them were reset. */
static unsigned send_at_once(unsigned seconds, unsigned *ret_sent)
{
	static uint64_t sent_at[FILES_MAX];
	uint64_t end = now_ms() + seconds * 1000ULL, next_look = 0;
	struct epoll_event events[64];
	unsigned resets = 0;

	while (now_ms() < end) {
		int n = epoll_wait(clients, events, 64, 0); /* awake all the time */

		for (int i = 0; i < n; i++) {
			int fd = events[i].data.fd;

			if (!sent_at[fd] && send(fd, "first", 5, MSG_NOSIGNAL) == 5) {
				sent_at[fd] = now_ms();
				watch(clients, fd, EPOLLRDHUP, EPOLL_CTL_MOD);
				++*ret_sent;
				continue;
			}
			resets++;
			sent_at[fd] = 0;
			(void)close(fd);
		}
		if (now_ms() < next_look)
			continue;
		next_look = now_ms() + LINGER_MS / 4;
		for (int fd = 0; fd < FILES_MAX; fd++) {
			if (sent_at[fd] && now_ms() - sent_at[fd] > LINGER_MS) {
				sent_at[fd] = 0;
				(void)close(fd);
			}
		}
	}
	return resets;
}

int main(int argc, char **argv)
{
	unsigned seconds = argc > 1 ? (unsigned)atoi(argv[1]) : 20, sent = 0, resets;
	struct rlimit files = {FILES_MAX, FILES_MAX};
	socklen_t length = sizeof(address);
	pthread_t server, opener;

	enter_own_net();
	(void)setrlimit(RLIMIT_NOFILE, &files);
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	clients = epoll_create1(EPOLL_CLOEXEC);
	if (listener < 0 || clients < 0 ||
	    bind(listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(listener, 4096) < 0 ||
	    getsockname(listener, (struct sockaddr *)&address, &length) < 0)
		die("listener");
	if (pthread_create(&server, NULL, serve, NULL) != 0 ||
	    pthread_create(&opener, NULL, open_connections, NULL) != 0)
		die("threads");
	run_on(1);
	resets = send_at_once(seconds, &sent);
	stopping = true;
	(void)pthread_join(opener, NULL);
	(void)pthread_join(server, NULL);
	printf("{\"opened\":%u,\"sent\":%u,\"received\":%u,\"reset\":%u}\n", opened, sent, received,
	       resets);
	return 0;
}
