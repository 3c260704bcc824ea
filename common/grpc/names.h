/* SPDX-License-Identifier: BSD-2-Clause */
/* What gRPC calls things on the wire, and the limits that hold on every connection. */
#pragma once

#define GRPC_HYPER_CALL        "/Hyper/Call"
#define GRPC_HYPER_SERVER_CALL "/Hyper/ServerCall"
#define GRPC_EPS_CALL          "/EPS/Call"
#define GRPC_EPS_SERVER_CALL   "/EPS/ServerCall"

/* gRPC's own default, and the originals': bytes of one message where no limit is set. */
#define GRPC_MESSAGE_MAX (4u << 20)

/* Status codes, from the gRPC core documentation "Status codes and their use in gRPC". */
enum grpc_status {
	GRPC_OK = 0,
	GRPC_CANCELLED = 1,
	GRPC_UNKNOWN = 2,
	GRPC_INVALID_ARGUMENT = 3,
	GRPC_DEADLINE_EXCEEDED = 4,
	GRPC_PERMISSION_DENIED = 7,
	GRPC_RESOURCE_EXHAUSTED = 8,
	GRPC_UNIMPLEMENTED = 12,
	GRPC_INTERNAL = 13,
	GRPC_UNAVAILABLE = 14,
	GRPC_UNAUTHENTICATED = 16,
};
