/* wsbench/flotilla.h - the clients of one ring; what fleet.c, flotilla.c and conn.c share.
 *
 * Layer   wsbench, inside of the fleet
 * Threads one thread owns a flotilla; `order` is written by the main thread, `counts` read by it
 * Memory  conns and queues are allocated by flotilla_init()
 * Errors  flotilla_init() returns a negative errno
 */
#ifndef BELFRY_WSBENCH_FLOTILLA_H
#define BELFRY_WSBENCH_FLOTILLA_H

#include <pthread.h>

#include "wsbench/fleet.h"
#include "wsbench/sequence.h"

enum conn_state {
	CONN_IDLE,     /* no socket */
	CONN_OPENING,  /* until the answer to the request is whole */
	CONN_GREETING, /* until the first message */
	CONN_READY,
	CONN_LEAVING,  /* a close frame was sent, the server's end is awaited */
	CONN_CLOSING,  /* until the slot is free */
};

enum conn_fate {
	FATE_REST,   /* stays closed */
	FATE_REOPEN, /* opens again at once */
	FATE_RETRY,  /* opens again after a pause */
};

struct conn {
	struct sequence broadcast; /* of the fleet's channel */
	struct sequence own;	   /* of user:{id} */
	struct event_id position;  /* mode resume: of the newest message */
	uint64_t opened_ns;
	uint8_t *bytes; /* OPENING: the request until it was sent; then a frame that is not whole */
	uint32_t bytes_size;
	uint16_t generation;
	uint8_t state; /* enum conn_state */
	uint8_t fate;  /* enum conn_fate, for when it is closed */
	uint8_t attempts;
	bool is_again;	  /* its opening counts with those after a cut */
	bool is_answered; /* something came since it was opened: the request was sent */
	bool is_judged;	  /* was ready when the fleet stopped: what it lacks is lost */
};

/* What can go wrong with a connection: name, text. */
#define FAILURE_TABLE(X)                                        \
	X(CONNECT, "connect")                                   \
	X(REFUSED, "answer to the upgrade")                     \
	X(GREETING, "first message")                            \
	X(PROTOCOL, "broken frame")                             \
	X(CLOSED, "closed by the server")                       \
	X(ERROR, "error message")

enum failure {
#define X(name, text) FAILURE_##name,
	FAILURE_TABLE(X)
#undef X
	FAILURES
};

#define FAILURE_TEXT_MAX 160

struct failure_note {
	uint64_t count;
	char first[FAILURE_TEXT_MAX];
};

/* First in, first out; `due_ns` counts where the order of entering is the order of due times. */
struct line {
	struct line_item {
		uint64_t due_ns;
		uint32_t index;
	} *items;
	uint32_t head, size, capacity;
};

struct order {
	_Atomic uint32_t open_until; /* local connections to be open */
	_Atomic uint32_t recycle;    /* connections still to be recycled */
	_Atomic bool cut;
	_Atomic bool is_held; /* who is cut stays away */
	_Atomic bool stop;
	_Atomic bool is_gathering;
	_Atomic bool is_again; /* openings from now on count with those after a cut */
};

struct atomic_counts {
#define X(name, text) _Atomic uint64_t name;
	FLEET_COUNT_TABLE(X)
#undef X
};

struct flotilla {
	const struct fleet_plan *plan;
	const struct sockaddr_in *addresses; /* options->spread of them */
	uint32_t number, step; /* local connection k is client number + k * step */
	struct sockets sockets;
	struct conn *conns;
	uint32_t conns_count;
	uint32_t opening;   /* in OPENING or GREETING */
	uint32_t next_open; /* never opened so far */
	uint32_t next_recycled;
	bool has_sockets; /* sockets_init() succeeded */
	bool is_stopping;
	uint64_t stopping_ns; /* since when */
	uint32_t awake; /* conns that are not IDLE */
	struct line reopen;
	struct line retry;
	struct tally tally;
	struct histogram latency;
	struct histogram handshakes[2]; /* first, again */
	struct failure_note failures[FAILURES];
	struct order order;
	struct atomic_counts counts;
};

/* Called by the thread that will own it. */
MUST_CHECK int flotilla_init(struct flotilla *flotilla);

/* Ends the ring, when the thread has ended; results stay until flotilla_deinit(). */
void flotilla_close(struct flotilla *flotilla);
void flotilla_deinit(struct flotilla *flotilla);

/* Follows orders, opens what is due, waits at most `timeout_us`, takes all events. Returns how
 * many events there were. */
unsigned flotilla_turn(struct flotilla *flotilla, unsigned timeout_us);

/* It was told to stop, and all its connections are closed or will not close any more. */
MUST_CHECK bool flotilla_has_stopped(const struct flotilla *flotilla);

/* The client's number in the whole fleet. */
static inline uint32_t flotilla_client(const struct flotilla *flotilla, uint32_t index)
{
	return flotilla->number + index * flotilla->step;
}

/* Single writer: a plain addition that others may read. */
static inline void count_add(_Atomic uint64_t *count, uint64_t more)
{
	uint64_t before = atomic_load_explicit(count, memory_order_relaxed);

	atomic_store_explicit(count, before + more, memory_order_relaxed);
}

/* Fixed capacity: at most one place per connection. */
void line_push(struct line *line, uint32_t index, uint64_t due_ns);
MUST_CHECK bool line_pop(struct line *line, uint64_t now_ns, uint32_t *ret_index);

#endif
