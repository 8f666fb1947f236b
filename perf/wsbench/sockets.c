/* wsbench/sockets.c - the client's door to liburing. */
#include "wsbench/sockets.h"

#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "base/assert.h"

#define SUBMISSIONS 4096u
#define COMPLETIONS 16384u
#define CHAIN_MAX 4u /* submission entries that must not be torn apart */
#define BUFFER_GROUP 0
#define BUFFER_RING_SIZE (SOCKETS_BUFFERS * sizeof(struct io_uring_buf))
#define FEATURE_MIN_WAIT (1u << 15) /* IORING_FEAT_MIN_TIMEOUT, Linux 6.12 */

/* user_data: tag in the top 8 bits, then 16 of generation and 32 of index, or a pointer. */
enum tag { TAG_NONE, TAG_OPEN, TAG_RECEIVE, TAG_CLOSE, TAG_SEND, TAG_WAKE };

#define TAG_SHIFT 56
#define GENERATION_SHIFT 32
#define POINTER_MASK ((1ull << 48) - 1)

/* struct io_uring_getevents_arg with the field that came in Linux 6.12. */
struct wait_argument {
	uint64_t signals;
	uint32_t signals_size;
	uint32_t min_wait_us;
	uint64_t timeout;
};

static uint64_t pack(enum tag tag, uint32_t index, uint16_t generation)
{
	return (uint64_t)tag << TAG_SHIFT | (uint64_t)generation << GENERATION_SHIFT | index;
}

/* ---- setup ---- */

static void give_buffer(struct sockets *sockets, unsigned number, int offset)
{
	io_uring_buf_ring_add(sockets->buffer_ring,
			      sockets->buffers + (size_t)number * SOCKETS_BUFFER_SIZE,
			      SOCKETS_BUFFER_SIZE, (unsigned short)number, SOCKETS_BUFFERS - 1,
			      offset);
}

static int setup_buffers(struct sockets *sockets)
{
	size_t size = BUFFER_RING_SIZE + (size_t)SOCKETS_BUFFERS * SOCKETS_BUFFER_SIZE;
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | MAP_PRIVATE, -1, 0);

	if (memory == MAP_FAILED)
		return -ENOMEM;
	sockets->buffer_ring = memory;
	sockets->buffers = (uint8_t *)memory + BUFFER_RING_SIZE;
	struct io_uring_buf_reg registration = {
		.ring_addr = (uint64_t)(uintptr_t)memory,
		.ring_entries = SOCKETS_BUFFERS,
		.bgid = BUFFER_GROUP,
	};
	int result = io_uring_register_buf_ring(&sockets->ring, &registration, 0);
	if (result < 0)
		return result;
	io_uring_buf_ring_init(sockets->buffer_ring);
	for (unsigned i = 0; i < SOCKETS_BUFFERS; i++)
		give_buffer(sockets, i, (int)i);
	io_uring_buf_ring_advance(sockets->buffer_ring, (int)SOCKETS_BUFFERS);
	return 0;
}

static struct io_uring_sqe *take_entry(struct sockets *sockets)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&sockets->ring);

	if (!sqe) {
		io_uring_submit(&sockets->ring);
		sqe = io_uring_get_sqe(&sockets->ring);
	}
	ASSERT(sqe);
	return sqe;
}

/* A chain is not allowed to span two submissions. */
static void make_room(struct sockets *sockets)
{
	if (io_uring_sq_space_left(&sockets->ring) < CHAIN_MAX)
		io_uring_submit(&sockets->ring);
}

static void arm_wake(struct sockets *sockets)
{
	struct io_uring_sqe *sqe = take_entry(sockets);

	io_uring_prep_read(sqe, sockets->wake_fd, &sockets->wake_count,
			   sizeof(sockets->wake_count), 0);
	io_uring_sqe_set_data64(sqe, pack(TAG_WAKE, 0, 0));
}

int sockets_init(struct sockets *sockets, uint32_t slots_count)
{
	struct io_uring_params params = {
		.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
			 IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE,
		.cq_entries = COMPLETIONS,
	};

	*sockets = (struct sockets){.lent_buffer = -1, .wake_fd = -1, .ready_fd = -1};
	int result = io_uring_queue_init_params(SUBMISSIONS, &sockets->ring, &params);
	if (result < 0)
		return result;
	sockets->has_min_wait = (params.features & FEATURE_MIN_WAIT) != 0;
	sockets->wake_fd = eventfd(0, EFD_CLOEXEC);
	if (sockets->wake_fd < 0)
		result = -errno;
	if (result >= 0)
		result = io_uring_register_files_sparse(&sockets->ring, slots_count);
	if (result >= 0)
		result = setup_buffers(sockets);
	if (result < 0) {
		sockets_deinit(sockets);
		return result;
	}
	arm_wake(sockets);
	return 0;
}

