/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One direction of a stream, source → target, between user space, the BPF
 * program and the kernel's worker. Bytes are numbered 1 … N; target_write()
 * asserts that the target's TCP gets them in that order, each once.
 *
 * Every statement outside of atomic { } is one memory access or one system
 * call of the C code, and everything else may happen between two of them. The
 * names are those of bpf/forward.bpf.c and user/plane. Each NO_… or other
 * switch takes one guard out; run.py knows what has to come of each.
 *
 * What is left out: the other direction, RST, time-outs, and turns of the
 * event loop in which nothing would happen.
 */

#ifndef N
#define N 4
#endif
#define CHUNK  2 /* STREAM_CHUNK */
#define BUDGET 2 /* kernel_budget */
#ifndef STAYS
#define STAYS 1 /* times that the stream may go into the sockmap; 0: once, and it never leaves */
#endif
#ifndef FULL
#define FULL 1 /* times that the target's buffer may become full */
#endif
#ifndef REPEATS
#define REPEATS 1 /* retransmissions that overlap */
#endif

/* The source's TCP. */
bool locked;                          /* its socket lock is with the receiving softirq */
chan receive_queue = [N] of { byte, byte }; /* skbs: first and last byte */
byte received;                        /* tcpi_bytes_received without the FIN */
byte copied_seq;                      /* what TCP takes for read; received − copied_seq is SIOCINQ */
bool fin_in;                          /* RCV_SHUTDOWN */
bool gate;                            /* SO_RCVLOWAT is high */
bool kick;                            /* setsockopt(SO_RCVLOWAT, 1) is being served */
bool source_in;                       /* in the map: the program sees what arrives */
chan ingress = [N] of { byte };       /* passed by the program, not yet received */

/* The target's TCP, and the worker in front of it. */
bool room = true;                     /* its send buffer has room */
bool target_in;                       /* in the map: it can be redirected to */
chan backlog = [N] of { byte };       /* redirected, not yet taken by the target's TCP */
byte taken;                           /* write_seq */

/* struct flow, and its event in the ring. */
bool offered;
byte delivered, passed, redirected, switches, spills;
bool kernel_mode;                     /* mode == FLOW_KERNEL */
bool started;
byte next_seq;
chan ring = [1] of { bit };           /* one event that has not been consumed */

/* Of the model alone. */
bool over;                            /* the stream has ended */
bool leaked;                          /* the program ran behind the gate */
bool changed;                         /* since the retry timer fired: firing again may help */

/* The target's TCP accepts a byte, from send() or from the worker. */
inline target_write(b)
{
	assert(b == taken + 1);
	taken++;
	changed = true
}

/*
 * Segments arrive, in softirq context. sk_psock_verdict_data_ready() runs the
 * program forward() of bpf/forward.bpf.c for each skb in the receive queue.
 */
