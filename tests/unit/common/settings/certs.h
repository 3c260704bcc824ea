/* SPDX-License-Identifier: BSD-2-Clause */
/* Certificates and keys for settings that name some. */
#pragma once

#include "tests/unit/common/settings/fixture.h"

#include <stdio.h>

/* A key, and a certificate for it. */
UNUSED static void make_certificate(char *pem, size_t size)
{
	FILE *stream = popen("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 "
			     "-nodes -days 2 -subj /CN=test -keyout - -out - 2>/dev/null",
			     "r");

	assert_non_null(stream);
	size_t length = fread(pem, 1, size - 1, stream);
	pem[length] = '\0';
	assert_int_equal(pclose(stream), 0);
	assert_true(length > 0);
}

/* The certificates, keys and folders that roles and samples name. */
UNUSED static void put_certificates(const char *below)
{
	static const char *const names[] = {"root.crt",
					    "ca.crt",
					    "public-proxy-1.ga.crt",
					    "public-proxy-1.ga.key",
					    "private-proxy-1.ga.crt",
					    "private-proxy-1.ga.key",
					    "public-proxy.crt",
					    "public-proxy.key",
					    "private-proxy.crt",
					    "private-proxy.key"};
	static char pem[4096];
	char path[PATH_MAX];

	if (!*pem)
		make_certificate(pem, sizeof(pem));
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(path, sizeof(path), "%s/%s", below, names[i]);
		put(path, pem);
	}
	put("directory/001.json", "{\"records\":[]}");
}
