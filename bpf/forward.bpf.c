// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0)
/*
 * The kernel's half of a connection: for each segment that a socket of a pair
 * receives, decide whether it goes straight to the peer or to user space.
 * In doubt it goes to user space, which loses nothing. docs/kernel.md states
 * the invariants and why each race is closed.
 */
#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "bpf/forward.h"

#define MAX_RINGS 256
/* An skb of 5.10 to 7.x holds at most 64 KiB (512 KiB with BIG TCP); 4095 bytes a cut. */
#define MAX_CUTS 160
#define MAX_CUT  4095

/* volatile: user space writes these fields while the program runs. */
#define READ(field) (*(volatile typeof(field) *)&(field))

/*
 * A socket's cookie → its peer. The entry is what bpf_sk_redirect_hash()
 * sends to and what the room check looks at, so one key serves both.
 */
struct {
	__uint(type, BPF_MAP_TYPE_SOCKHASH);
	__uint(max_entries, 1);
	__type(key, __u64);
	__type(value, __u64);
} peers SEC(".maps");

/* A socket's cookie → its slot in `flows`. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, __u64);
	__type(value, __u32);
} slots SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct flow);
} flows SEC(".maps");

/* One ring for each worker of the proxy. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, MAX_RINGS);
	__type(key, __u32);
	__array(
		values, struct {
			__uint(type, BPF_MAP_TYPE_RINGBUF);
			__uint(max_entries, 4096);
		});
} rings SEC(".maps");

/* Off only in the test that shows what happens without it. */
const volatile __u32 trim_overlaps = 1;

/* enum flow_queue: see pass(). */
const volatile __u32 queue_passed = QUEUE_NEVER;

static __always_inline void tell(const struct flow *flow, __u32 slot, __u16 event)
{
	__u32 ring_index = flow->ring;
	struct flow_record record = {
		.slot = slot,
		.generation = (__u16)flow->generation,
		.event = event,
	};
	void *ring = bpf_map_lookup_elem(&rings, &ring_index);

	if (ring)
		bpf_ringbuf_output(ring, &record, sizeof(record), BPF_RB_FORCE_WAKEUP);
}

/* As kernels were before 6.1.32. */
struct sk_psock_work_state___old {
	struct sk_buff *skb;
} __attribute__((preserve_access_index));
struct sk_psock___old {
	struct sk_buff_head ingress_skb;
	struct sk_psock_work_state___old work_state;
} __attribute__((preserve_access_index));

/*
 * True: the kernel's worker has nothing of this socket, neither in its queue
 * nor in its hand. Exact where it holds the socket's lock meanwhile, as we do.
 * In doubt false.
 */
static __always_inline bool worker_is_idle(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;

	if (!sk)
		return false;
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);
	if (!tp)
		return false;
	/* The lowest bits are flags. */
	__u64 data = (__u64)tp->inet_conn.icsk_inet.sk.sk_user_data & ~7ull;
	struct sk_psock___old *psock = (void *)data;
	struct sk_buff *in_hand = NULL;
	__u32 queued = 1;

	if (bpf_core_read(&queued, sizeof(queued), &psock->ingress_skb.qlen) ||
	    bpf_core_read(&in_hand, sizeof(in_hand), &psock->work_state.skb))
		return false;
	return !queued && !in_hand;
}

/*
 * SK_PASS hands an skb to the reader at once where the socket's queue is empty.
 * Before 6.1.32 and 6.4 it is empty too while the worker still has the last
 * skb in its hand, for want of memory, and what is passed then would overtake
 * that one. There an skb goes the long way: redirected to the socket's own
 * reader, which is always by the queue. The entry that is this socket has the
 * peer's cookie. Without it the helper leaves the skb to SK_PASS, and nothing
 * can be in the queue. What is in the queue is charged to nobody, so the way is
 * taken only when it has to be, if that can be told.
 */
