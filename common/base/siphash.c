// SPDX-License-Identifier: BSD-2-Clause
#include "common/base/siphash.h"

#include <endian.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

struct state {
	uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotate(uint64_t x, unsigned bits)
{
	return x << bits | x >> (64 - bits);
}

static inline void rounds(struct state *s, unsigned n)
{
	while (n--) {
		s->v0 += s->v1;
		s->v2 += s->v3;
		s->v1 = rotate(s->v1, 13) ^ s->v0;
		s->v3 = rotate(s->v3, 16) ^ s->v2;
		s->v0 = rotate(s->v0, 32);
		s->v2 += s->v1;
		s->v0 += s->v3;
		s->v1 = rotate(s->v1, 17) ^ s->v2;
		s->v3 = rotate(s->v3, 21) ^ s->v0;
		s->v2 = rotate(s->v2, 32);
	}
}

static inline void absorb(struct state *s, uint64_t word)
{
	s->v3 ^= word;
	rounds(s, 2);
	s->v0 ^= word;
}

void siphash_key_new(struct siphash_key *ret)
{
	struct timespec now;

	if (getrandom(ret, sizeof(*ret), GRND_NONBLOCK) == sizeof(*ret))
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	ret->k0 = (uint64_t)now.tv_nsec << 32 ^ (uint64_t)now.tv_sec;
	ret->k1 = (uint64_t)(uintptr_t)ret;
}

uint64_t siphash(const struct siphash_key *key, const void *data, size_t length)
{
	struct state s = {
		.v0 = key->k0 ^ 0x736f6d6570736575ULL, /* "somepseudorandomlygeneratedbytes" */
		.v1 = key->k1 ^ 0x646f72616e646f6dULL,
		.v2 = key->k0 ^ 0x6c7967656e657261ULL,
		.v3 = key->k1 ^ 0x7465646279746573ULL,
	};
	const uint8_t *in = data;
	uint64_t word;

	size_t tail = length % 8;
	for (const uint8_t *end = in + (length - tail); in != end; in += 8) {
		memcpy(&word, in, 8);
		absorb(&s, le64toh(word));
	}
	word = (uint64_t)(length & 0xff) << 56;
	for (size_t i = 0; i < tail; i++)
		word |= (uint64_t)in[i] << (8 * i);
	absorb(&s, word);
	s.v2 ^= 0xff;
	rounds(&s, 4);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
