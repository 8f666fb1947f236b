/* tests/sim/sim_uring.c - a ring is a list of operations and a list of completions. */
#include "sim_uring.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "belfry/ring_tag.h"
#include "sim_fiber.h"
#include "uring/uring.h"

#define RINGS_MAX SIM_FIBERS

enum op_type { OP_POLL_READ, OP_POLL_WRITE, OP_RECEIVE, OP_SEND, OP_CLOSE, OP_WAKE };

struct op {
	enum op_type type;
	uint32_t slot; /* WAKE: the ring */
	uint64_t tag;
	void *into;
	const void *from;
	size_t size;
	uint64_t armed[2];
};

struct sim_socket {
	uint32_t ring, slot;
	uint8_t *to_server, *to_client;
	size_t to_server_size, to_client_size;
	uint64_t read_tag, write_tag; /* of armed polls; 0: none */
	bool client_closed, was_reset, server_closed;
};

struct uring {
	uint32_t index, slots;
	struct sim_socket **sockets;
	struct uring_event *events;
	uint32_t events_first, events_count, events_capacity;
	struct op *ops;
	uint32_t ops_count, ops_capacity;
	uint64_t wake_ns;
};

static struct uring *rings[RINGS_MAX];
static uint32_t rings_count;
static struct sim_weather weather;

void sim_uring_begin(const struct sim_weather *of)
{
	weather = *of;
	rings_count = 0;
}

/* ---- rings ---- */

enum status uring_create(const struct uring_options *options, struct uring **ret_uring,
			 char *reason, size_t reason_size)
{
	struct uring *uring = calloc(1, sizeof(*uring));

	(void)reason;
	(void)reason_size;
	ASSERT(uring && rings_count < RINGS_MAX);
	uring->index = rings_count;
	uring->slots = options->slots;
	uring->sockets = calloc(options->slots + 1, sizeof(struct sim_socket *));
	ASSERT(uring->sockets);
	rings[rings_count++] = uring;
	*ret_uring = uring;
	return STATUS_OK;
}

static void free_socket(struct sim_socket *socket)
{
	free(socket->to_server);
	free(socket->to_client);
	free(socket);
}

void uring_destroy(struct uring *uring)
{
	if (!uring)
		return;
	for (uint32_t i = 0; i < uring->slots; i++)
		ASSERT(!uring->sockets[i]);
	free(uring->sockets);
	free(uring->events);
	free(uring->ops);
	free(uring);
}

int uring_fd(const struct uring *uring)
{
	return (int)uring->index;
}

enum status uring_start(struct uring *uring)
{
	uring->wake_ns = 0;
	return STATUS_OK;
}

static void post(struct uring *uring, struct uring_event event)
{
	if (uring->events_count == uring->events_capacity) {
		uring->events_capacity = uring->events_capacity * 2 + 64;
		uring->events =
			realloc(uring->events, uring->events_capacity * sizeof(*uring->events));
		ASSERT(uring->events);
	}
	uring->events[uring->events_count++] = event;
}

void sim_ring_post(uint32_t ring, uint64_t tag, int32_t result)
{
	post(rings[ring], (struct uring_event){.tag = tag, .result = result});
}

bool sim_ring_is_awake(uint32_t ring)
{
	const struct uring *uring = rings[ring];

	return uring->events_count > uring->events_first || sim_now_ns() >= uring->wake_ns;
}

uint64_t sim_ring_wake_ns(uint32_t ring)
{
	return rings[ring]->wake_ns;
}

uint32_t uring_reap(struct uring *uring, struct uring_event *ret_events, uint32_t max)
{
	uint32_t count = uring->events_count - uring->events_first;

	if (count > max)
		count = max;
	if (count > 0)
		memcpy(ret_events, uring->events + uring->events_first,
		       count * sizeof(*ret_events));
	uring->events_first += count;
	if (uring->events_first == uring->events_count)
		uring->events_first = uring->events_count = 0;
	return count;
}

/* ---- sockets ---- */

static bool is_readable(const struct sim_socket *socket)
{
	return socket->to_server_size > 0 || socket->client_closed;
}

static int32_t poll_mask(const struct sim_socket *socket)
{
	if (socket->was_reset)
		return POLLIN | POLLRDHUP | POLLHUP | POLLERR;
	return socket->client_closed ? POLLIN | POLLRDHUP : POLLIN;
}