void sockets_deinit(struct sockets *sockets)
{
	io_uring_queue_exit(&sockets->ring);
	if (sockets->wake_fd >= 0)
		close(sockets->wake_fd);
	if (sockets->ready_fd >= 0)
		close(sockets->ready_fd);
	if (sockets->buffer_ring)
		munmap(sockets->buffer_ring,
		       BUFFER_RING_SIZE + (size_t)SOCKETS_BUFFERS * SOCKETS_BUFFER_SIZE);
}

int sockets_ready_fd(struct sockets *sockets)
{
	if (sockets->ready_fd >= 0)
		return sockets->ready_fd;
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (fd < 0)
		return -errno;
	sockets->ready_fd = fd;
	int result = io_uring_register_eventfd(&sockets->ring, fd);
	return result < 0 ? result : fd;
}

/* ---- asking ---- */

static void mark(struct io_uring_sqe *sqe, unsigned flags, uint64_t user_data)
{
	sqe->flags |= (uint8_t)flags;
	io_uring_sqe_set_data64(sqe, user_data);
}

void sockets_receive(struct sockets *sockets, uint32_t index, uint16_t generation)
{
	struct io_uring_sqe *sqe = take_entry(sockets);

	io_uring_prep_recv_multishot(sqe, (int)index, NULL, 0, 0);
	sqe->buf_group = BUFFER_GROUP;
	mark(sqe, IOSQE_FIXED_FILE | IOSQE_BUFFER_SELECT, pack(TAG_RECEIVE, index, generation));
}

/* When a link that skips its completion fails, the rest of the chain is silent: one event. */
void sockets_open(struct sockets *sockets, uint32_t index, uint16_t generation,
		  const struct sockaddr_in *address, struct slice request)
{
	const unsigned linked = IOSQE_IO_LINK | IOSQE_CQE_SKIP_SUCCESS;
	uint64_t user_data = pack(TAG_OPEN, index, generation);

	make_room(sockets);
	struct io_uring_sqe *sqe = take_entry(sockets);
	io_uring_prep_socket_direct(sqe, AF_INET, SOCK_STREAM, 0, index, 0);
	mark(sqe, linked, user_data);
	sqe = take_entry(sockets);
	io_uring_prep_connect(sqe, (int)index, (const struct sockaddr *)address, sizeof(*address));
	mark(sqe, IOSQE_FIXED_FILE | (request.size > 0 ? linked : IOSQE_IO_LINK), user_data);
	if (request.size > 0) {
		sqe = take_entry(sockets);
		io_uring_prep_send(sqe, (int)index, request.bytes, request.size,
				   MSG_WAITALL | MSG_NOSIGNAL);
		mark(sqe, IOSQE_FIXED_FILE | linked, user_data);
	}
	sockets_receive(sockets, index, generation);
}

void sockets_send(struct sockets *sockets, uint32_t index, struct slice bytes)
{
	struct io_uring_sqe *sqe = take_entry(sockets);
	uint64_t pointer = (uint64_t)(uintptr_t)bytes.bytes;

	ASSERT((pointer & ~POINTER_MASK) == 0);
	io_uring_prep_send(sqe, (int)index, bytes.bytes, bytes.size, MSG_WAITALL | MSG_NOSIGNAL);
	mark(sqe, IOSQE_FIXED_FILE, (uint64_t)TAG_SEND << TAG_SHIFT | pointer);
}

/* Asks for the end of what was armed. By user_data, which the kernel finds by its hash: by slot it
 * would walk through all armed requests of the ring, for each of its sockets. */
static void cancel(struct sockets *sockets, uint64_t user_data)
{
	struct io_uring_sqe *sqe = take_entry(sockets);

	io_uring_prep_cancel64(sqe, user_data, 0);
	mark(sqe, IOSQE_IO_HARDLINK, pack(TAG_NONE, 0, 0));
}

