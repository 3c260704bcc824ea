// SPDX-License-Identifier: BSD-2-Clause
#include "relay/channel/grpc/identity.h"

#include <errno.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

static void clear_names(struct grpc_identity *identity)
{
	for (size_t i = 0; i < identity->n_names; i++)
		free(identity->names[i]);
	identity->n_names = 0;
}

static void try_name(struct grpc_identity *identity, const struct directory *directory,
		     const ASN1_STRING *string)
{
	const char *text = (const char *)ASN1_STRING_get0_data(string);
	size_t length = (size_t)ASN1_STRING_length(string);

	if (length == 0 || memchr(text, 0, length) || identity->n_names == GRPC_IDENTITY_NAMES_MAX)
		return;
	char *name = strndup(text, length);
	if (!name)
		return;
	if (directory_pins(directory, name, identity->fingerprint) &&
	    (identity->n_names == 0 || !grpc_identity_select(identity, name)))
		identity->names[identity->n_names++] = name;
	else
		free(name);
}

int grpc_identity_refresh(struct grpc_identity *identity, const struct directory *directory)
{
	const X509_NAME *subject = X509_get_subject_name(identity->certificate);
	GENERAL_NAMES *sans;

	clear_names(identity);
	for (int i = X509_NAME_get_index_by_NID(subject, NID_commonName, -1); i >= 0;
	     i = X509_NAME_get_index_by_NID(subject, NID_commonName, i))
		try_name(identity, directory,
			 X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, i)));
	sans = X509_get_ext_d2i(identity->certificate, NID_subject_alt_name, NULL, NULL);
	for (int i = 0; i < sk_GENERAL_NAME_num(sans); i++) {
		const GENERAL_NAME *san = sk_GENERAL_NAME_value(sans, i);
		if (san->type == GEN_DNS)
			try_name(identity, directory, san->d.dNSName);
	}
	GENERAL_NAMES_free(sans);
	return identity->n_names > 0 ? 0 : -EACCES;
}

int grpc_identity_init(struct grpc_identity *ret, const SSL *ssl, const struct directory *directory)
{
	X509 *certificate = SSL_get1_peer_certificate(ssl);

	*ret = (struct grpc_identity){.certificate = certificate};
	if (!certificate)
		return -ENOENT;
	int r = tls_certificate_fingerprint(certificate, ret->fingerprint);
	return r < 0 ? r : grpc_identity_refresh(ret, directory);
}

void grpc_identity_clear(struct grpc_identity *identity)
{
	clear_names(identity);
	X509_free(identity->certificate);
	identity->certificate = NULL;
}

const char *grpc_identity_select(const struct grpc_identity *identity, const char *name)
{
	if (name[0] == '\0')
		return identity->n_names > 0 ? identity->names[0] : NULL;
	for (size_t i = 0; i < identity->n_names; i++)
		if (strcmp(identity->names[i], name) == 0)
			return identity->names[i];
	return NULL;
}
