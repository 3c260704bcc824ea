/* SPDX-License-Identifier: BSD-2-Clause */
/* What gRPC calls things on the wire, and the limits that hold on every connection. */
#pragma once

#define GRPC_HYPER_CALL        "/Hyper/Call"
#define GRPC_HYPER_SERVER_CALL "/Hyper/ServerCall"
#define GRPC_EPS_CALL          "/EPS/Call"
#define GRPC_EPS_SERVER_CALL   "/EPS/ServerCall"

/* gRPC's own default, and the originals': bytes of one message where no limit is set. */
#define GRPC_MESSAGE_MAX (4u << 20)
