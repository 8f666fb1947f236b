/* liburing/uring_shim.h - liburing as its users here may expect it, whatever the version.
 *
 * Layer   third_party (may include: liburing, libc); included by src/uring and perf only
 * Threads as liburing: a submission entry and a ring belong to one thread
 * Memory  none
 * Errors  as liburing: 0 or more, or the negative errno
 *
 * The floor is 2.3. What later versions add is written here from the kernel's interface, under the
 * names those versions use, and left out where the header has it (meson passes LIBURING_HAS_...).
 * Two calls have a name of their own, because 2.3 declares them in its header and does not export
 * them from the library: a program that uses them compiles and does not link.
 */
#ifndef BELFRY_LIBURING_URING_SHIM_H
#define BELFRY_LIBURING_URING_SHIM_H

#include <errno.h>
#include <liburing.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- constants of the kernel ---- */

#ifndef LIBURING_HAS_IORING_MSG_SEND_FD
#define IORING_MSG_SEND_FD 1
#endif

#ifndef IORING_MSG_RING_CQE_SKIP
#define IORING_MSG_RING_CQE_SKIP (1U << 0)
#endif

#ifndef IORING_FILE_INDEX_ALLOC
#define IORING_FILE_INDEX_ALLOC (~0U)
#endif

/* cmd_op of IORING_OP_URING_CMD on a socket, Linux 6.7 */
#ifndef LIBURING_HAS_SOCKET_URING_OP_SETSOCKOPT
#define SOCKET_URING_OP_SIOCOUTQ 1
#define SOCKET_URING_OP_GETSOCKOPT 2
#define SOCKET_URING_OP_SETSOCKOPT 3
#endif

/* ---- preparing a submission entry ---- */

/* Sends the direct descriptor in this ring's slot `source` to slot `target` of the ring behind the
 * file descriptor `ring_fd`; `user_data` is that of the completion over there. Linux 6.0.
 * `target` IORING_FILE_INDEX_ALLOC: the other ring picks a free slot of its allocation range; the
 * slot is the `res` of the completion over there. */
#ifndef LIBURING_HAS_IO_URING_PREP_MSG_RING_FD
/* tidy: allow parameters: the signature is liburing's */
static inline void io_uring_prep_msg_ring_fd(struct io_uring_sqe *sqe, int ring_fd, int source,
					     int target, __u64 user_data, unsigned int flags)
{
	unsigned int slot = (unsigned int)target;

	io_uring_prep_msg_ring(sqe, ring_fd, 0, user_data, flags);
	sqe->addr = IORING_MSG_SEND_FD;
	sqe->addr3 = (__u64)source;
	/* 0 means no slot on the wire: slots count from one, and the word for "any" is itself */
	sqe->file_index = slot == IORING_FILE_INDEX_ALLOC ? slot : slot + 1;
}
#endif

#ifndef LIBURING_HAS_IO_URING_PREP_MSG_RING_FD_ALLOC
static inline void io_uring_prep_msg_ring_fd_alloc(struct io_uring_sqe *sqe, int ring_fd,
						   int source, __u64 user_data, unsigned int flags)
{
	io_uring_prep_msg_ring_fd(sqe, ring_fd, source, (int)IORING_FILE_INDEX_ALLOC, user_data,
				  flags);
}
#endif

/* getsockopt or setsockopt on a descriptor, which may be a direct one (IOSQE_FIXED_FILE).
 * `value` must stay until the completion. Linux 6.7. */
#ifndef LIBURING_HAS_IO_URING_PREP_CMD_SOCK
/* tidy: allow parameters: the signature is liburing's */
static inline void io_uring_prep_cmd_sock(struct io_uring_sqe *sqe, int operation, int fd,
					  int level, int option, void *value, int value_size)
{
	const __u32 level_and_option[2] = {(__u32)level, (__u32)option};

	io_uring_prep_rw(IORING_OP_URING_CMD, sqe, fd, NULL, 0, 0);
	sqe->cmd_op = (__u32)operation;
	/* the kernel reads two words where this header still has one address */
	memcpy(&sqe->addr, level_and_option, sizeof(level_and_option));
	sqe->file_index = (__u32)value_size;
	sqe->addr3 = (__u64)(uintptr_t)value;
}
#endif

/* ---- io_uring_register(2) ---- */

static inline int uring_shim_register(const struct io_uring *ring, unsigned int operation,
				      const void *argument, unsigned int count)
{
	long result = syscall(__NR_io_uring_register, ring->ring_fd, operation, argument, count);

	return result < 0 ? -errno : (int)result;
}

/* Once, on a ring that was set up with IORING_SETUP_R_DISABLED and is not yet enabled: from then on
 * only what the restrictions name is allowed. */
static inline int uring_shim_register_restrictions(const struct io_uring *ring,
						   const struct io_uring_restriction *restrictions,
						   unsigned int count)
{
	return uring_shim_register(ring, IORING_REGISTER_RESTRICTIONS, restrictions, count);
}

/* Starts a ring that was set up with IORING_SETUP_R_DISABLED. With IORING_SETUP_SINGLE_ISSUER the
 * calling thread becomes the only one that may submit. */
static inline int uring_shim_enable_rings(const struct io_uring *ring)
{
	return uring_shim_register(ring, IORING_REGISTER_ENABLE_RINGS, NULL, 0);
}

#endif
