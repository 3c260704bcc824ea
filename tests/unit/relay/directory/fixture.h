/* SPDX-License-Identifier: BSD-2-Clause */
/* A small directory in memory for the relay's tests. */
#pragma once

#include "relay/directory/private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FINGERPRINT_1 "00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF"

static const char fixture_records[] =
	"{\"records\":[\n"
	"{\"name\":\"public.ga\",\"section\":\"groups\",\"data\":[\"providers\"]},\n"
	"{\"name\":\"private.ga\",\"section\":\"groups\",\"data\":[\"users\",\"others\"]},\n"
	"{\"name\":\"third\",\"section\":\"groups\",\"data\":[]},\n"
	"{\"name\":\"public.ga\",\"section\":\"channels\",\"data\":[{\"type\":\"grpc_server\","
	"\"settings\":{\"address\":\"localhost:5556\"}},{\"type\":\"jsonrpc_client\"}]},\n"
	"{\"name\":\"public.ga\",\"section\":\"certificates\",\"data\":["
	"{\"fingerprint\":\"" FINGERPRINT_1 "\",\"key_usage\":\"encryption\"}]},\n"
	"{\"name\":\"third\",\"section\":\"certificates\",\"data\":["
	"{\"fingerprint\":\"" FINGERPRINT_1 "\",\"key_usage\":\"signing\"}]},\n"
	"{\"name\":\"public.ga\",\"section\":\"services\",\"data\":[\n"
	" {\"name\":\"proxy\",\"permissions\":[{\"group\":\"admins\",\"rights\":[\"call\"]}],"
	"\"methods\":[\n"
	"  {\"name\":\"announceConnections\",\"permissions\":[{\"group\":\"users\","
	"\"rights\":[\"call\"]}]},\n"
	"  {\"name\":\"watched\",\"permissions\":[{\"group\":\"users\",\"rights\":[\"read\"]}]},\n"
	"  {\"name\":\"_ping\",\"permissions\":[{\"group\":\"*\",\"rights\":[\"call\"]}]},\n"
	"  {\"name\":\"_directory\",\"permissions\":[{\"group\":\"*\",\"rights\":[\"call\"]}]},\n"
	"  {\"name\":\"_connectionRequest\",\"permissions\":[{\"group\":\"*\","
	"\"rights\":[\"call\"]}]},\n"
	"  {\"name\":\"silent\"}]},\n"
	" {\"name\":\"second\",\"permissions\":[{\"group\":\"*\",\"rights\":[\"call\"]}],"
	"\"methods\":[{\"name\":\"silent\"},{\"name\":\"open\"}]}]},\n"
	"{\"name\":\"private.ga\",\"section\":\"services\",\"data\":[{\"name\":\"proxy\","
	"\"methods\":[{\"name\":\"incomingConnection\",\"permissions\":[{\"group\":\"providers\","
	"\"rights\":[\"call\"]}]}]}]},\n"
	"{\"name\":\"admin\",\"section\":\"groups\",\"data\":[\"admins\"]}\n"
	"]}\n";

static inline struct directory *fixture_directory(void)
{
	struct directory *directory = directory_new();
	char *error = NULL;

	if (directory_add_records(directory, "fixture", fixture_records, strlen(fixture_records),
				  &error) < 0) {
		fprintf(stderr, "%s\n", error);
		abort();
	}
	return directory;
}
