/* tests/sim/sim_uring.h - rings and sockets that are made up, in place of uring/.
 *
 * Layer   tests
 * Threads one
 * Memory  heap; a ring is freed by uring_destroy, a socket when both of its ends are closed
 * Errors  aborts
 *
 * What a thread queues is done when it submits, as the kernel does it. A thread that waits
 * yields; it may run again when a completion is there or its time is up. Sockets take and give
 * any number of bytes, by chance.
 */
#ifndef BELFRY_TESTS_SIM_SIM_URING_H
#define BELFRY_TESTS_SIM_SIM_URING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sim_socket;

struct sim_weather {
	uint32_t short_percent; /* sends that take fewer bytes than there is room for */
	uint32_t rearm_percent; /* multishot polls that end */
	uint32_t buffer_size;   /* of a socket, each way */
	bool yields;            /* others may run between a submit and the wait after it */
};

void sim_uring_begin(const struct sim_weather *weather);

/* A completion from outside, as main or the acceptor give it. */
void sim_ring_post(uint32_t ring, uint64_t tag, int32_t result);
bool sim_ring_is_awake(uint32_t ring);
uint64_t sim_ring_wake_ns(uint32_t ring); /* when its wait is over by itself */

/* A client's end of a new connection, handed to this ring. NULL: its table is full. */
struct sim_socket *sim_socket_open(uint32_t ring);

/* How many bytes were taken, or given. */
size_t sim_socket_write(struct sim_socket *socket, const uint8_t *bytes, size_t size);
size_t sim_socket_read(struct sim_socket *socket, uint8_t *ret_bytes, size_t size);

/* The server has closed and all was read. */
bool sim_socket_is_over(const struct sim_socket *socket);

/* The client closes its end: in order, or with a reset that takes what it has sent with it. */
void sim_socket_close(struct sim_socket *socket, bool is_reset);

#endif
