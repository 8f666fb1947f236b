/* router/link.c - resolve, connect, move bytes, break, wait, again. */
#include "router/link.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "router/router_state.h"

#define CONNECT_PATIENCE_MS 5000
#define RETRY_MIN_MS 50
#define RETRY_MAX_MS 2000
#define LOOKUP_POLL_MS 20

enum status link_init(struct link *link, struct uring *uring, uint32_t index,
		      const struct config_redis *server)
{
	*link = (struct link){
		.server = server,
		.uring = uring,
		.index = index,
		.fd = -1,
		.received = malloc(LINK_BUFFER_SIZE),
		.sending = malloc(LINK_BUFFER_SIZE),
	};
	return link->received && link->sending ? STATUS_OK : STATUS_NO_MEMORY;
}

void link_deinit(struct link *link)
{
	const struct gaicb *lookup[] = {&link->lookup};

	/* Its thread writes here until it is done. */
	while (gai_error(&link->lookup) == EAI_INPROGRESS &&
	       gai_cancel(&link->lookup) == EAI_NOTCANCELED)
		gai_suspend(lookup, 1, NULL);
	if (link->fd >= 0)
		close(link->fd);
	free(link->received);
	free(link->sending);
}

/* ---- breaking ---- */

static void finish_break(struct link *link)
{
	if (link->in_kernel > 0)
		return; /* buffers and descriptor are still the ring's */
	if (link->fd >= 0)
		close(link->fd);
	link->fd = -1;
	link->sending_size = link->sending_done = 0;
	link->is_sending = false;
	link->state = LINK_DOWN;
	link->retry_ms = 0; /* link_turn picks the moment */
}

void link_break(struct link *link, const char *why)
{
	bool was_up = link->state == LINK_UP;

	if (link->state == LINK_DOWN || link->state == LINK_BREAKING)
		return;
	snprintf(link->error, sizeof(link->error), "%s", why);
	link->failures++;
	link->state = LINK_BREAKING;
	if (link->fd >= 0)
		shutdown(link->fd, SHUT_RDWR); /* ends what the ring has */
	if (was_up)
		link->user.on_down(link->user.owner);
	finish_break(link);
}

void link_is_good(struct link *link)
{
	link->failures = 0;
}

/* Doubling from the least, half of it random, so that many nodes do not come back at once. */
static uint64_t retry_delay_ms(const struct link *link, struct random *random)
{
	uint32_t doublings = link->failures < 7 ? link->failures : 7;
	uint64_t delay_ms = (uint64_t)RETRY_MIN_MS << doublings;

	if (delay_ms > RETRY_MAX_MS)
		delay_ms = RETRY_MAX_MS;
	return delay_ms / 2 + random_below(random, delay_ms / 2 + 1);
}

/* ---- coming up ---- */