static __always_inline int pass(struct __sk_buff *skb, struct flow *flow)
{
	flow->passed += skb->len;
	if (queue_passed == QUEUE_ALWAYS ||
	    (queue_passed == QUEUE_BEHIND_OTHERS && !worker_is_idle(skb))) {
		__u32 slot = READ(flow->peer_slot);
		struct flow *peer = bpf_map_lookup_elem(&flows, &slot);

		if (peer) {
			__u64 cookie = peer->cookie;

			bpf_sk_redirect_hash(skb, &peers, &cookie, BPF_F_INGRESS);
		}
	}
	return SK_PASS;
}

static __always_inline int give_back(struct __sk_buff *skb, struct flow *flow, __u32 slot,
				     __u16 reason)
{
	flow->mode = FLOW_USER;
	flow->reason = reason;
	flow->spills++;
	pass(skb, flow);
	tell(flow, slot, FLOW_SPILLED);
	return SK_PASS;
}

/* The stream is beyond repair: user space resets both ends. Whatever is passed will not be used. */
static __always_inline int give_up(struct flow *flow, __u32 slot)
{
	if (!flow->broken) {
		flow->broken = 1;
		flow->mode = FLOW_USER;
		tell(flow, slot, FLOW_BROKEN);
	}
	return SK_PASS;
}

/* What the reader of this socket would get next; the sequence number before anything was passed. */
static __always_inline int read_position(struct __sk_buff *skb, __u32 *ret)
{
	struct bpf_sock *sk = skb->sk;

	if (!sk)
		return -1;
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);
	if (!tp)
		return -1;
	*ret = tp->copied_seq;
	return 0;
}

static __always_inline int cut_head(struct __sk_buff *skb, __u32 length)
{
	for (int i = 0; i < MAX_CUTS && length > 0; i++) {
		__s32 n = length > MAX_CUT ? MAX_CUT : (__s32)length;

		if (bpf_skb_adjust_room(skb, -n, 0, 0))
			return -1;
		length -= (__u32)n;
	}
	return length ? -1 : 0;
}

/*
 * From 6.0 on tcp_read_skb() hands over whole skbs: one that a retransmission
 * made to overlap what has been seen already comes again from its start.
 * cb[0] is its TCP sequence number. Returns 0 when the skb now begins at
 * next_seq; it is empty when only the FIN at its end was new, which the
 * sender had put behind its last bytes before it sent them again.
 */
static __always_inline int align(struct __sk_buff *skb, struct flow *flow)
{
	__u32 seq = skb->cb[0];

	if (!flow->started) {
		if (read_position(skb, &flow->next_seq))
			flow->next_seq = seq;
		flow->started = 1;
	}
	__s32 overlap = (__s32)(flow->next_seq - seq);
	if (overlap == 0)
		return 0;
	if (!trim_overlaps) {
		/* As a forwarder without the check behaves: follow whatever comes. */
		flow->overlaps++;
		flow->next_seq = seq;
		return 0;
	}
	if (overlap < 0 || (__u32)overlap > skb->len)
		return -1;
	if (cut_head(skb, (__u32)overlap))
		return -1;
	flow->overlaps++;
	flow->trimmed += (__u32)overlap;
	return 0;
}

struct room {
	__u32 backlog;   /* redirected, not yet taken by the peer's TCP */
	__u32 write_seq; /* of the peer */
	__u32 queued;    /* bytes of memory in the peer's send queue */
	__u32 in_device; /* bytes of memory that the network has not given back */
	__u32 limit;     /* its send buffer */
};

static __always_inline int look_at_peer(__u64 *cookie, const struct flow *flow, struct room *ret)
{
	struct bpf_sock *peer = bpf_map_lookup_elem(&peers, cookie);

	if (!peer)
		return -1;
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(peer);
	if (!tp) {
		bpf_sk_release(peer);
		return -1;
	}
	ret->write_seq = tp->write_seq;
	ret->queued = (__u32)tp->inet_conn.icsk_inet.sk.sk_wmem_queued;
	ret->in_device = (__u32)tp->inet_conn.icsk_inet.sk.sk_wmem_alloc.refs.counter;
	ret->limit = (__u32)tp->inet_conn.icsk_inet.sk.sk_sndbuf;
	bpf_sk_release(peer);
	ret->backlog = flow->base + (__u32)flow->redirected - ret->write_seq;
	return 0;
}

