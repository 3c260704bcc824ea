/* SPDX-License-Identifier: BSD-2-Clause */
/* Certificates for one test program, in a folder of its own that goes away with it. */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char certs_folder[] = "/tmp/passage-test-XXXXXX";

/* root signs op-1 (which is also localhost and 127.0.0.1), op-1-alt and op-2; stranger signs
 * itself. */
static const char certs_script[] =
	"set -e; cd \"$1\"\n"
	"new() { openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes "
	"-days 2 -keyout \"$1.key\" -out \"$1.crt\" -subj \"/CN=$2\" -addext "
	"\"subjectAltName=$3\" -addext \"basicConstraints=critical,CA:$4\" $5 2>/dev/null; }\n"
	"new root root DNS:root TRUE ''\n"
	"new op-1 op-1 DNS:op-1,DNS:localhost,IP:127.0.0.1 FALSE '-CA root.crt -CAkey root.key'\n"
	"new op-2 op-2 DNS:op-2,DNS:also-2 FALSE '-CA root.crt -CAkey root.key'\n"
	"new stranger op-1 DNS:op-1 FALSE ''\n"
	"openssl ec -in op-1.key -aes128 -passout pass:secret -out locked.key 2>/dev/null\n";

static int certs_setup(void **state)
{
	char command[4096];

	(void)state;
	if (!mkdtemp(certs_folder))
		return -1;
	snprintf(command, sizeof(command), "timeout 60 sh -c '%s' sh %s", "eval \"$SCRIPT\"",
		 certs_folder);
	setenv("SCRIPT", certs_script, 1);
	return system(command);
}

static int certs_teardown(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", certs_folder);
	return system(command);
}

static const char *certs_path(const char *file)
{
	static char paths[8][128];
	static unsigned next;
	char *path = paths[next++ % 8];

	snprintf(path, sizeof(paths[0]), "%s/%s", certs_folder, file);
	return path;
}
