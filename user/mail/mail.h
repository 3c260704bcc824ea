/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages between the control thread and the workers: what each kind carries,
 * and owns. A mail is as large as its kind needs, and holds the names that it
 * carries. An order to stop is none: mailbox.h.
 */
#pragma once

#include "common/base/addr.h"
#include "user/wire/limits.h"

#include <stdbool.h>
#include <stdint.h>

struct config;
struct routes;

enum mail_type {
	/* worker → control */
	MAIL_NOTICE,      /* send a notice to the operator that serves this domain */
	MAIL_PARKED,      /* private: a parked connection has changed its condition */
	MAIL_UNREACHABLE, /* private: no address of the internal server takes connections */
	MAIL_TOKEN_SHOWN, /* public: one of this operator's tokens, which counts no longer */
	/* control → worker */
	MAIL_CONFIG,         /* other settings, for what comes next */
	MAIL_ROUTES,         /* a new table of announcements */
	MAIL_NOTICE_REFUSED, /* nobody will dial back for this connection */
	MAIL_DIAL,           /* private: dial the public proxy and the internal server */
	MAIL_RESERVATION,    /* public: whoever shows this token may park a connection */
	MAIL_PARK,           /* private: dial the public proxy ahead, and wait to be taken */
	MAIL_INSIDE,         /* private: where to dial for a parked connection that was taken */
	/* worker → worker */
	MAIL_DIALLED_BACK, /* a connection that bears a token of yours */
	MAIL_BORROW, /* u.notice: a client waits here; who has a parked connection for its operator?
		      */
	MAIL_LENT,   /* u.dialled_back: one, for the connection with this token */
	MAIL_TYPES,
};

enum parked_condition {
	PARKED_WAITING, /* connected, its token shown */
	PARKED_LOST,    /* could not be connected, or has ended unused */
	PARKED_TAKEN,   /* the public proxy has begun a stream on it */
};

struct mail {
	struct mail *next;
	enum mail_type type;
	uint32_t size; /* bytes that it has; of `u` only what its kind needs is there */
	union {
		struct {
			unsigned worker;
			uint64_t connection;
			uint8_t token[TOKEN_BYTES];
			const char *domain;
			const char *operator;
		} notice;
		const struct config *config; /* a reference, owned by the mail */
		struct routes *routes;       /* the same */
		struct {
			uint64_t connection;
			char reason[128];
		} refused;
		struct {
			uint8_t token[TOKEN_BYTES];
			const char *domain;
			const char *operator; /* the public proxy's */
			unsigned n_outside, n_inside;
			struct addr outside[ENDPOINT_ADDRS];
			struct addr inside[ENDPOINT_ADDRS];
		} dial;
		struct {
			const char *operator;
		} shown;
		struct {
			uint8_t token[TOKEN_BYTES];
			const char *operator;
			unsigned valid_ms; /* to dial back in */
		} reservation;
		struct {
			uint8_t token[TOKEN_BYTES];
			const char *operator; /* the public proxy's */
			unsigned n_outside;
			struct addr outside[ENDPOINT_ADDRS];
		} park;
		struct {
			enum parked_condition condition;
			unsigned worker;
			uint64_t connection;
			const char *operator; /* the public proxy's */
			const char *domain;   /* not empty: asks for MAIL_INSIDE */
		} parked;
		struct {
			uint64_t connection;
			unsigned n_inside; /* 0: nobody announced this domain here, or … */
			bool unresolved;   /* … its server's name is not resolved */
			struct addr inside[ENDPOINT_ADDRS];
		} inside;
		struct {
			const char *operator; /* the public proxy's */
			const char *domain;   /* the server name, as it came */
		} unreachable;
		struct {
			int fd; /* owned by the mail */
			uint8_t token[TOKEN_BYTES];
		} dialled_back;
	} u;
};

/* All but `type` is zero, names are empty, descriptors closed. NULL: out of memory. */
struct mail *mail_new(enum mail_type type);
/* For a kind that carries names: copies them into the mail. `domain` is "" where it has none. */
struct mail *mail_new_named(enum mail_type type, const char *name, const char *domain);
void mail_free(struct mail *mail); /* takes NULL */

/* Bytes of one kind, without its names. */
uint32_t mail_size(enum mail_type type);

/*
 * Another kind in the same memory, for an answer that must not fail: its names
 * are kept, all else is as in a new one. What it owned must have been taken out.
 * `type` must need no more room than the mail has.
 */
void mail_turn(struct mail *mail, enum mail_type type);
