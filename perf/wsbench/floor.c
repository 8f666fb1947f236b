/* wsbench/floor.c - listeners, commands and sums of the floor. */
#include "wsbench/floor.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wsbench/floor_sender.h"

#define BACKLOG 4096

struct floor {
	bool is_uring;
	uint16_t port;
	uint32_t senders_count;
	uint32_t running;
	sem_t done;
	struct floor_sender senders[FLOOR_SENDERS_MAX];
};

/* Several listeners share the port; the kernel deals connections out among them. Accepted sockets
 * inherit the options: no delay, and no TIME_WAIT left behind. */
static int listen_on(uint16_t port, uint16_t *ret_port)
{
	const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
	socklen_t address_size = sizeof(address);
	const int on = 1;

	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(fd, BACKLOG) < 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &address_size) < 0) {
		close(fd);
		return -1;
	}
	*ret_port = ntohs(address.sin_port);
	return fd;
}

static bool start_sender(struct floor *floor, struct floor_sender *sender)
{
	char name[16];

	sender->done = &floor->done;
	sender->command_fd = eventfd(0, EFD_CLOEXEC);
	sender->listen_fd = listen_on(floor->port, &floor->port);
	sender->sockets = calloc(FLOOR_TABLE_SIZE, sizeof(*sender->sockets));
	floor->running++;
	if (sender->command_fd < 0 || sender->listen_fd < 0 || !sender->sockets ||
	    pthread_create(&sender->pthread, NULL,
			   floor->is_uring ? floor_uring_main : floor_send_main, sender) != 0) {
		sender->result = -errno;
		sender->pthread = 0;
	} else {
		snprintf(name, sizeof(name), "floor-%u", (floor->running - 1) % 1000);
		pthread_setname_np(sender->pthread, name);
		sem_wait(&floor->done);
	}
	if (sender->result < 0)
		fprintf(stderr, "wsbench: floor: %s\n", strerror(-sender->result));
	return sender->result == 0;
}

struct floor *floor_create(const struct options *options, uint32_t conns)
{
	struct floor *floor = calloc(1, sizeof(*floor));
	bool is_good = floor != NULL;

	if (!is_good)
		return NULL;
	sem_init(&floor->done, 0, 0);
	floor->is_uring = options->floor_method == FLOOR_URING ||
			  (options->floor_method == FLOOR_AUTO && conns > FLOOR_SEND_MAX);
	floor->senders_count = (uint32_t)options->senders;
	uint32_t needed = (conns + FLOOR_TABLE_AIM - 1) / FLOOR_TABLE_AIM;
	if (floor->is_uring && floor->senders_count < needed)
		floor->senders_count = needed;
	if (floor->senders_count > FLOOR_SENDERS_MAX) {
		fprintf(stderr, "wsbench: floor: at most %u connections\n",
			FLOOR_SENDERS_MAX * FLOOR_TABLE_AIM);
		is_good = false;
	}
	for (uint32_t i = 0; is_good && i < floor->senders_count; i++)
		is_good = start_sender(floor, &floor->senders[i]);
	if (is_good)
		return floor;
	floor_destroy(floor);
	return NULL;
}

static void command(struct floor_sender *sender)
{
	uint64_t one = 1;
	ssize_t written = write(sender->command_fd, &one, sizeof(one));

	(void)written; /* the counter is read before the next command */
}

void floor_destroy(struct floor *floor)
{
	for (uint32_t i = 0; i < floor->running; i++) {
		struct floor_sender *sender = &floor->senders[i];

		sender->stop = true;
		command(sender);
		if (sender->pthread)
			pthread_join(sender->pthread, NULL);
		if (sender->listen_fd >= 0)
			close(sender->listen_fd);
		if (sender->command_fd >= 0)
			close(sender->command_fd);
		free(sender->sockets);
	}
	sem_destroy(&floor->done);
	free(floor);
}

void floor_send(struct floor *floor, struct slice frame)
{
	for (uint32_t i = 0; i < floor->senders_count; i++) {
		floor->senders[i].frame = frame;
		command(&floor->senders[i]);
	}
	for (uint32_t i = 0; i < floor->senders_count; i++)
		sem_wait(&floor->done);
}

uint16_t floor_port(const struct floor *floor)
{
	return floor->port;
}

uint32_t floor_senders(const struct floor *floor)
{
	return floor->senders_count;
}

const char *floor_method_name(const struct floor *floor)
{
	return floor->is_uring ? "io_uring SEND, fixed files, batches of 128" : "send()";
}

uint32_t floor_accepted(const struct floor *floor)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < floor->senders_count; i++)
		sum += atomic_load(&floor->senders[i].accepted);
	return sum;
}

uint64_t floor_cpu_ns(const struct floor *floor)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < floor->senders_count; i++)
		sum += floor->senders[i].cpu_ns;
	return sum;
}

uint64_t floor_sends(const struct floor *floor)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < floor->senders_count; i++)
		sum += floor->senders[i].sends;
	return sum;
}

uint64_t floor_failures(const struct floor *floor)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < floor->senders_count; i++)
		sum += floor->senders[i].failures;
	return sum;
}
