/* uring/uring.c - operations and completions. */
#include "uring/uring.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/assert.h"
#include "uring/uring_private.h"

#define SUBMIT_TRIES 100000

int uring_fd(const struct uring *uring)
{
	return uring->ring.ring_fd;
}

void uring_submit(struct uring *uring)
{
	int result = 0;

	/* Whoever submits relies on all of it being taken: bytes it refers to are let go of next.
	 * The kernel leaves some only when it is short of memory for a moment. */
	for (int tries = 0; io_uring_sq_ready(&uring->ring) > 0 && tries < SUBMIT_TRIES; tries++)
		result = io_uring_submit(&uring->ring);
	ASSERT(io_uring_sq_ready(&uring->ring) == 0 && result != -EBADF);
}

static struct io_uring_sqe *next_entry(struct uring *uring, uint64_t tag)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&uring->ring);

	if (!sqe) {
		uring_submit(uring);
		sqe = io_uring_get_sqe(&uring->ring);
	}
	ASSERT(sqe != NULL);
	memset(sqe, 0, sizeof(*sqe));
	sqe->user_data = tag;
	return sqe;
}

/* A chain must go to the kernel in one submit, or it falls apart. */
static void need_entries(struct uring *uring, unsigned count)
{
	if (io_uring_sq_space_left(&uring->ring) < count)
		uring_submit(uring);
	ASSERT(io_uring_sq_space_left(&uring->ring) >= count);
}

void uring_wait(struct uring *uring, uint64_t timeout_ns)
{
	struct __kernel_timespec timeout = {
		.tv_sec = (long long)(timeout_ns / 1000000000u),
		.tv_nsec = (long long)(timeout_ns % 1000000000u),
	};
	struct io_uring_cqe *cqe;

	if (timeout_ns == 0)
		io_uring_submit_and_get_events(&uring->ring);
	else
		io_uring_submit_and_wait_timeout(&uring->ring, &cqe, 1, &timeout, NULL);
}

uint32_t uring_reap(struct uring *uring, struct uring_event *ret_events, uint32_t max)
{
	struct io_uring_cqe *cqe;
	unsigned head;
	uint32_t count = 0;

	io_uring_for_each_cqe(&uring->ring, head, cqe)
	{
		if (count == max)
			break;
		ret_events[count++] = (struct uring_event){
			.tag = cqe->user_data,
			.result = cqe->res,
			.more = (cqe->flags & IORING_CQE_F_MORE) != 0,
			.nonempty = (cqe->flags & IORING_CQE_F_SOCK_NONEMPTY) != 0,
		};
	}
	io_uring_cq_advance(&uring->ring, count);
	return count;
}

static struct io_uring_sqe *slot_entry(struct uring *uring, uint8_t opcode, uint32_t slot,
				       uint64_t tag)
{
	struct io_uring_sqe *sqe = next_entry(uring, tag);

	ASSERT(slot < uring->slots);
	sqe->opcode = opcode;
	sqe->fd = (int)slot;
	sqe->flags = IOSQE_FIXED_FILE;
	return sqe;
}

static void poll_slot(struct uring *uring, uint32_t slot, uint32_t mask, uint32_t flags,
		      uint64_t tag)
{
	struct io_uring_sqe *sqe = slot_entry(uring, IORING_OP_POLL_ADD, slot, tag);

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	mask = (mask << 16) | (mask >> 16);
#endif
	sqe->poll32_events = mask;
	sqe->len = flags;
}

void uring_poll_readable(struct uring *uring, uint32_t slot, uint64_t tag)
{
	poll_slot(uring, slot, POLLIN | POLLRDHUP, IORING_POLL_ADD_MULTI, tag);
}

void uring_poll_writable(struct uring *uring, uint32_t slot, uint64_t tag)
{
	poll_slot(uring, slot, POLLOUT, 0, tag);
}

void uring_receive(struct uring *uring, uint32_t slot, void *bytes, uint32_t size, uint64_t tag)
{
	struct io_uring_sqe *sqe = slot_entry(uring, IORING_OP_RECV, slot, tag);

	sqe->addr = (uint64_t)(uintptr_t)bytes;
	sqe->len = size;
	sqe->msg_flags = MSG_DONTWAIT;
}

void uring_send(struct uring *uring, uint32_t slot, const void *bytes, size_t size, uint64_t tag)
{
	struct io_uring_sqe *sqe = slot_entry(uring, IORING_OP_SEND, slot, tag);

	ASSERT(size > 0 && size <= INT32_MAX);
	sqe->addr = (uint64_t)(uintptr_t)bytes;
	sqe->len = (uint32_t)size;
	/* WAITALL: without it a short send counts as success and its completion is skipped */
	sqe->msg_flags = MSG_DONTWAIT | MSG_WAITALL | MSG_NOSIGNAL;
	sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
}

void uring_unacknowledged(struct uring *uring, uint32_t slot, uint64_t tag)
{
	struct io_uring_sqe *sqe = slot_entry(uring, IORING_OP_URING_CMD, slot, tag);

	sqe->cmd_op = SOCKET_URING_OP_SIOCOUTQ;
}

