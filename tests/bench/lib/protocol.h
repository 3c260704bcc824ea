/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the load generator and the backend of the benchmark say to each other.
 *
 * On the TLS port, HTTP/1.1 with keep-alive inside TLS 1.3: REQUEST, ANSWER.
 *
 * On the plain port, so that no cipher hides what a proxy costs:
 *   client → server   a ClientHello record, as every proxy by server name wants
 *   server → client   struct ready
 *   client → server   struct command
 * and then, as the command says,
 *   PING    `size` bytes each way, in turns
 *   DOWN    bytes from the server until the client sends one; then the server closes
 *   UP      zeros from the client; after a byte BENCH_END, which must not share a write with what
 *           would follow it, the server answers how many bytes came, 64 bit
 * The client closes last. No direction ends before the other, since not every proxy passes that on.
 */
#pragma once

#include <stdint.h>

#define BENCH_REQUEST                                                                              \
	"GET /jsonrpc HTTP/1.1\r\nHost: tls.internal-server.local\r\nAccept: application/json\r\n" \
	"User-Agent: bench\r\n\r\n"
#define BENCH_ANSWER                                                                      \
	"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 22\r\n\r\n" \
	"{\"message\":\"success\"}\n"

#define BENCH_PING 'P'
#define BENCH_DOWN 'D'
#define BENCH_UP   'U'
#define BENCH_END  0xff

#define BENCH_READY    0x1603030064756d79u
#define BENCH_SIZE_MAX 16384

struct bench_ready {
	uint64_t magic;
};

struct bench_command {
	uint8_t what;
	uint8_t pad[3];
	uint32_t size; /* of a request and of its answer, bytes; PING only */
};

_Static_assert(sizeof(struct bench_ready) == 8, "on the wire");
_Static_assert(sizeof(struct bench_command) == 8, "on the wire");