/* A close alone would leave the connection open under the armed receive, which holds the file. */
void sockets_close(struct sockets *sockets, uint32_t index, uint16_t generation, bool reset)
{
	static struct linger at_once = {.l_onoff = 1, .l_linger = 0};
	struct io_uring_sqe *sqe;

	make_room(sockets);
	if (reset) {
		sqe = take_entry(sockets);
		io_uring_prep_cmd_sock(sqe, SOCKET_URING_OP_SETSOCKOPT, (int)index, SOL_SOCKET,
				       SO_LINGER, &at_once, sizeof(at_once));
		mark(sqe, IOSQE_FIXED_FILE | IOSQE_IO_HARDLINK, pack(TAG_NONE, 0, 0));
	}
	cancel(sockets, pack(TAG_OPEN, index, generation));
	cancel(sockets, pack(TAG_RECEIVE, index, generation));
	sqe = take_entry(sockets);
	io_uring_prep_close_direct(sqe, index);
	mark(sqe, 0, pack(TAG_CLOSE, index, generation));
}

/* ---- waiting and events ---- */

void sockets_wait(struct sockets *sockets, struct sockets_patience patience)
{
	unsigned timeout_us = patience.timeout_us, count = patience.count;
	struct io_uring *ring = &sockets->ring;

	if (io_uring_sq_ready(ring) > 0)
		io_uring_submit(ring);
	if (io_uring_cq_ready(ring) > 0)
		count = 0;
	if (!sockets->has_min_wait && patience.batch_us > 0)
		timeout_us = patience.batch_us;
	struct __kernel_timespec timeout = {
		.tv_sec = timeout_us / 1000000,
		.tv_nsec = (long long)(timeout_us % 1000000) * 1000,
	};
	struct wait_argument argument = {
		.min_wait_us = sockets->has_min_wait ? patience.batch_us : 0,
		.timeout = (uint64_t)(uintptr_t)&timeout,
	};
	io_uring_enter2((unsigned)ring->ring_fd, 0, count,
			IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, (sigset_t *)&argument,
			sizeof(argument));
}

static void return_lent_buffer(struct sockets *sockets)
{
	if (sockets->lent_buffer < 0)
		return;
	give_buffer(sockets, (unsigned)sockets->lent_buffer, 0);
	io_uring_buf_ring_advance(sockets->buffer_ring, 1);
	sockets->lent_buffer = -1;
}

static void lend_buffer(struct sockets *sockets, const struct io_uring_cqe *cqe,
			struct socket_event *event)
{
	unsigned number = cqe->flags >> IORING_CQE_BUFFER_SHIFT;

	if (!(cqe->flags & IORING_CQE_F_BUFFER))
		return;
	ASSERT(number < SOCKETS_BUFFERS);
	sockets->lent_buffer = (int)number;
	event->bytes = slice_of(sockets->buffers + (size_t)number * SOCKETS_BUFFER_SIZE,
				cqe->res > 0 ? (size_t)cqe->res : 0);
}

static void translate(struct sockets *sockets, const struct io_uring_cqe *cqe,
		      struct socket_event *event)
{
	static const enum socket_event_kind kinds[] = {
		[TAG_NONE] = SOCKET_EVENT_NONE,	      [TAG_OPEN] = SOCKET_EVENT_OPEN,
		[TAG_RECEIVE] = SOCKET_EVENT_RECEIVE, [TAG_CLOSE] = SOCKET_EVENT_CLOSE,
		[TAG_SEND] = SOCKET_EVENT_NONE,	      [TAG_WAKE] = SOCKET_EVENT_NONE,
	};
	enum tag tag = (enum tag)(cqe->user_data >> TAG_SHIFT);

	ASSERT(tag <= TAG_WAKE);
	*event = (struct socket_event){
		.kind = kinds[tag],
		.index = (uint32_t)cqe->user_data,
		.generation = (uint16_t)(cqe->user_data >> GENERATION_SHIFT),
		.is_armed = (cqe->flags & IORING_CQE_F_MORE) != 0,
		.result = cqe->res,
	};
	lend_buffer(sockets, cqe, event);
	if (tag == TAG_SEND)
		free((void *)(uintptr_t)(cqe->user_data & POINTER_MASK));
	if (tag == TAG_WAKE)
		arm_wake(sockets);
}

bool sockets_next(struct sockets *sockets, struct socket_event *ret_event)
{
	struct io_uring_cqe *cqe;
	unsigned head;

	return_lent_buffer(sockets);
	io_uring_for_each_cqe(&sockets->ring, head, cqe) {
		translate(sockets, cqe, ret_event);
		io_uring_cq_advance(&sockets->ring, 1);
		return true;
	}
	return false;
}

void sockets_wake(struct sockets *sockets)
{
	uint64_t one = 1;
	ssize_t written = write(sockets->wake_fd, &one, sizeof(one));

	(void)written; /* only a full counter can refuse: then the wake is already due */
}
