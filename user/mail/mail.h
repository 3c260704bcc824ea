/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages between the control thread and the workers: what each kind carries, and owns. */
#pragma once

#include "common/base/addr.h"
#include "common/base/domain.h" /* DOMAIN_MAX */
#include "user/wire/limits.h"

#include <stdbool.h>
#include <stdint.h>

struct routes;

enum mail_type {
	/* worker → control */
	MAIL_NOTICE,      /* send a notice to the operator that serves this domain */
	MAIL_PARKED,      /* private: a parked connection has changed its condition */
	MAIL_UNREACHABLE, /* private: no address of the internal server takes connections */
	MAIL_TOKEN_SHOWN, /* public: one of this operator's tokens, which counts no longer */
	/* control → worker */
	MAIL_ROUTES,         /* a new table of announcements */
	MAIL_NOTICE_REFUSED, /* nobody will dial back for this connection */
	MAIL_DIAL,           /* private: dial the public proxy and the internal server */
	MAIL_RESERVATION,    /* public: whoever shows this token may park a connection */
	MAIL_PARK,           /* private: dial the public proxy ahead, and wait to be taken */
	MAIL_INSIDE,         /* private: where to dial for a parked connection that was taken */
	MAIL_STOP, /* close listeners; end the last connection when the time is up, and then … */
	/* worker → worker */
	MAIL_DIALLED_BACK, /* a connection that bears a token of yours */
	MAIL_BORROW, /* u.notice: a client waits here; who has a parked connection for its operator?
		      */
	MAIL_LENT,   /* u.dialled_back: one, for the connection with this token */
};

enum parked_condition {
	PARKED_WAITING, /* connected, its token shown */
	PARKED_LOST,    /* could not be connected, or has ended unused */
	PARKED_TAKEN,   /* the public proxy has begun a stream on it */
};

struct mail {
	struct mail *next;
	enum mail_type type;
	union {
		struct {
			unsigned worker;
			uint64_t connection;
			uint8_t token[TOKEN_BYTES];
			char domain[DOMAIN_MAX + 1];
			char operator[OPERATOR_MAX + 1];
		} notice;
		struct routes *routes; /* a reference, owned by the mail */
		struct {
			uint64_t connection;
			char reason[128];
		} refused;
		struct {
			uint8_t token[TOKEN_BYTES];
			char domain[DOMAIN_MAX + 1];
			char operator[OPERATOR_MAX + 1]; /* the public proxy's */
			struct addr outside[ENDPOINT_ADDRS];
			unsigned n_outside;
			struct addr inside[ENDPOINT_ADDRS];
			unsigned n_inside;
		} dial;
		struct {
			char operator[OPERATOR_MAX + 1];
		} shown;
		struct {
			uint8_t token[TOKEN_BYTES];
			char operator[OPERATOR_MAX + 1];
			unsigned valid_ms; /* to dial back in */
		} reservation;
		struct {
			uint8_t token[TOKEN_BYTES];
			char operator[OPERATOR_MAX + 1]; /* the public proxy's */
			struct addr outside[ENDPOINT_ADDRS];
			unsigned n_outside;
		} park;
		struct {
			enum parked_condition condition;
			unsigned worker;
			uint64_t connection;
			char operator[OPERATOR_MAX + 1]; /* the public proxy's */
			char domain[DOMAIN_MAX + 1];     /* not empty: asks for MAIL_INSIDE */
		} parked;
		struct {
			uint64_t connection;
			struct addr inside[ENDPOINT_ADDRS];
			unsigned n_inside; /* 0: nobody announced this domain here, or … */
			bool unresolved;   /* … its server's name is not resolved */
		} inside;
		struct {
			char operator[OPERATOR_MAX + 1]; /* the public proxy's */
			char domain[DOMAIN_MAX + 1];     /* the server name, as it came */
		} unreachable;
		struct {
			int fd; /* owned by the mail */
			uint8_t token[TOKEN_BYTES];
		} dialled_back;
		struct {
			unsigned grace_ms;
			bool dismissed; /* … the worker: no mail comes after this one */
		} stop;
	} u;
};

struct mail *mail_new(enum mail_type type); /* NULL: out of memory */
void mail_free(struct mail *mail);
