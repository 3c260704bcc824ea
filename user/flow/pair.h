/* SPDX-License-Identifier: BSD-2-Clause */
/* State PAIR: both sockets are there; user/plane moves the bytes and tells when it is over. */
#pragma once

struct connection;

/* From PEEK, RENDEZVOUS or DIAL, with both descriptors in the stream's ends. */
void pair_begin(struct connection *connection);
