/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One TCP connection that carries checked content both ways, without blocking.
 *
 * client → server   ClientHello record, struct request, `up` bytes of pattern, FIN
 * server → client   `down` bytes of pattern, struct verdict, FIN
 *
 * The client's FIN comes right after its last byte (half_close), or when the
 * verdict is there.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct stream_options {
	const char *hello;  /* server name; NULL: no ClientHello */
	size_t hello_size;  /* 0: as short as it goes */
	uint64_t up, down;  /* client only: bytes of content */
	bool half_close;    /* client only: FIN after the last byte of content */
	bool answer_late;   /* client only: the server sends only after our FIN */
	uint32_t ping;      /* client only: talk in turns, this many bytes each */
	uint32_t write_min; /* size of a write, bytes */
	uint32_t write_max;
	uint32_t pause_percent; /* chance of a pause after a write … */
	uint32_t pause_us;      /* … of at most so long */
	uint64_t read_rate;     /* bytes a second; 0: as they come */
	uint64_t stall_at;      /* having received so many bytes … */
	uint32_t stall_ms;      /* … read nothing for so long */
	int rcvbuf, sndbuf;     /* 0: the system's */
	bool nodelay;
	uint64_t reset_sent; /* RST when so many bytes are acknowledged and some came; 0: never */
	uint64_t reset_received; /* RST when so many bytes have come; 0: never */
	bool expect_reset;       /* the right end is a RST from the peer */
};

enum stream_end {
	STREAM_OPEN,
	STREAM_DONE,   /* everything came, in order, with FIN */
	STREAM_RESET,  /* by the peer */
	STREAM_WE_RST, /* as the options asked */
	STREAM_BAD,    /* `why` tells */
};

struct stream;

/* Takes the descriptor (non-blocking, connecting or connected). NULL: out of memory. */
struct stream *stream_client(int fd, const struct stream_options *options, uint64_t seed);
struct stream *stream_server(int fd, const struct stream_options *options);
void stream_free(struct stream *stream); /* closes */

int stream_fd(const struct stream *stream);

/*
 * Do what can be done at `now` (µs, monotonic), with the socket's `events`
 * (epoll). Sets the events to wait for, and when to be called at the latest.
 */
enum stream_end stream_run(struct stream *stream, uint32_t events, uint64_t now,
			   uint32_t *ret_wanted, uint64_t *ret_at);

struct stream_result {
	enum stream_end end;
	bool ok;
	uint64_t seed, sent, received; /* bytes of content */
	char why[160];
};

void stream_result(const struct stream *stream, struct stream_result *ret);

/* Set by the owner: called with each round trip of a conversation in turns, µs. */
extern void (*stream_on_round_trip)(uint64_t us);