active proctype source_tcp()
{
	byte next = 1, first, last, length;
	byte repeats;
	bool patient, moved;

end_idle:
	if
	:: over -> goto done
	:: atomic {
		!over && next <= N ->
		locked = true; moved = true;
		if
		:: first = next; last = next
		:: next < N -> first = next; last = next + 1
		:: next > 1 && repeats < REPEATS -> /* retransmitted with what follows */
			repeats++; first = next - 1; last = next
		fi;
		receive_queue!first, last;
		received = last;
		next = last + 1;
		if
		:: last == N -> fin_in = true
		:: last == N -> patient = true /* waits for the answer, which needs all of it */
		:: true
		fi
	   }
	:: atomic {
		!over && next > N && !fin_in && (!patient || taken == N) ->
		locked = true; moved = true; fin_in = true
	   }
	:: atomic { kick -> locked = true }
	fi;

	/* tcp_data_ready(): SO_RCVLOWAT counts, but not after a FIN, nor when memory is short. */
	if
	:: !source_in -> goto release
	:: gate && !fin_in && len(receive_queue) > 0 -> goto release
	:: source_in
	fi;

next_skb:
	atomic {
		if
		:: len(receive_queue) == 0 -> goto release
		:: else ->
			receive_queue?first, last;
			moved = true;
			leaked = leaked || gate || !source_in
		fi
	}
	/* sk_psock_verdict_recv(): where the psock has just gone, the skb is dropped. */
	atomic {
		if
		:: !source_in -> copied_seq = copied_seq + last + 1 - first; goto next_skb
		:: else
		fi
	}

	/* align() */
	d_step {
		if
		:: !started -> started = true; next_seq = copied_seq + 1
		:: else
		fi;
#ifndef NO_TRIM
		if
		:: first < next_seq -> first = next_seq
		:: else
		fi;
		assert(first == next_seq && first <= last);
#endif
		length = last + 1 - first;
		next_seq = last + 1
	}

	/* forward() */
	if
	:: !kernel_mode ->
		if
		:: !offered -> goto pass
		:: else
		fi;
		if
		:: delivered != passed -> goto pass
		:: else
		fi;
		/* look_at_peer(), has_room(): the base is only right when nothing is under way. */
		if
		:: !target_in || !room || length > BUDGET -> goto pass
		:: else
		fi;
		assert(empty(backlog));
		kernel_mode = true;
		switches++
	:: else ->
		if
		:: !offered -> goto give_back
		:: else
		fi;
		if
		:: !target_in || !room || len(backlog) + length > BUDGET -> goto give_back
		:: else
		fi
	fi;
	redirected = redirected + length;
	/* bpf_sk_redirect_hash(): SK_DROP where the peer is missing */
	atomic {
		copied_seq = copied_seq + length;
		do
		:: first <= last -> if
				    :: target_in -> backlog!first
				    :: else
				    fi;
				    first++
		:: else -> break
		od
	}
	goto next_skb;

give_back:
	kernel_mode = false;
	spills++;
	passed = passed + length;
	assert(nfull(ring)); /* an event that finds no room is lost, and the direction with it */
	ring!1;
	goto enqueue;
pass:
	passed = passed + length;
enqueue:
	/* SK_PASS */
	atomic {
		do
		:: first <= last -> if
				    :: source_in -> ingress!first
				    :: else
				    fi;
				    first++
		:: else -> break
		od
	}
	goto next_skb;

release:
	atomic {
		changed = changed || moved;
		locked = false; kick = false; moved = false; first = 0; last = 0; length = 0
	}
	goto end_idle;
done:
	skip
}

/* sk_psock_backlog(): a workqueue; meets EAGAIN while there is no room. */
active proctype worker()
{
	byte b;

end_idle:
	do
	:: atomic { nempty(backlog) && room -> backlog?b; target_write(b); b = 0 }
	od
}

/* The target's reader stops now and then, and goes on. */
active proctype reader()
{
	byte n;

end_reading:
	do
	:: n < FULL -> room = false; n++
stopped:	atomic { room = true; changed = true }
	od
}

/* account_taken(): an acknowledgement between its two system calls makes the sum too low; once. */
inline account_taken(exactly)
{
	atomic {
		if
		:: reading = taken
		:: !exactly && !acked && taken > 0 -> acked = true; reading = taken - 1; changed = true
		fi
	}
}

/* sockmap_backlog_empty(): what the target has taken is read first. */
inline backlog_empty(ret)
{
	account_taken(false);
	ret = (reading - taken_base >= sent + kernel_before + redirected)
}

/* sockmap_clear_to_send() */
inline look_at_switches()
{
	if
	:: switches != switches_seen -> switches_seen = switches; check_backlog = true
	:: else
	fi
}

/* caught_up(): TCP_INFO takes the socket's lock; the program's count is read after it. */
inline caught_up(ret)
{
	atomic { !locked; counted = received + fin_in };
	ret = (counted == read + kernel_before + redirected + fin_seen)
}

/*
 * prepare(), for both ends: account_taken_exactly() tells where to count from.
 * A half-closed socket cannot go in.
 */
inline prepare(ret)
{
	atomic { !locked; ret = !fin_in };
	if
	:: ret ->
#ifdef LOOSE_BASE
		account_taken(false);
#else
		account_taken(true);
#endif
#ifdef NO_KERNEL_BEFORE
		taken_base = reading - sent
#else
		taken_base = reading - sent - kernel_before
#endif
	:: else
	fi
}

inline set_lowat_1()
{
	gate = false;
	atomic { kick = true; !kick }
}

/* sockmap_offer() */
inline offer()
{
	if
	:: leaving || fin_seen || !source_in || !target_in
#ifndef NO_EVENT_CHECK
	:: spills != spills_seen
#endif
	:: else ->
#ifndef PASSED_AFTER_RECEIVED
		reading = passed;
#endif
#ifdef NO_CAUGHT_UP
		ok = true;
#else
		caught_up(ok);
#endif
#ifdef PASSED_AFTER_RECEIVED
		reading = passed;
#endif
		if
		:: ok ->
#ifdef OFFERED_FIRST
			offered = true;
#endif
			delivered = reading;
			offered = true
		:: else
		fi;
		reading = 0
	fi
}

