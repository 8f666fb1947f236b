/* uring/uring.h - one thread's io_uring; the only door to liburing.
 *
 * Layer   uring (may include: base, liburing)
 * Threads create and fd: main, before the threads start; everything else: the owning thread
 * Memory  one heap object per ring, freed by uring_destroy
 * Errors  creation: a status and a text that says what to do. Operations: a completion whose
 *         result is a negative errno value
 *
 * Every operation carries a 64-bit tag that comes back in its completion. Tag 0 is ignored by
 * convention. Operations are queued and go to the kernel with uring_submit or uring_wait, or
 * by themselves when the queue is full: nothing ever fails for want of a queue entry.
 *
 * A slot is the index of a direct descriptor in the ring's own table: it is not a process file
 * descriptor and does not count against RLIMIT_NOFILE, which bounds the table's size instead.
 */
#ifndef BELFRY_URING_URING_H
#define BELFRY_URING_URING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/slice.h"
#include "base/status.h"

struct sockaddr;
struct sockaddr_storage;
struct uring;

struct uring_options {
	uint32_t entries;     /* submission queue, a power of two */
	uint32_t completions; /* completion queue, a power of two, larger than entries */
	uint32_t slots;       /* direct descriptors; 0: none */
	bool restricted;      /* only the operations that a shard needs will work */
	bool shared;          /* no DEFER_TASKRUN: for threads that answer to few completions */
};

struct uring_event {
	uint64_t tag;
	int32_t result;
	bool more;     /* a multishot operation goes on */
	bool nonempty; /* RECEIVE: the socket has more bytes */
};

/* Makes a ring that is not yet enabled, so that its fd is known before its thread runs.
 * On failure `reason` (at least 512 bytes) says what is refused, by what, and what to do. */
MUST_CHECK enum status uring_create(const struct uring_options *options, struct uring **ret_uring,
				    char *reason, size_t reason_size);
void uring_destroy(struct uring *uring);

/* Where other rings send handoffs and wakes to. */
int uring_fd(const struct uring *uring);

/* Owner, once, first: from now on only this thread submits. */
MUST_CHECK enum status uring_start(struct uring *uring);

/* Gives the queued operations to the kernel. */
void uring_submit(struct uring *uring);

/* Submits, runs what the kernel has deferred to this thread, and waits until a completion is
 * there or `timeout_ns` have passed; 0 does not wait. */
void uring_wait(struct uring *uring, uint64_t timeout_ns);

/* Takes up to `max` completions. Returns how many; 0 when none is there. */
uint32_t uring_reap(struct uring *uring, struct uring_event *ret_events, uint32_t max);

/* ---- on slots ---- */

/* A completion each time bytes or the peer's end arrive; ends when `more` is false. */
void uring_poll_readable(struct uring *uring, uint32_t slot, uint64_t tag);

/* One completion when the socket takes bytes again. */
void uring_poll_writable(struct uring *uring, uint32_t slot, uint64_t tag);

/* Receives what is there, -EAGAIN when nothing is; never waits. Done when submitted. */
void uring_receive(struct uring *uring, uint32_t slot, void *bytes, uint32_t size, uint64_t tag);

/* Sends without waiting. No completion means that every byte was taken. A completion carries
 * the number of bytes taken when it were fewer, or the error (-EAGAIN: none). It is there when
 * the submit returns, and `bytes` are not looked at any more. */
void uring_send(struct uring *uring, uint32_t slot, const void *bytes, size_t size, uint64_t tag);

/* How many bytes sent on the slot the other end's TCP has not acknowledged; an error before Linux
 * 6.7. What is sent afterwards does not count. */
void uring_unacknowledged(struct uring *uring, uint32_t slot, uint64_t tag);

/* Ends the operations that carry the `armed` tags (0: none), then closes the slot; the completion
 * is that of the close. Without the cancels an armed poll would hold the connection open. By tag,
 * since a cancel by descriptor walks over all that is armed in the ring. */
void uring_close(struct uring *uring, uint32_t slot, const uint64_t armed[2], uint64_t tag);

/* Closes a slot that has nothing armed. No completion when all is well. */
void uring_close_idle(struct uring *uring, uint32_t slot, uint64_t tag);

/* Address of the peer into `address`; the result is its size in bytes. `size` must be exactly
 * that of the socket's family, 16 for IPv4 and 28 for IPv6: a larger one is -EINVAL. */
void uring_peer_address(struct uring *uring, uint32_t slot, struct sockaddr_storage *address,
			uint32_t size, uint64_t tag);

/* Gives the descriptor in `slot` to the ring `target_fd`, which gets a completion with
 * `target_tag` and its own new slot as result. Own completion: that slot, or -ENFILE when the
 * target's table is full (the target then hears nothing). The source slot stays open. */
void uring_hand_over(struct uring *uring, int target_fd, uint32_t slot, uint64_t target_tag,
		     uint64_t tag);

/* ---- on rings and file descriptors ---- */

/* Puts a completion with `target_tag` and result 0 into another ring. */
void uring_wake(struct uring *uring, int target_fd, uint64_t target_tag);

/* Accepts into free slots of this ring, one completion each (the slot), until `more` is false. */
void uring_accept_slots(struct uring *uring, int listener_fd, uint64_t tag);

/* Accepts into process descriptors (few connections: the admin listener). */
void uring_accept_fds(struct uring *uring, int listener_fd, uint64_t tag);

/* `address` stays valid until the completion. */
void uring_connect(struct uring *uring, int fd, const struct sockaddr *address, uint32_t size,
		   uint64_t tag);

/* Wait for bytes; send some bytes (the result says how many). `bytes` stay valid until then. */
void uring_receive_fd(struct uring *uring, int fd, void *bytes, uint32_t size, uint64_t tag);
void uring_send_fd(struct uring *uring, int fd, const void *bytes, size_t size, uint64_t tag);

/* Ends the operation that carries `tag_of` early; its completion comes with -ECANCELED. */
void uring_cancel(struct uring *uring, uint64_t tag_of);

#endif