static void tell_readable(struct sim_socket *socket)
{
	bool more = !sim_chance(weather.rearm_percent);

	if (socket->read_tag == 0 || !is_readable(socket))
		return;
	post(rings[socket->ring], (struct uring_event){.tag = socket->read_tag,
						       .result = poll_mask(socket),
						       .more = more});
	if (!more)
		socket->read_tag = 0;
}

static void tell_writable(struct sim_socket *socket)
{
	if (socket->write_tag == 0 ||
	    (!socket->client_closed && socket->to_client_size > weather.buffer_size * 2 / 3))
		return;
	post(rings[socket->ring],
	     (struct uring_event){.tag = socket->write_tag, .result = POLLOUT});
	socket->write_tag = 0;
}

struct sim_socket *sim_socket_open(uint32_t ring)
{
	struct uring *uring = rings[ring];
	struct sim_socket *socket;
	uint32_t slot = 0;

	while (slot < uring->slots && uring->sockets[slot])
		slot++;
	if (slot == uring->slots)
		return NULL;
	socket = calloc(1, sizeof(*socket));
	ASSERT(socket);
	socket->ring = ring;
	socket->slot = slot;
	socket->to_server = malloc(weather.buffer_size);
	socket->to_client = malloc(weather.buffer_size);
	ASSERT(socket->to_server && socket->to_client);
	uring->sockets[slot] = socket;
	sim_ring_post(ring, handoff_tag(HANDOFF_ADMIT, 0), (int32_t)slot);
	return socket;
}

size_t sim_socket_write(struct sim_socket *socket, const uint8_t *bytes, size_t size)
{
	size_t room = weather.buffer_size - socket->to_server_size;

	if (socket->server_closed)
		return size;
	if (size > room)
		size = room;
	if (size == 0)
		return 0;
	memcpy(socket->to_server + socket->to_server_size, bytes, size);
	socket->to_server_size += size;
	tell_readable(socket);
	return size;
}

/* Moves the first bytes of a buffer out of it. */
static size_t take(uint8_t *buffer, size_t *buffer_size, void *ret_bytes, size_t size)
{
	if (size > *buffer_size)
		size = *buffer_size;
	memcpy(ret_bytes, buffer, size);
	memmove(buffer, buffer + size, *buffer_size - size);
	*buffer_size -= size;
	return size;
}

size_t sim_socket_read(struct sim_socket *socket, uint8_t *ret_bytes, size_t size)
{
	size = take(socket->to_client, &socket->to_client_size, ret_bytes, size);
	if (!socket->server_closed)
		tell_writable(socket);
	return size;
}

bool sim_socket_is_over(const struct sim_socket *socket)
{
	return socket->server_closed && socket->to_client_size == 0;
}

void sim_socket_close(struct sim_socket *socket, bool is_reset)
{
	ASSERT(!socket->client_closed);
	socket->client_closed = true;
	if (socket->server_closed) {
		free_socket(socket);
		return;
	}
	socket->was_reset = is_reset;
	if (is_reset)
		socket->to_server_size = 0;
	tell_readable(socket);
	tell_writable(socket);
}

/* ---- operations ---- */

static struct op *add_op(struct uring *uring, enum op_type type, uint32_t slot, uint64_t tag)
{
	if (uring->ops_count == uring->ops_capacity) {
		uring->ops_capacity = uring->ops_capacity * 2 + 64;
		uring->ops = realloc(uring->ops, uring->ops_capacity * sizeof(*uring->ops));
		ASSERT(uring->ops);
	}
	ASSERT(type == OP_WAKE || slot < uring->slots);
	uring->ops[uring->ops_count] = (struct op){.type = type, .slot = slot, .tag = tag};
	return &uring->ops[uring->ops_count++];
}

void uring_poll_readable(struct uring *uring, uint32_t slot, uint64_t tag)
{
	add_op(uring, OP_POLL_READ, slot, tag);
}

void uring_poll_writable(struct uring *uring, uint32_t slot, uint64_t tag)
{
	add_op(uring, OP_POLL_WRITE, slot, tag);
}

void uring_receive(struct uring *uring, uint32_t slot, void *bytes, uint32_t size, uint64_t tag)
{
	struct op *op = add_op(uring, OP_RECEIVE, slot, tag);

	op->into = bytes;
	op->size = size;
}

