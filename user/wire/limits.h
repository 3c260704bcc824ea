/* SPDX-License-Identifier: BSD-2-Clause */
/* Sizes that several parts of the proxy agree on. */
#pragma once

#define TOKEN_BYTES     32  /* as it is sent and shown */
#define TOKEN_KEY_BYTES 16  /* its keyed hash, as it is kept: token.h */
#define OPERATOR_MAX    255 /* characters of an operator's name, without NUL */
#define ENDPOINT_ADDRS  4   /* addresses of a host name that are tried */
#define RESERVE_MAX     64  /* tokens in one call of reserveConnections */
