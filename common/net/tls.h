/* SPDX-License-Identifier: BSD-2-Clause */
/* TLS of the control network, from a `tls` block of the settings. The data path never comes here.
 */
#pragma once

#include <jansson.h>
#include <openssl/ssl.h>
#include <stdbool.h>

#define TLS_FINGERPRINT_MAX 65 /* SHA-256 of the DER, lower-case hex, and NUL */

enum tls_role {
	TLS_SERVER,
	TLS_CLIENT,
};

/*
 * A context from a checked `tls` block (keys as in docs/settings.md). On
 * failure a negative errno, and *ret_error names the file and OpenSSL's
 * reason (caller frees).
 */
int tls_context_new(const json_t *settings, enum tls_role role, SSL_CTX **ret, char **ret_error);

/* The same on a context that somebody else has made, e.g. libcurl for one connection. */
int tls_context_apply(SSL_CTX *context, const json_t *settings, enum tls_role role,
		      char **ret_error);

/*
 * Before the handshake of a client: send `host` as server name and accept only
 * a certificate that bears it. An IP address is checked but not sent
 * (RFC 6066 section 3).
 */
int tls_expect_server(SSL *ssl, const char *host);

int tls_certificate_fingerprint(const X509 *certificate, char ret[TLS_FINGERPRINT_MAX]);

/* -ENOENT when the peer showed no certificate. */
int tls_peer_fingerprint(const SSL *ssl, char ret[TLS_FINGERPRINT_MAX]);

/* Whether the certificate's CN or one of its DNS SANs is `name`, compared without case. */
bool tls_certificate_has_name(const X509 *certificate, const char *name);
