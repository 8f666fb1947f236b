/* wsbench/floor_send.c - the floor with send(). */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wsbench/floor_sender.h"
#include "wsbench/stopwatch.h"

static void accept_all(struct floor_sender *sender)
{
	uint32_t count = atomic_load(&sender->accepted);

	while (count < FLOOR_TABLE_SIZE) {
		int fd = accept4(sender->listen_fd, NULL, NULL, SOCK_CLOEXEC);

		if (fd < 0)
			break;
		sender->sockets[count++] = fd;
	}
	atomic_store(&sender->accepted, count);
}

static void send_all(struct floor_sender *sender)
{
	uint32_t count = atomic_load(&sender->accepted);
	struct slice frame = sender->frame;
	uint64_t failures = 0, start_ns = stopwatch_thread_cpu_ns();

	for (uint32_t i = 0; i < count; i++)
		failures += send(sender->sockets[i], frame.bytes, frame.size,
				 MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)frame.size;
	sender->cpu_ns += stopwatch_thread_cpu_ns() - start_ns;
	sender->sends += count;
	sender->failures += failures;
}

void *floor_send_main(void *argument)
{
	struct floor_sender *sender = argument;
	struct pollfd polls[2] = {
		{.fd = sender->command_fd, .events = POLLIN},
		{.fd = sender->listen_fd, .events = POLLIN},
	};

	sem_post(sender->done);
	for (;;) {
		poll(polls, 2, -1);
		if (polls[1].revents)
			accept_all(sender);
		if (!polls[0].revents)
			continue;
		ssize_t got = read(sender->command_fd, &sender->command_count, sizeof(uint64_t));
		(void)got; /* poll() said that it is there */
		if (sender->stop)
			break;
		send_all(sender);
		sem_post(sender->done);
	}
	for (uint32_t i = 0; i < atomic_load(&sender->accepted); i++)
		close(sender->sockets[i]);
	return NULL;
}