void uring_send(struct uring *uring, uint32_t slot, const void *bytes, size_t size, uint64_t tag)
{
	struct op *op = add_op(uring, OP_SEND, slot, tag);

	ASSERT(size > 0);
	op->from = bytes;
	op->size = size;
}

void uring_close(struct uring *uring, uint32_t slot, const uint64_t armed[2], uint64_t tag)
{
	struct op *op = add_op(uring, OP_CLOSE, slot, tag);

	op->armed[0] = armed[0];
	op->armed[1] = armed[1];
}

void uring_wake(struct uring *uring, int target_fd, uint64_t target_tag)
{
	if (target_fd >= 0)
		add_op(uring, OP_WAKE, (uint32_t)target_fd, target_tag);
}

static void do_receive(struct uring *uring, struct sim_socket *socket, const struct op *op)
{
	struct uring_event event = {.tag = op->tag, .result = -EAGAIN};
	size_t size = op->size;

	if (socket->was_reset)
		event.result = -ECONNRESET;
	else if (socket->to_server_size > 0)
		event.result = (int32_t)take(
			socket->to_server, &socket->to_server_size, op->into,
			sim_chance(weather.short_percent) ? 1 + sim_pick((uint32_t)size) : size);
	else if (socket->client_closed)
		event.result = 0;
	event.nonempty = socket->to_server_size > 0;
	post(uring, event);
}

static void do_send(struct uring *uring, struct sim_socket *socket, const struct op *op)
{
	size_t room = weather.buffer_size - socket->to_client_size, size = op->size;

	if (socket->client_closed) {
		post(uring, (struct uring_event){
				    .tag = op->tag,
				    .result = socket->was_reset ? -ECONNRESET : -EPIPE,
			    });
		return;
	}
	if (size > room)
		size = room;
	if (size > 0 && sim_chance(weather.short_percent))
		size = sim_pick((uint32_t)size + 1);
	memcpy(socket->to_client + socket->to_client_size, op->from, size);
	socket->to_client_size += size;
	if (size < op->size)
		post(uring, (struct uring_event){.tag = op->tag,
						 .result = size ? (int32_t)size : -EAGAIN});
}

static void cancel(struct uring *uring, uint64_t *tag, const uint64_t armed[2])
{
	if (*tag == 0)
		return;
	ASSERT(*tag == armed[0] || *tag == armed[1]); /* it would hold the connection open */
	post(uring, (struct uring_event){.tag = *tag, .result = -ECANCELED});
	*tag = 0;
}

static void do_close(struct uring *uring, struct sim_socket *socket, const struct op *op)
{
	cancel(uring, &socket->read_tag, op->armed);
	cancel(uring, &socket->write_tag, op->armed);
	post(uring, (struct uring_event){.tag = op->tag});
	uring->sockets[op->slot] = NULL;
	socket->server_closed = true;
	if (socket->client_closed)
		free_socket(socket);
}

static void do_op(struct uring *uring, const struct op *op)
{
	struct sim_socket *socket = op->type == OP_WAKE ? NULL : uring->sockets[op->slot];

	if (op->type == OP_WAKE) {
		sim_ring_post(op->slot, op->tag, 0);
		return;
	}
	ASSERT(socket);
	switch (op->type) {
	case OP_POLL_READ:
		ASSERT(socket->read_tag == 0);
		socket->read_tag = op->tag;
		tell_readable(socket);
		return;
	case OP_POLL_WRITE:
		ASSERT(socket->write_tag == 0);
		socket->write_tag = op->tag;
		tell_writable(socket);
		return;
	case OP_RECEIVE:
		do_receive(uring, socket, op);
		return;
	case OP_SEND:
		do_send(uring, socket, op);
		return;
	case OP_CLOSE:
		do_close(uring, socket, op);
		return;
	case OP_WAKE:
		return;
	}
}

static void submit(struct uring *uring)
{
	for (uint32_t i = 0; i < uring->ops_count; i++)
		do_op(uring, &uring->ops[i]);
	uring->ops_count = 0;
}

void uring_submit(struct uring *uring)
{
	submit(uring);
	uring->wake_ns = 0;
	if (weather.yields && sim_chance(20))
		sim_fiber_yield();
}

void uring_wait(struct uring *uring, uint64_t timeout_ns)
{
	submit(uring);
	uring->wake_ns = sim_now_ns() + timeout_ns;
	sim_fiber_yield();
}
