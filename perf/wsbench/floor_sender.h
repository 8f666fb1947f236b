/* wsbench/floor_sender.h - one sending thread of the floor; what its files share.
 *
 * Layer   wsbench, inside of the floor
 * Threads the sender's own; `accepted` is read by the main thread, the rest between commands only
 * Memory  `sockets` from malloc(), FLOOR_TABLE_SIZE of them
 * Errors  in `result`, as a negative errno
 */
#ifndef BELFRY_WSBENCH_FLOOR_SENDER_H
#define BELFRY_WSBENCH_FLOOR_SENDER_H

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "liburing/uring_shim.h"
#include "wsbench/floor.h"

struct floor_sender {
	pthread_t pthread;
	int listen_fd;
	int command_fd; /* eventfd: look at `frame` and `stop` */
	uint64_t command_count;
	sem_t *done;	    /* posted after each command, and once after the start */
	struct slice frame; /* to be sent now; set by the main thread before the command */
	bool stop;
	int result;
	int *sockets; /* descriptors, or slots of the ring's table */
	_Atomic uint32_t accepted;
	uint64_t cpu_ns, sends, failures;
	struct io_uring ring; /* unused by send() */
};

/* Thread bodies: accept until told to send or stop. */
void *floor_send_main(void *sender);
void *floor_uring_main(void *sender);

#endif
