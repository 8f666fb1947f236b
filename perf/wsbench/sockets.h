/* wsbench/sockets.h - many TCP client sockets as direct descriptors of one io_uring.
 *
 * Layer   wsbench (may include: base, liburing)
 * Threads the thread that calls sockets_init() owns it; only sockets_wake() is for others
 * Memory  receive buffers of SOCKETS_BUFFERS * SOCKETS_BUFFER_SIZE bytes (8 MiB, touched as used);
 *         per socket nothing here
 * Errors  sockets_init() returns a negative errno; later failures are events
 *
 * A socket is known by its index, which is its slot in the ring's file table as well, so opening
 * needs no answer in between: socket, connect, send and receive are one chain. The caller counts
 * generations of an index up and gets them back, to tell late events of an earlier socket apart.
 */
#ifndef BELFRY_WSBENCH_SOCKETS_H
#define BELFRY_WSBENCH_SOCKETS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/slice.h"
#include "liburing/uring_shim.h"

#define SOCKETS_BUFFERS 2048u
#define SOCKETS_BUFFER_SIZE 4096u
#define SOCKETS_MAX 20000u /* slots of one table: RLIMIT_NOFILE bounds it as well */

enum socket_event_kind {
	SOCKET_EVENT_NONE,    /* of no interest */
	SOCKET_EVENT_OPEN,    /* result >= 0: connected (only without a request); else failed */
	SOCKET_EVENT_RECEIVE, /* result > 0: `bytes`; 0: end; < 0: errno */
	SOCKET_EVENT_CLOSE,   /* the slot is free */
};

struct socket_event {
	enum socket_event_kind kind;
	uint32_t index;
	uint16_t generation;
	bool is_armed;      /* RECEIVE: more will come without asking */
	int result;
	struct slice bytes; /* valid until the next sockets_next() */
};

struct sockets {
	struct io_uring ring;
	struct io_uring_buf_ring *buffer_ring;
	uint8_t *buffers;
	int lent_buffer; /* given out by the last sockets_next(), -1: none */
	int wake_fd;
	uint64_t wake_count; /* where the ring reads wake_fd into */
	int ready_fd;	     /* sockets_ready_fd() was asked for; else -1 */
	bool has_min_wait;
};

/* How long sockets_wait() waits. */
struct sockets_patience {
	unsigned count;      /* return when so many events are there */
	unsigned batch_us;   /* or after this time, when there is at least one */
	unsigned timeout_us; /* or after this time, whatever happens */
};

MUST_CHECK int sockets_init(struct sockets *sockets, uint32_t slots_count);
void sockets_deinit(struct sockets *sockets);

/* Opens socket `index`, connects it to `address` (which must stay), sends `request` (which must
 * stay until the first event; empty: nothing, and an OPEN event tells of the connection) and
 * receives from then on. A failure on the way is one OPEN event. */
void sockets_open(struct sockets *sockets, uint32_t index, uint16_t generation,
		  const struct sockaddr_in *address, struct slice request);

/* Arms receiving again after a RECEIVE event that says it is not armed. */
void sockets_receive(struct sockets *sockets, uint32_t index, uint16_t generation);

/* Sends `bytes`, which come from malloc() and are freed here when they were sent. */
void sockets_send(struct sockets *sockets, uint32_t index, struct slice bytes);

/* Stops receiving and closes; `reset`: with an RST instead of a FIN. A CLOSE event follows; until
 * then other events of this generation may come. */
void sockets_close(struct sockets *sockets, uint32_t index, uint16_t generation, bool reset);

/* Submits what was asked for and waits. */
void sockets_wait(struct sockets *sockets, struct sockets_patience patience);

/* The next event; false: none left until the next sockets_wait(). */
MUST_CHECK bool sockets_next(struct sockets *sockets, struct socket_event *ret_event);

/* For a thread with several rings: a non-blocking eventfd that becomes readable when
 * sockets_wait() would find something. Negative errno on failure. */
MUST_CHECK int sockets_ready_fd(struct sockets *sockets);

/* Any thread. Ends a sockets_wait() of the owner. */
void sockets_wake(struct sockets *sockets);

#endif