static void close_slot(struct uring *uring, uint32_t slot, uint8_t flags, uint64_t tag)
{
	struct io_uring_sqe *sqe = next_entry(uring, tag);

	ASSERT(slot < uring->slots);
	sqe->opcode = IORING_OP_CLOSE;
	sqe->file_index = slot + 1;
	sqe->flags = flags;
}

void uring_close(struct uring *uring, uint32_t slot, const uint64_t armed[2], uint64_t tag)
{
	need_entries(uring, 3);
	for (int i = 0; i < 2; i++) {
		if (armed[i] == 0)
			continue;
		struct io_uring_sqe *sqe = next_entry(uring, 0);

		sqe->opcode = IORING_OP_ASYNC_CANCEL;
		sqe->fd = -1;
		sqe->addr = armed[i];
		/* hard link: the close follows even when there was nothing to cancel */
		sqe->flags = IOSQE_IO_HARDLINK | IOSQE_CQE_SKIP_SUCCESS;
	}
	close_slot(uring, slot, 0, tag);
}

void uring_close_idle(struct uring *uring, uint32_t slot, uint64_t tag)
{
	close_slot(uring, slot, IOSQE_CQE_SKIP_SUCCESS, tag);
}

void uring_peer_address(struct uring *uring, uint32_t slot, struct sockaddr_storage *address,
			uint32_t size, uint64_t tag)
{
	struct io_uring_sqe *sqe = next_entry(uring, tag);

	ASSERT(slot < uring->slots);
	io_uring_prep_cmd_sock(sqe, SOCKET_URING_OP_GETSOCKOPT, (int)slot, SOL_SOCKET, SO_PEERNAME,
			       address, (int)size);
	sqe->flags = IOSQE_FIXED_FILE;
	sqe->user_data = tag;
}

void uring_hand_over(struct uring *uring, int target_fd, uint32_t slot, uint64_t target_tag,
		     uint64_t tag)
{
	struct io_uring_sqe *sqe = next_entry(uring, tag);

	ASSERT(slot < uring->slots);
	io_uring_prep_msg_ring_fd_alloc(sqe, target_fd, (int)slot, target_tag, 0);
	sqe->user_data = tag;
}

void uring_wake(struct uring *uring, int target_fd, uint64_t target_tag)
{
	struct io_uring_sqe *sqe = next_entry(uring, 0);

	io_uring_prep_msg_ring(sqe, target_fd, 0, target_tag, 0);
	sqe->flags = IOSQE_CQE_SKIP_SUCCESS;
	sqe->user_data = 0;
}

static struct io_uring_sqe *fd_entry(struct uring *uring, uint8_t opcode, int fd, uint64_t tag)
{
	struct io_uring_sqe *sqe = next_entry(uring, tag);

	sqe->opcode = opcode;
	sqe->fd = fd;
	return sqe;
}

void uring_accept_slots(struct uring *uring, int listener_fd, uint64_t tag)
{
	struct io_uring_sqe *sqe = fd_entry(uring, IORING_OP_ACCEPT, listener_fd, tag);

	sqe->ioprio = IORING_ACCEPT_MULTISHOT;
	sqe->file_index = IORING_FILE_INDEX_ALLOC;
}

void uring_accept_fds(struct uring *uring, int listener_fd, uint64_t tag)
{
	struct io_uring_sqe *sqe = fd_entry(uring, IORING_OP_ACCEPT, listener_fd, tag);

	sqe->ioprio = IORING_ACCEPT_MULTISHOT;
	sqe->accept_flags = SOCK_CLOEXEC;
}

void uring_connect(struct uring *uring, int fd, const struct sockaddr *address, uint32_t size,
		   uint64_t tag)
{
	struct io_uring_sqe *sqe = fd_entry(uring, IORING_OP_CONNECT, fd, tag);

	sqe->addr = (uint64_t)(uintptr_t)address;
	sqe->off = size;
}

void uring_receive_fd(struct uring *uring, int fd, void *bytes, uint32_t size, uint64_t tag)
{
	struct io_uring_sqe *sqe = fd_entry(uring, IORING_OP_RECV, fd, tag);

	sqe->addr = (uint64_t)(uintptr_t)bytes;
	sqe->len = size;
}

void uring_send_fd(struct uring *uring, int fd, const void *bytes, size_t size, uint64_t tag)
{
	struct io_uring_sqe *sqe = fd_entry(uring, IORING_OP_SEND, fd, tag);

	ASSERT(size <= INT32_MAX);
	sqe->addr = (uint64_t)(uintptr_t)bytes;
	sqe->len = (uint32_t)size;
	sqe->msg_flags = MSG_NOSIGNAL;
}

void uring_cancel(struct uring *uring, uint64_t tag_of)
{
	struct io_uring_sqe *sqe = next_entry(uring, 0);

	sqe->opcode = IORING_OP_ASYNC_CANCEL;
	sqe->fd = -1;
	sqe->addr = tag_of;
}
