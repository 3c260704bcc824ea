// SPDX-License-Identifier: BSD-2-Clause
/* The ClientHello parser, with whatever bytes: what it says of them must hold together. */
#include "user/wire/client_hello.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void must(bool holds)
{
	if (!holds)
		abort();
}

/* A name is one that the rules for names leave as it is. */
static void check_name(const struct client_hello *hello)
{
	char again[DOMAIN_MAX + 1];

	must(domain_normalise(hello->name, false, again, NULL) == 0);
	must(strcmp(hello->name, again) == 0);
}

/* What goes to the log has nothing in it that breaks a line. */
static void check_told(const char *text)
{
	must(memchr(text, '\0', DOMAIN_MAX + 1) != NULL);
	for (; *text; text++)
		must(*text > ' ' && *text < 0x7f && *text != '"' && *text != '\'');
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	static uint8_t workspace[CLIENT_HELLO_MAX];
	struct client_hello hello = {0}, part;

	enum client_hello_result result = client_hello_parse(bytes, length, workspace, &hello);
	if (result == CLIENT_HELLO_OK) {
		check_name(&hello);
		must(hello.alpn_length <= sizeof(hello.alpn));
	} else if (result == CLIENT_HELLO_BAD_NAME) {
		check_told(hello.name);
	} else if (result == CLIENT_HELLO_MORE) {
		must(hello.missing > 0);
	}
	/* Before the end no more was known, and nothing else. */
	size_t n = length > 0 ? bytes[length - 1] % length : 0;
	enum client_hello_result before = client_hello_parse(bytes, n, workspace, &part);
	must(before == result || before == CLIENT_HELLO_MORE);
	if (before == CLIENT_HELLO_MORE && result == CLIENT_HELLO_OK)
		must(part.missing <= length - n);
	return 0;
}