/* So that the worker never meets a full buffer: 1.25 is what TCP's own headers and skbs cost. */
static __always_inline int has_room(const struct room *room, const struct flow *flow, __u32 length)
{
	__u32 waiting = room->backlog + length;

	if (waiting > flow->budget)
		return 0;
	/* sock_writeable(), which the worker asks first. */
	if (room->in_device + waiting >= room->limit / 2)
		return 0;
	return room->queued + waiting + waiting / 4 <= room->limit;
}

/*
 * A socket whose own bytes are being passed gets none that are redirected:
 * both would go through one queue of the socket, and a socket that is written
 * to while passed bytes lie unread is charged wrongly (docs/kernel.md, "TCP
 * memory").
 */
static __always_inline int peer_is_clear(const struct flow *flow)
{
	__u32 slot = READ(flow->peer_slot);
	struct flow *peer = bpf_map_lookup_elem(&flows, &slot);

	if (!peer)
		return 0;
	return READ(peer->mode) == FLOW_KERNEL || READ(peer->delivered) == READ(peer->passed);
}

SEC("sk_skb/stream_verdict")
int forward(struct __sk_buff *skb)
{
	/*
	 * A bare FIN. TCP has dealt with it, and there is nothing in it to lose.
	 * Redirected it would poison the peer; passed, it poisons this very socket
	 * when bytes that were redirected to it are waiting (docs/kernel.md, "bare
	 * FIN").
	 */
	if (skb->len == 0)
		return SK_DROP;

	__u64 cookie = bpf_get_socket_cookie(skb);
	__u32 *found = bpf_map_lookup_elem(&slots, &cookie);
	if (!found)
		return SK_PASS;
	__u32 slot = *found;
	struct flow *flow = bpf_map_lookup_elem(&flows, &slot);
	if (!flow || flow->cookie != cookie)
		return SK_PASS;

	if (flow->broken || align(skb, flow))
		return give_up(flow, slot);
	if (skb->len == 0)
		return SK_DROP;

	__u32 length = skb->len;
	flow->next_seq += length;

	struct room room;
	if (flow->mode == FLOW_USER) {
		if (!READ(flow->offered) || READ(flow->delivered) != flow->passed)
			return pass(skb, flow);
		if (!peer_is_clear(flow))
			return pass(skb, flow);
		/* Nothing is under way: the peer's write_seq is the place where our bytes go on. */
		if (look_at_peer(&cookie, flow, &room))
			return pass(skb, flow);
		flow->base = room.write_seq - (__u32)flow->redirected;
		room.backlog = 0;
		if (!has_room(&room, flow, length))
			return pass(skb, flow);
		flow->mode = FLOW_KERNEL;
		flow->switches++;
	} else {
		if (!READ(flow->offered))
			return give_back(skb, flow, slot, FLOW_SPILL_HOLD);
		if (!peer_is_clear(flow))
			return give_back(skb, flow, slot, FLOW_SPILL_BACK);
		/* bpf_sk_redirect_hash() drops where the peer is missing: never ask it then. */
		if (look_at_peer(&cookie, flow, &room))
			return give_back(skb, flow, slot, FLOW_SPILL_NO_PEER);
		if (!has_room(&room, flow, length))
			return give_back(skb, flow, slot, FLOW_SPILL_ROOM);
	}
	flow->redirected += length;
	flow->segments++;
	if (flow->segments % FLOW_BUSY_SEGMENTS == 0 && flow->busy_told == READ(flow->busy_seen)) {
		flow->busy_told++;
		tell(flow, slot, FLOW_BUSY);
	}
	return bpf_sk_redirect_hash(skb, &peers, &cookie, 0);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
