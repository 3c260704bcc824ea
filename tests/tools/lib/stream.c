/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/tools/lib/stream.h"
#include "tests/tools/lib/hello.h"
#include "tests/tools/lib/pattern.h"

#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define CHUNK_MAX (256 * 1024)
#define MAGIC     0x5053475354524d31ULL
#define NEVER     UINT64_MAX
#define TURNS     32 /* system calls in a row, then the others' turn */

enum { FLAG_HALF_CLOSE = 1, FLAG_ANSWER_LATE = 2 };

struct request {
	uint64_t magic, seed, up, down;
	uint32_t flags, ping;
};

struct verdict {
	uint64_t magic, received, bad_at;
};

struct stream {
	int fd;
	bool server, connected, started, eof, fin_sent;
	struct stream_options o;
	uint64_t seed, up, down;
	uint32_t flags, ping;

	/* Sent first; server: read first, with room for a hello in many records. */
	uint8_t head[2 * HELLO_RECORD_MAX];
	size_t head_length, head_done;
	uint64_t sent, send_total, received, receive_total, bad_at;
	size_t chunk_left; /* of the write that the socket took in part */
	struct verdict verdict;
	size_t verdict_done;

	uint64_t write_at, read_at, turn_at; /* µs */
	bool stalled;
	struct stream_result result;
};

void (*stream_on_round_trip)(uint64_t us);

__attribute__((format(printf, 3, 4))) static enum stream_end
end(struct stream *s, enum stream_end how, const char *format, ...)
{
	va_list args;

	s->result.end = how;
	va_start(args, format);
	(void)vsnprintf(s->result.why, sizeof(s->result.why), format, args);
	va_end(args);
	return how;
}

static enum stream_end end_errno(struct stream *s, const char *what)
{
	if (errno == ECONNRESET || errno == EPIPE)
		return end(s, STREAM_RESET, "%s: %s", what, strerror(errno));
	return end(s, STREAM_BAD, "%s: %s", what, strerror(errno));
}

static enum stream_end reset(struct stream *s)
{
	struct linger linger = {.l_onoff = 1};

	(void)setsockopt(s->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	(void)close(s->fd);
	s->fd = -1;
	return end(s, STREAM_WE_RST, "reset as asked");
}

static struct stream *new_stream(int fd, const struct stream_options *options)
{
	struct stream *s = calloc(1, sizeof(*s));
	int on = 1;

	if (!s)
		return NULL;
	s->fd = fd;
	s->o = *options;
	s->bad_at = PATTERN_GOOD;
	if (s->o.nodelay)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (s->o.sndbuf)
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &s->o.sndbuf, sizeof(int));
	return s;
}

struct stream *stream_client(int fd, const struct stream_options *options, uint64_t seed)
{
	struct stream *s = new_stream(fd, options);
	struct request request;
	int n = 0;

	if (!s)
		return NULL;
	s->seed = seed;
	s->up = s->send_total = options->up;
	s->down = s->receive_total = options->down;
	s->ping = options->ping;
	s->flags = (options->half_close ? FLAG_HALF_CLOSE : 0) |
		   (options->answer_late ? FLAG_ANSWER_LATE : 0);
	s->started = true;
	if (options->hello)
		n = hello_build(s->head, options->hello, options->hello_size);
	if (n < 0) {
		free(s);
		return NULL;
	}
	request = (struct request){MAGIC, seed, s->up, s->down, s->flags, s->ping};
	memcpy(s->head + n, &request, sizeof(request));
	s->head_length = (size_t)n + sizeof(request);
	return s;
}

struct stream *stream_server(int fd, const struct stream_options *options)
{
	struct stream *s = new_stream(fd, options);

	if (s)
		s->server = s->connected = true;
	return s;
}

void stream_free(struct stream *s)
{
	if (!s)
		return;
	if (s->fd >= 0)
		(void)close(s->fd);
	free(s);
}

int stream_fd(const struct stream *s)
{
	return s->fd;
}

/* Server: the hello and the request, which may come in any pieces. */
static int take_head(struct stream *s, const uint8_t **data, size_t *n)
{
	struct request request;
	int hello = 0;

	while (*n) {
		s->head[s->head_length++] = *(*data)++;
		(*n)--;
		if (s->head[0] == 0x16)
			hello = hello_length(s->head, s->head_length);
		if (hello < 0 || s->head_length == sizeof(s->head))
			return -EBADMSG;
		if ((s->head[0] == 0x16 && !hello) ||
		    s->head_length < (size_t)hello + sizeof(request))
			continue;
		memcpy(&request, s->head + hello, sizeof(request));
		if (request.magic != MAGIC)
			return -EBADMSG;
		s->seed = request.seed;
		s->up = s->receive_total = request.up;
		s->down = s->send_total = request.down;
		s->flags = request.flags;
		s->ping = request.ping;
		s->started = true;
		return 0;
	}
	return 0;
}

