/* wsbench/floor_uring.c - the floor with direct descriptors, for more sockets than descriptors. */
#include <stdlib.h>
#include <sys/socket.h>

#include "wsbench/floor_sender.h"
#include "wsbench/stopwatch.h"

#define SUBMISSIONS 1024u
#define COMPLETIONS 32768u /* errors of a whole table fit */

enum { TAG_ACCEPT = 1, TAG_COMMAND, TAG_SEND };

static int setup(struct floor_sender *sender)
{
	struct io_uring_params params = {
		.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
			 IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE,
		.cq_entries = COMPLETIONS,
	};

	int result = io_uring_queue_init_params(SUBMISSIONS, &sender->ring, &params);
	if (result < 0)
		return result;
	return io_uring_register_files_sparse(&sender->ring, FLOOR_TABLE_SIZE);
}

static void arm_accept(struct floor_sender *sender)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&sender->ring);

	io_uring_prep_multishot_accept_direct(sqe, sender->listen_fd, NULL, NULL, 0);
	io_uring_sqe_set_data64(sqe, TAG_ACCEPT);
}

static void arm_command(struct floor_sender *sender)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&sender->ring);

	io_uring_prep_read(sqe, sender->command_fd, &sender->command_count, sizeof(uint64_t), 0);
	io_uring_sqe_set_data64(sqe, TAG_COMMAND);
}

static void on_accept(struct floor_sender *sender, const struct io_uring_cqe *cqe)
{
	uint32_t count = atomic_load(&sender->accepted);

	if (cqe->res >= 0) {
		sender->sockets[count] = cqe->res;
		atomic_store(&sender->accepted, count + 1);
	}
	if (!(cqe->flags & IORING_CQE_F_MORE) && count + 1 < FLOOR_TABLE_SIZE)
		arm_accept(sender);
}

/* Takes what has come. True: a command is among it. */
static bool take_events(struct floor_sender *sender)
{
	bool has_command = false;
	struct io_uring_cqe *cqe;
	unsigned head, count = 0;

	io_uring_for_each_cqe(&sender->ring, head, cqe) {
		count++;
		if (cqe->user_data == TAG_ACCEPT)
			on_accept(sender, cqe);
		else if (cqe->user_data == TAG_SEND)
			sender->failures++; /* success is silent */
		else if (cqe->user_data == TAG_COMMAND)
			has_command = true;
	}
	io_uring_cq_advance(&sender->ring, count);
	return has_command;
}

static void send_all(struct floor_sender *sender)
{
	uint32_t count = atomic_load(&sender->accepted);
	struct slice frame = sender->frame;
	uint64_t start_ns = stopwatch_thread_cpu_ns();

	for (uint32_t i = 0; i < count; i++) {
		struct io_uring_sqe *sqe = io_uring_get_sqe(&sender->ring);

		io_uring_prep_send(sqe, sender->sockets[i], frame.bytes, frame.size,
				   MSG_DONTWAIT | MSG_WAITALL | MSG_NOSIGNAL);
		sqe->flags |= IOSQE_FIXED_FILE | IOSQE_CQE_SKIP_SUCCESS;
		io_uring_sqe_set_data64(sqe, TAG_SEND);
		if ((i + 1) % FLOOR_BATCH == 0)
			io_uring_submit(&sender->ring);
	}
	io_uring_submit(&sender->ring);
	sender->cpu_ns += stopwatch_thread_cpu_ns() - start_ns;
	sender->sends += count;
	take_events(sender);
}

void *floor_uring_main(void *argument)
{
	struct floor_sender *sender = argument;

	sender->result = setup(sender);
	sem_post(sender->done);
	if (sender->result < 0)
		return NULL;
	arm_accept(sender);
	arm_command(sender);
	while (!sender->stop) {
		io_uring_submit_and_wait(&sender->ring, 1);
		if (!take_events(sender) || sender->stop)
			continue;
		arm_command(sender);
		send_all(sender);
		sem_post(sender->done);
	}
	io_uring_queue_exit(&sender->ring);
	return NULL;
}
