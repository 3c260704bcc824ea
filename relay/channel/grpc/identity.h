/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who the other end of a TLS connection is: those names of its certificate
 * (CN, then DNS SANs) whose directory entry lists the certificate's
 * fingerprint. The authorities only say that the certificate is genuine.
 */
#pragma once

#include "common/net/tls.h"
#include "relay/directory/directory.h"

#define GRPC_IDENTITY_NAMES_MAX 32

struct grpc_identity {
	X509 *certificate;
	char fingerprint[TLS_FINGERPRINT_MAX];
	char *names[GRPC_IDENTITY_NAMES_MAX];
	size_t n_names;
};

/* -ENOENT: the peer showed no certificate; -EACCES: the directory knows it under none of its names,
 * of which ret->fingerprint is set for the log. */
int grpc_identity_init(struct grpc_identity *ret, const SSL *ssl,
		       const struct directory *directory);
void grpc_identity_clear(struct grpc_identity *identity);

/* After a change of the directory. -EACCES when no name is left. */
int grpc_identity_refresh(struct grpc_identity *identity, const struct directory *directory);

/* The name asked for if the identity has it, its first for "", NULL for any other. */
const char *grpc_identity_select(const struct grpc_identity *identity, const char *name);