/* Client: a proxy's answer to the hello, in place of the server's. */
static bool is_alert(const struct stream *s, const uint8_t *data, size_t n)
{
	return !s->server && s->o.hello && n == 7 && !s->received && !s->verdict_done &&
	       memcmp(data, "\x15\x03", 2) == 0 && memcmp(data + 3, "\0\x02\x02", 3) == 0;
}

static enum stream_end take(struct stream *s, const uint8_t *data, size_t n, uint64_t now)
{
	uint64_t bad;
	size_t content;

	if (!s->started) {
		if (take_head(s, &data, &n) < 0)
			return end(s, STREAM_BAD, "what came first is no ClientHello and request");
		if (!s->started)
			return STREAM_OPEN;
	}
	if (is_alert(s, data, n))
		return end(s, STREAM_BAD, "refused with alert %u", data[6]);
	content = n < s->receive_total - s->received ? n : (size_t)(s->receive_total - s->received);
	bad = pattern_check(data, content, s->received, s->seed * 2 + !s->server);
	if (bad != PATTERN_GOOD && s->bad_at == PATTERN_GOOD)
		s->bad_at = bad;
	if (s->ping && !s->server && content && stream_on_round_trip && s->turn_at &&
	    (s->received + content) / s->ping > s->received / s->ping) {
		stream_on_round_trip(now - s->turn_at);
		s->turn_at = 0;
	}
	s->received += content;
	data += content;
	n -= content;
	if (n == 0)
		return STREAM_OPEN;
	if (s->server || n > sizeof(s->verdict) - s->verdict_done)
		return end(s, STREAM_BAD, "%zu bytes too many after %llu", n,
			   (unsigned long long)s->received);
	memcpy((uint8_t *)&s->verdict + s->verdict_done, data, n);
	s->verdict_done += n;
	return STREAM_OPEN;
}

static enum stream_end read_some(struct stream *s, uint64_t now)
{
	static uint8_t buf[CHUNK_MAX];
	size_t max = sizeof(buf);

	if (s->o.read_rate && s->o.read_rate / 50 < max)
		max = s->o.read_rate / 50 + 1;
	for (int i = 0; i < TURNS && !s->eof && now >= s->read_at; i++) {
		ssize_t n;
		enum stream_end r;

		if (s->o.stall_ms && !s->stalled && s->received >= s->o.stall_at) {
			s->stalled = true;
			s->read_at = now + (uint64_t)s->o.stall_ms * 1000;
			break;
		}
		n = recv(s->fd, buf, max, 0);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			break;
		if (n < 0)
			return end_errno(s, "recv");
		if (n == 0) {
			s->eof = true;
			break;
		}
		if (s->o.read_rate)
			s->read_at = now + (uint64_t)n * 1000000 / s->o.read_rate;
		r = take(s, buf, (size_t)n, now);
		if (r != STREAM_OPEN)
			return r;
		if (s->o.reset_received && s->received >= s->o.reset_received)
			return reset(s);
	}
	return STREAM_OPEN;
}

static bool verdict_due(const struct stream *s)
{
	return s->server && s->started && s->sent == s->send_total &&
	       s->received == s->receive_total && (s->eof || !(s->flags & FLAG_HALF_CLOSE));
}

/* How much content may be sent now. */
static uint64_t may_send(const struct stream *s)
{
	uint64_t until = s->send_total;

	if (!s->started || (s->server && (s->flags & FLAG_ANSWER_LATE) && !s->eof))
		return 0;
	if (s->ping) {
		uint64_t turns = s->received / s->ping + !s->server;

		if (turns * s->ping < until)
			until = turns * s->ping;
	}
	if (s->o.reset_sent && s->o.reset_sent < until)
		until = s->o.reset_sent;
	return until > s->sent ? until - s->sent : 0;
}

static size_t pick_chunk(const struct stream *s)
{
	uint32_t span = s->o.write_max - s->o.write_min;

	return s->o.write_min + (span ? (uint32_t)random() % (span + 1) : 0);
}