/* user/plane: a worker of the proxy. */
active proctype user()
{
	bool sockmap;       /* path == PATH_SOCKMAP, otherwise PATH_COPY */
	bool entering, leaving, no_sockmap;
	bool in_kernel, check_backlog, waiting, retry;
	bool fin_seen, short_read;
	byte stays;         /* in the sockmap */
	byte read, sent;    /* bytes received from the source, and sent to the target */
	byte kernel_before; /* bytes redirected in earlier stays */
	byte switches_seen, spills_seen, passed_base;
	short taken_base;
	chan pending = [CHUNK] of { byte };
	byte b, first, last, counted; /* results of calls, like reading and ok */
	short reading;
	bool ok, acked;

	goto turn;

settle:
	/* change_path() */
	if
	:: leaving -> goto leave
	:: else
	fi;
turn:
	/* wanted_events() and epoll_wait() */
	if
	/* on_ready(): EPOLLIN of the source; for nothing while the program redirects */
	:: atomic {
		!waiting && empty(pending) && !in_kernel &&
		(nempty(ingress) || (!source_in && nempty(receive_queue)) || fin_in || locked) ->
		changed = true
	   }
	/* on_ready(): EPOLLRDHUP of the source */
	:: atomic { !fin_seen && fin_in -> fin_seen = true; changed = true }
	/* on_ready(): EPOLLOUT of the target */
	:: atomic { !waiting && nempty(pending) && room -> changed = true }
	/* on_retry() */
	:: atomic { retry && changed -> retry = false; waiting = false; changed = false }
	/* on_event(): FLOW_SPILLED: sockmap_given_back() and stream_given_back() */
	:: atomic {
		ring?1 ->
		spills_seen++;
		in_kernel = false;
		check_backlog = true;
		waiting = false;
		changed = true
	   }
	/* choose_path() wants the sockmap: enter_path() */
	:: atomic {
		!sockmap && !entering && !no_sockmap && stays <= (STAYS - 1) * (STAYS > 0) -> stays++; entering = true
	   }
	/* The other direction is at rest: sockmap_enter() of the target, then advance() of this one. */
	:: entering && !target_in ->
		if
		:: !sockmap ->
			prepare(ok);
			if
			:: !ok -> entering = false; no_sockmap = true; goto settle
			:: else
			fi
		:: else
		fi;
		atomic { target_in = true; sockmap = true; changed = true }
	/* choose_path() wants another: leave_path(), sockmap_hold() */
	:: atomic { STAYS > 0 && sockmap && !leaving -> leaving = true; entering = false };
#ifndef NO_HOLD
		offered = false;
#endif
		!locked; /* account_received() */
		atomic { in_kernel = false; check_backlog = true; changed = true }
	fi;

advance:
	if
	:: waiting -> goto settle
	:: else
	fi;
	if
	:: sockmap ->
		/* sockmap_observe() */
		if
		:: !leaving && kernel_mode -> in_kernel = true
		:: else
		fi;
		if
		:: in_kernel && fin_seen -> goto drain
		:: in_kernel && !fin_seen -> goto settle
		:: else
		fi
	:: else
	fi;

	/* copy_move() */
	if
	:: len(pending) > 0 -> short_read = false; goto deliver
	:: else
	fi;
receive:
#ifdef SWITCHES_BEFORE_RECV
	if
	:: sockmap -> look_at_switches()
	:: else
	fi;
#endif
	/* recv(): what was passed, where the source is in the map; else TCP's own queue. */
	atomic {
		!locked;
		do
		:: source_in && nempty(ingress) && nfull(pending) ->
			ingress?b; pending!b; read++; copied_seq++
		:: !source_in && nempty(receive_queue) && nfull(pending) ->
			receive_queue?<first, last>;
			copied_seq++;
			assert(first <= copied_seq && copied_seq <= last); /* "recvmsg seq # bug" */
			pending!copied_seq; read++;
			if
			:: last == copied_seq -> receive_queue?first, last
			:: else
			fi
		:: len(pending) == CHUNK || (source_in && len(ingress) == 0) ||
		   (!source_in && len(receive_queue) == 0) -> break
		od;
		short_read = len(pending) < CHUNK;
		b = 0; first = 0; last = 0;
		if
		:: len(pending) == 0 && fin_in -> fin_seen = true; goto drain /* MOVE_EOF */
		:: len(pending) == 0 && !fin_in -> goto at_rest /* EAGAIN: MOVE_DRY */
		:: len(pending) > 0
		fi
	}
#ifdef OFFER_BEFORE_DELIVERED
	offer();
#endif

deliver:
	/* wait_for_kernel() of copy.c */
	if
	:: sockmap ->
#if !defined(NO_SWITCHES_CHECK) && !defined(SWITCHES_BEFORE_RECV)
		look_at_switches();
#endif
#ifndef NO_BACKLOG_CHECK
		if
		:: check_backlog ->
			backlog_empty(ok);
			if
			:: ok -> check_backlog = false
			:: else -> waiting = true; retry = true; goto settle /* keep(), MOVE_WAIT */
			fi
		:: else
		fi
#endif
	:: else
	fi;
	/* send_some() */
	do
	:: atomic {
		nempty(pending) && room ->
		pending?b;
		assert(empty(backlog)); /* user space never writes while redirected bytes are under way */
		target_write(b); sent++; b = 0
	   }
	:: empty(pending) -> break
	:: nempty(pending) && !room -> goto settle /* keep(), MOVE_BLOCKED */
	od;
	if
	:: !short_read -> goto receive
	:: else
	fi;

at_rest:
	if
	:: entering && !source_in && !fin_seen ->
		/* sockmap_enter() of the source */
		if
		:: !sockmap -> prepare(ok)
		:: else -> ok = true
		fi;
		/* insert(): only an established socket is let in */
		atomic {
			!locked;
			if
			:: ok && !fin_in ->
				source_in = true; sockmap = true; passed_base = read; changed = true
			:: else -> entering = false; no_sockmap = true; goto settle
			fi
		}
#ifndef NO_LOWAT_KICK
		set_lowat_1();
#endif
		goto advance
	:: else
	fi;
	if
	:: sockmap -> offer()
	:: else
	fi;
	goto settle;

drain:
	/* sockmap_drained() */
#ifndef NO_DRAIN
	if
	:: sockmap ->
		caught_up(ok);
		if
		:: ok -> backlog_empty(ok)
		:: else
		fi;
		if
		:: !ok -> waiting = true; retry = true; goto settle /* wait_for_kernel() of stream.c */
		:: else
		fi
	:: else
	fi;
#endif
	/* finish_direction(): shutdown(SHUT_WR), a FIN for the target */
	assert(fin_in && taken == N && empty(pending));
	goto ended;

leave:
	/* sockmap_leave() */
#ifndef NO_GATE
	atomic { !locked; gate = true };
#endif
	/* quiet() */
	ok = !source_in || passed == read - passed_base;
#ifndef NO_BACKLOG_CHECK
	if
	:: ok -> backlog_empty(ok)
	:: else
	fi;
#endif
	if
	:: !ok -> set_lowat_1(); retry = true; goto turn
	:: else
	fi;
	/* kernel_peer_remove(): this direction may be the first or the second of the stream. */
	counted = source_in;
	if
	:: atomic { target_in = false; do :: backlog?_ :: empty(backlog) -> break od }
	:: true
	fi;
	atomic { source_in = false; do :: ingress?_ :: empty(ingress) -> break od };
	atomic { target_in = false; do :: backlog?_ :: empty(backlog) -> break od };
	!locked; /* account_received() */
	ok = true;
#ifndef NO_RECHECK
	ok = !counted || passed == read - passed_base;
#endif
#ifndef NO_QUEUE_CHECK
	/* What neither user space nor the program has had must still be in TCP's queue. */
	atomic {
		!locked;
		ok = ok && copied_seq == read + kernel_before + redirected
	}
#endif
	if
	:: !ok -> /* -EBADMSG: both ends are reset */
		assert(leaked);
		goto ended
	:: else
	fi;
	/* sockmap_forget(): a late event is not taken for the next slot's */
	d_step {
		kernel_before = kernel_before + redirected;
		offered = false; delivered = 0; passed = 0; redirected = 0; switches = 0; spills = 0;
		kernel_mode = false; started = false; next_seq = 0;
		do
		:: ring?_
		:: empty(ring) -> break
		od;
		switches_seen = 0; spills_seen = 0; passed_base = 0; taken_base = 0;
		in_kernel = false; check_backlog = false;
		sockmap = false; leaving = false;
		gate = false; reading = 0; ok = false; counted = 0
	}
	goto advance;

ended:
	over = true
}
