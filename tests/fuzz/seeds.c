// SPDX-License-Identifier: BSD-2-Clause
/* Writes the inputs that fuzzing begins with, made from what the unit tests know. */
#include "tests/tools/lib/hello.h"
#include "tests/unit/user/wire/proxy_vectors.h"

#include <err.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static const char *const names[] = {
	"example.org",      "A_b.Example.org.", "_x.example.org", "abc-.example.org",
	"*.example.org",    "192.0.2.1",        ".example.org",   "a b\n.org",
	"xn--bcher-kva.de", "b\xc3\xbc.de",     "a..b.example",
};

static const char *folder;

static void write_seed(const char *kind, size_t number, const void *bytes, size_t length)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", folder, kind);
	(void)mkdir(path, 0755);
	snprintf(path, sizeof(path), "%s/%s/seed-%zu", folder, kind, number);
	FILE *file = fopen(path, "w");
	if (!file || fwrite(bytes, 1, length, file) != length || fclose(file) != 0)
		err(1, "%s", path);
}

/* The same message in records of `size` bytes each. */
static size_t reframe(const uint8_t *record, size_t length, size_t size, uint8_t *ret)
{
	size_t used = 0;

	for (size_t at = 5; at < length; at += size) {
		size_t n = length - at < size ? length - at : size;

		memcpy(ret + used, record, 3);
		ret[used + 3] = (uint8_t)(n >> 8);
		ret[used + 4] = (uint8_t)n;
		memcpy(ret + used + 5, record + at, n);
		used += 5 + n;
	}
	return used;
}

static void write_hellos(void)
{
	static uint8_t hello[HELLO_RECORD_MAX], framed[6 * HELLO_RECORD_MAX];
	static const size_t sizes[] = {1, 3, 100};
	size_t number = 0;

	for (size_t i = 0; i < COUNT(names); i++) {
		int n = hello_build(hello, names[i], 0);

		write_seed("client_hello", number++, hello, (size_t)n);
		for (size_t s = 0; s < COUNT(sizes); s++)
			write_seed("client_hello", number++, framed,
				   reframe(hello, (size_t)n, sizes[s], framed));
	}
	int n = hello_build(hello, "example.org", 600);
	write_seed("client_hello", number, hello, (size_t)n);
}

int main(int argc, char **argv)
{
	if (argc != 2)
		errx(2, "usage: seeds FOLDER");
	folder = argv[1];
	(void)mkdir(folder, 0755);
	write_hellos();
	for (size_t i = 0; i < COUNT(names); i++)
		write_seed("domain", i, names[i], strlen(names[i]));
	for (size_t i = 0; i < COUNT(proxy_vectors); i++)
		write_seed("proxy_header", i, proxy_vectors[i].bytes, proxy_vectors[i].length);
	return 0;
}