/* 1: sent all that can be; 0: the socket or a pause says wait; or -1 with errno. */
static int write_some(struct stream *s, uint64_t now)
{
	static uint8_t buf[CHUNK_MAX];

	for (int i = 0; i < TURNS; i++) {
		ssize_t n;

		if (now < s->write_at)
			return 0;
		if (!s->server && s->head_done < s->head_length) {
			n = send(s->fd, s->head + s->head_done, s->head_length - s->head_done,
				 MSG_NOSIGNAL);
			if (n > 0)
				s->head_done += (size_t)n;
		} else if (may_send(s)) {
			uint64_t left = may_send(s);

			if (!s->chunk_left)
				s->chunk_left = pick_chunk(s);
			if (s->chunk_left > left)
				s->chunk_left = left;
			if (s->ping && !s->turn_at)
				s->turn_at = now;
			pattern_fill(buf, s->chunk_left, s->sent, s->seed * 2 + s->server);
			n = send(s->fd, buf, s->chunk_left, MSG_NOSIGNAL);
			if (n > 0) {
				s->sent += (size_t)n;
				s->chunk_left -= (size_t)n;
			}
			if (n > 0 && !s->chunk_left && s->o.pause_us &&
			    (uint32_t)random() % 100 < s->o.pause_percent)
				s->write_at = now + 1 + (uint64_t)random() % s->o.pause_us;
		} else if (verdict_due(s) && s->verdict_done < sizeof(s->verdict)) {
			s->verdict = (struct verdict){MAGIC, s->received, s->bad_at};
			n = send(s->fd, (uint8_t *)&s->verdict + s->verdict_done,
				 sizeof(s->verdict) - s->verdict_done, MSG_NOSIGNAL);
			if (n > 0)
				s->verdict_done += (size_t)n;
		} else {
			return 1;
		}
		if (n < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -1;
	}
	return 0;
}

static enum stream_end judge(struct stream *s)
{
	if (s->bad_at != PATTERN_GOOD)
		return end(s, STREAM_BAD, "wrong byte at %llu of %llu",
			   (unsigned long long)s->bad_at, (unsigned long long)s->receive_total);
	if (s->eof && (s->received < s->receive_total || !s->started))
		return end(s, STREAM_BAD, "FIN after %llu of %llu bytes",
			   (unsigned long long)s->received, (unsigned long long)s->receive_total);
	/* It comes last: nothing to wait for, and our own FIN may depend on it. */
	if (s->eof && !s->server && s->verdict_done < sizeof(s->verdict))
		return end(s, STREAM_BAD, "FIN before the server's verdict");
	if (!s->eof || !s->fin_sent)
		return STREAM_OPEN;
	if (!s->server && (s->verdict.magic != MAGIC || s->verdict.bad_at != PATTERN_GOOD ||
			   s->verdict.received != s->up))
		return end(s, STREAM_BAD, "the server got a wrong byte at %llu of %llu",
			   (unsigned long long)s->verdict.bad_at, (unsigned long long)s->up);
	return end(s, STREAM_DONE, "complete");
}

static bool fin_due(const struct stream *s)
{
	if (s->fin_sent || s->sent < s->send_total || !s->started)
		return false;
	if (s->server)
		return s->verdict_done == sizeof(s->verdict);
	return s->head_done == s->head_length &&
	       ((s->flags & FLAG_HALF_CLOSE) || s->verdict_done == sizeof(s->verdict));
}

static bool reset_due(const struct stream *s)
{
	int queued = 0;

	/* Something of the other side first: the way through is open then. */
	if (s->receive_total && !s->received)
		return false;
	return s->o.reset_sent && s->started && s->sent >= s->o.reset_sent &&
	       ioctl(s->fd, SIOCOUTQ, &queued) == 0 && queued == 0;
}

enum stream_end stream_run(struct stream *s, uint32_t events, uint64_t now, uint32_t *ret_wanted,
			   uint64_t *ret_at)
{
	enum stream_end r;
	int w;

	if (s->result.end != STREAM_OPEN)
		return s->result.end;
	if (!s->connected && !(events & (EPOLLOUT | EPOLLERR | EPOLLHUP))) {
		*ret_wanted = EPOLLOUT;
		*ret_at = NEVER;
		return STREAM_OPEN;
	}
	s->connected = true;
	if (events & EPOLLERR) /* would be told again and again */
		s->read_at = 0;
	r = read_some(s, now);
	if (r != STREAM_OPEN)
		return r;
	w = write_some(s, now);
	if (w < 0)
		return end_errno(s, "send");
	if (reset_due(s))
		return reset(s);
	if (fin_due(s)) {
		if (shutdown(s->fd, SHUT_WR) < 0)
			return end_errno(s, "shutdown");
		s->fin_sent = true;
	}
	r = judge(s);
	if (r != STREAM_OPEN)
		return r;

	*ret_wanted = 0;
	*ret_at = NEVER;
	if (!s->eof && now >= s->read_at)
		*ret_wanted |= EPOLLIN;
	else if (!s->eof)
		*ret_at = s->read_at;
	if (w == 0 && now >= s->write_at)
		*ret_wanted |= EPOLLOUT;
	else if (w == 0 && s->write_at < *ret_at)
		*ret_at = s->write_at;
	if (s->o.reset_sent && s->sent >= s->o.reset_sent && now + 1000 < *ret_at)
		*ret_at = now + 1000;
	return STREAM_OPEN;
}

void stream_result(const struct stream *s, struct stream_result *ret)
{
	*ret = s->result;
	ret->seed = s->seed;
	ret->sent = s->sent;
	ret->received = s->received;
	if (s->bad_at != PATTERN_GOOD) {
		ret->end = STREAM_BAD;
		(void)snprintf(ret->why, sizeof(ret->why), "wrong byte at %llu of %llu",
			       (unsigned long long)s->bad_at, (unsigned long long)s->receive_total);
	}
	ret->ok = ret->end == STREAM_WE_RST ||
		  ret->end == (s->o.expect_reset ? STREAM_RESET : STREAM_DONE);
}