static void connect_to(struct link *link, uint64_t now_ms)
{
	int on = 1;

	link->state = LINK_CONNECTING;
	link->deadline_ms = now_ms + CONNECT_PATIENCE_MS;
	link->fd = socket(link->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (link->fd < 0) {
		link_break(link, strerror(errno));
		return;
	}
	setsockopt(link->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(link->fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	link->in_kernel++;
	uring_connect(link->uring, link->fd, (struct sockaddr *)&link->address, link->address_size,
		      ring_tag(ROUTER_OP_CONNECT, link->index));
}

static void take_found(struct link *link, struct addrinfo *found, uint64_t now_ms)
{
	memcpy(&link->address, found->ai_addr, found->ai_addrlen);
	link->address_size = found->ai_addrlen;
	freeaddrinfo(found);
	connect_to(link, now_ms);
}

/* An address needs no look-up. */
static bool take_address(struct link *link, uint64_t now_ms)
{
	const struct addrinfo hints = {
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
	};
	struct addrinfo *found;

	if (getaddrinfo(link->server->host, link->service, &hints, &found) != 0)
		return false;
	take_found(link, found, now_ms);
	return true;
}

static void begin_lookup(struct link *link, uint64_t now_ms)
{
	struct gaicb *list[] = {&link->lookup};

	link->state = LINK_RESOLVING;
	link->deadline_ms = now_ms + CONNECT_PATIENCE_MS;
	snprintf(link->service, sizeof(link->service), "%u", link->server->port);
	if (take_address(link, now_ms))
		return;
	link->lookup_hints = (struct addrinfo){.ai_socktype = SOCK_STREAM};
	link->lookup = (struct gaicb){
		.ar_name = link->server->host,
		.ar_service = link->service,
		.ar_request = &link->lookup_hints,
	};
	/* In a thread of the C library: the router never waits for a name server. */
	if (getaddrinfo_a(GAI_NOWAIT, list, 1, NULL) != 0)
		link_break(link, "the look-up of the host name could not start");
}

static void poll_lookup(struct link *link, uint64_t now_ms)
{
	int result = gai_error(&link->lookup);

	if (result == EAI_INPROGRESS)
		return; /* the C library gives up by itself */
	if (result != 0) {
		link_break(link, gai_strerror(result));
		return;
	}
	take_found(link, link->lookup.ar_result, now_ms);
}

static void receive_more(struct link *link)
{
	link->in_kernel++;
	uring_receive_fd(link->uring, link->fd, link->received, LINK_BUFFER_SIZE,
			 ring_tag(ROUTER_OP_RECEIVE, link->index));
}

static void send_rest(struct link *link)
{
	link->in_kernel++;
	link->is_sending = true;
	uring_send_fd(link->uring, link->fd, link->sending + link->sending_done,
		      link->sending_size - link->sending_done,
		      ring_tag(ROUTER_OP_SEND, link->index));
}

/* What waits is copied, so that the session may add commands while the kernel sends. */
static void send_more(struct link *link)
{
	struct slice output;

	if (link->state != LINK_UP || link->is_sending)
		return;
	output = link->user.output(link->user.owner);
	if (output.size == 0)
		return;
	link->sending_size = output.size < LINK_BUFFER_SIZE ? output.size : LINK_BUFFER_SIZE;
	link->sending_done = 0;
	memcpy(link->sending, output.bytes, link->sending_size);
	link->user.sent(link->user.owner, link->sending_size);
	send_rest(link);
}

void link_turn(struct link *link, uint64_t now_ms, struct random *random)
{
	if (link->state == LINK_DOWN && !link->is_final) {
		if (link->retry_ms == 0)
			link->retry_ms =
				now_ms + (link->failures ? retry_delay_ms(link, random) : 0);
		if (now_ms >= link->retry_ms)
			begin_lookup(link, now_ms);
	}
	if (link->state == LINK_RESOLVING)
		poll_lookup(link, now_ms);
	if (link->state == LINK_CONNECTING && now_ms >= link->deadline_ms)
		link_break(link, "connecting took too long");
	send_more(link);
}

uint64_t link_wait_ms(const struct link *link, uint64_t now_ms)
{
	uint64_t until_ms = link->state == LINK_DOWN ? link->retry_ms : link->deadline_ms;

	if (link->state == LINK_RESOLVING)
		return LOOKUP_POLL_MS;
	if (link->state == LINK_UP || link->state == LINK_BREAKING || link->is_final)
		return UINT64_MAX;
	return until_ms > now_ms ? until_ms - now_ms : 0;
}

/* ---- completions ---- */

/* The ring has ended an operation. False: the link is breaking, there is no more to do. */
static bool ended(struct link *link)
{
	ASSERT(link->in_kernel > 0);
	link->in_kernel--;
	if (link->state == LINK_BREAKING)
		finish_break(link);
	return link->state == LINK_CONNECTING || link->state == LINK_UP;
}

void link_on_connect(struct link *link, int32_t result)
{
	if (!ended(link))
		return;
	if (result < 0) {
		link_break(link, strerror(-result));
		return;
	}
	link->state = LINK_UP;
	if (link->user.on_up(link->user.owner) != STATUS_OK) {
		link_break(link, "out of memory");
		return;
	}
	receive_more(link);
	send_more(link);
}

void link_on_receive(struct link *link, int32_t result)
{
	if (!ended(link))
		return;
	if (result <= 0) {
		link_break(link, result == 0 ? "Redis closed the connection" : strerror(-result));
		return;
	}
	if (link->user.on_bytes(link->user.owner, slice_of(link->received, (size_t)result)) ==
		    STATUS_OK &&
	    link->state == LINK_UP)
		receive_more(link);
}

void link_on_send(struct link *link, int32_t result)
{
	if (!ended(link))
		return;
	link->is_sending = false;
	if (result < 0) {
		link_break(link, strerror(-result));
		return;
	}
	link->sending_done += (size_t)result;
	if (link->sending_done < link->sending_size)
		send_rest(link);
	else
		send_more(link);
}
