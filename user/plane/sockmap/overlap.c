// SPDX-License-Identifier: BSD-2-Clause
#include "user/plane/sockmap/overlap.h"

#include "common/base/cleanup.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#define MOST 1200

/* RFC 9293 section 3.1: what the checksum covers beside the segment. */
struct pseudo_header {
	uint32_t from, to;
	uint8_t zero, protocol;
	uint16_t length;
};

struct sequence {
	uint32_t send, receive;
};

/* RFC 1071, over bytes of network order. */
static uint32_t sum(const void *bytes, size_t length, uint32_t before)
{
	const uint8_t *b = bytes;

	for (size_t i = 0; i + 1 < length; i += 2)
		before += (uint32_t)b[i] << 8 | b[i + 1];
	if (length % 2)
		before += (uint32_t)b[length - 1] << 8;
	return before;
}

static uint16_t fold(uint32_t n)
{
	while (n >> 16)
		n = (n & 0xffff) + (n >> 16);
	return (uint16_t)~n;
}

static int queue_sequence(int fd, int queue, uint32_t *ret)
{
	socklen_t length = sizeof(*ret);

	if (setsockopt(fd, IPPROTO_TCP, TCP_REPAIR_QUEUE, &queue, sizeof(queue)) < 0)
		return -errno;
	return getsockopt(fd, IPPROTO_TCP, TCP_QUEUE_SEQ, ret, &length) < 0 ? -errno : 0;
}

/* tcp(7), TCP_REPAIR: the only way to read a connection's sequence numbers. */
static int read_sequence(int fd, struct sequence *ret)
{
	int on = TCP_REPAIR_ON, off = TCP_REPAIR_OFF_NO_WP;

	if (setsockopt(fd, IPPROTO_TCP, TCP_REPAIR, &on, sizeof(on)) < 0)
		return -errno;
	int r = queue_sequence(fd, TCP_SEND_QUEUE, &ret->send);
	if (r == 0)
		r = queue_sequence(fd, TCP_RECV_QUEUE, &ret->receive);
	if (setsockopt(fd, IPPROTO_TCP, TCP_REPAIR, &off, sizeof(off)) < 0 && r == 0)
		r = -errno;
	return r;
}

int overlap_send(int fd, const void *bytes, size_t length, uint32_t overlap)
{
	struct {
		struct tcphdr tcp;
		uint8_t bytes[MOST];
	} segment = {0};
	struct sockaddr_in from, to;
	socklen_t from_length = sizeof(from), to_length = sizeof(to);
	struct sequence sequence = {0};

	if (length > MOST)
		return -EMSGSIZE;
	AUTO_CLOSE int raw = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_TCP);
	if (raw < 0)
		return -errno;
	if (getsockname(fd, (struct sockaddr *)&from, &from_length) < 0 ||
	    getpeername(fd, (struct sockaddr *)&to, &to_length) < 0)
		return -errno;
	int r = read_sequence(fd, &sequence);
	if (r < 0)
		return r;

	size_t total = sizeof(segment.tcp) + length;
	segment.tcp.source = from.sin_port;
	segment.tcp.dest = to.sin_port;
	segment.tcp.seq = htonl(sequence.send - overlap);
	segment.tcp.ack_seq = htonl(sequence.receive);
	segment.tcp.doff = sizeof(segment.tcp) / 4;
	segment.tcp.ack = 1;
	segment.tcp.psh = 1;
	segment.tcp.window = htons(0xffff);
	memcpy(segment.bytes, bytes, length);
	struct pseudo_header pseudo = {from.sin_addr.s_addr, to.sin_addr.s_addr, 0, IPPROTO_TCP,
				       htons((uint16_t)total)};
	segment.tcp.check = htons(fold(sum(&segment, total, sum(&pseudo, sizeof(pseudo), 0))));
	to.sin_port = 0;
	if (sendto(raw, &segment, total, 0, (struct sockaddr *)&to, to_length) < 0)
		return -errno;
	return 0;
}
