/* acceptor/acceptor.c - accept, admit, place, hand over. */
#include "acceptor/acceptor.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/addresses.h"
#include "base/assert.h"
#include "base/clock.h"
#include "base/log_line.h"
#include "belfry/departure.h"
#include "belfry/ring_tag.h"
#include "uring/uring.h"
#include "wire/ip.h"

#define RING_ENTRIES 4096
#define RING_COMPLETIONS 32768
#define EVENTS_BATCH 256
#define WAIT_NS 1000000000u
#define REARM_WAIT_NS 10000000u /* after accept has failed, 10 ms */
#define REFUSALS_MAX 1024u      /* sockets that wait to be refused; beyond they are cut */

enum acceptor_op {
	ACCEPTOR_OP_ACCEPT = RING_OP_OWN, /* rest: index of the listener */
	ACCEPTOR_OP_PEER,                 /* rest: listener, slot */
	ACCEPTOR_OP_HANDED,               /* rest: verdict, shard, arrival */
};

struct acceptor {
	const struct config *config;
	struct acceptor_counters *counters;
	struct uring *uring;
	struct acceptor_options options;
	int shard_ring_fds[SHARDS_MAX];
	struct addresses addresses;
	struct sockaddr_storage *peers;            /* by slot; only with arrivals */
	uint32_t address_sizes[CONFIG_LISTEN_MAX]; /* by listener: of its family's addresses */
	uint32_t placed[SHARDS_MAX]; /* sockets that each shard holds or is about to */
	uint32_t admitted;           /* of them, not to be refused */
	uint32_t arrivals_free;      /* the first that was used and is free again; ARRIVAL_NONE */
	uint32_t arrivals_used;      /* so many were ever used, with the first, which is nobody's */
	uint32_t refused;
	uint32_t on_the_way; /* operations that must end before the thread may */
	uint64_t armed;      /* bit per listener: accept is armed */
	bool is_stopping;
};

/* ---- making ---- */

static void learn_families(struct acceptor *acceptor)
{
	for (uint32_t i = 0; i < acceptor->options.listeners_count; i++) {
		struct sockaddr_storage own;
		socklen_t size = sizeof(own);

		if (getsockname(acceptor->options.listener_fds[i], (struct sockaddr *)&own,
				&size) == 0)
			acceptor->address_sizes[i] = size;
	}
}

static bool init_memory(struct acceptor *acceptor)
{
	learn_families(acceptor);
	acceptor->arrivals_used = ARRIVAL_NONE + 1;
	if (acceptor->options.arrivals)
		acceptor->peers = calloc(acceptor->options.slots, sizeof(*acceptor->peers));
	return addresses_init(&acceptor->addresses) &&
	       (acceptor->peers || !acceptor->options.arrivals);
}

enum status acceptor_create(const struct acceptor_options *options, struct acceptor **ret_acceptor,
			    char *reason, size_t reason_size)
{
	struct acceptor *acceptor = calloc(1, sizeof(*acceptor));
	struct uring_options ring = {
		.entries = RING_ENTRIES,
		.completions = RING_COMPLETIONS,
		.slots = options->slots,
	};
	enum status status = STATUS_NO_MEMORY;

	ASSERT(options->shards_count > 0 && options->shards_count <= SHARDS_MAX);
	snprintf(reason, reason_size, "out of memory");
	if (acceptor) {
		acceptor->options = *options;
		memcpy(acceptor->shard_ring_fds, options->shard_ring_fds,
		       options->shards_count * sizeof(int));
		acceptor->config = options->config;
		acceptor->counters = options->counters;
		if (init_memory(acceptor))
			status = uring_create(&ring, &acceptor->uring, reason, reason_size);
	}
	if (status != STATUS_OK) {
		acceptor_destroy(acceptor);
		return status;
	}
	*ret_acceptor = acceptor;
	return STATUS_OK;
}

void acceptor_destroy(struct acceptor *acceptor)
{
	if (!acceptor)
		return;
	uring_destroy(acceptor->uring);
	addresses_deinit(&acceptor->addresses);
	free(acceptor->peers);
	free(acceptor);
}

int acceptor_ring_fd(const struct acceptor *acceptor)
{
	return uring_fd(acceptor->uring);
}

/* ---- arrivals ---- */

static struct arrival *arrival_at(const struct acceptor *acceptor, uint32_t index)
{
	ASSERT(index > ARRIVAL_NONE && index < acceptor->arrivals_used);
	return &acceptor->options.arrivals[index];
}

static uint32_t take_arrival(struct acceptor *acceptor, const struct ip *peer)
{
	uint32_t index = acceptor->arrivals_free;

	if (index != ARRIVAL_NONE)
		acceptor->arrivals_free = arrival_at(acceptor, index)->next;
	else if (acceptor->arrivals_used < acceptor->options.arrivals_count)
		index = acceptor->arrivals_used++;
	if (index != ARRIVAL_NONE)
		*arrival_at(acceptor, index) = (struct arrival){.peer = *peer};
	return index;
}

static void give_arrival(struct acceptor *acceptor, uint32_t index)
{
	if (index == ARRIVAL_NONE)
		return;
	struct arrival *arrival = arrival_at(acceptor, index);

	addresses_leave(&acceptor->addresses, arrival->address);
	arrival->next = acceptor->arrivals_free;
	acceptor->arrivals_free = index;
}

/* ---- admission ---- */

static void count_out(struct acceptor *acceptor, const struct departure *gone)
{
	ASSERT(gone->shard < acceptor->options.shards_count && acceptor->placed[gone->shard] > 0);
	acceptor->placed[gone->shard]--;
	give_arrival(acceptor, gone->arrival);
	if (gone->verdict == HANDOFF_ADMIT)
		acceptor->admitted--;
	else
		acceptor->refused--;
}

static void take_departures(struct acceptor *acceptor)
{
	struct departure gone;

	for (uint32_t i = 0; i < acceptor->options.shards_count; i++)
		while (ring_pop(&acceptor->options.departures[i].ring, &gone))
			count_out(acceptor, &gone);
}

static enum handoff_verdict judge(const struct acceptor *acceptor, uint32_t arrival)
{
	uint32_t per_address = acceptor->config->max_connections_per_ip;
	uint32_t address =
		arrival == ARRIVAL_NONE ? ADDRESS_UNKNOWN : arrival_at(acceptor, arrival)->address;

	if (acceptor->admitted >= acceptor->config->max_connections)
		return HANDOFF_FULL;
	if (per_address > 0 && addresses_count(&acceptor->addresses, address) > per_address)
		return HANDOFF_ADDRESS_FULL;
	return HANDOFF_ADMIT;
}

/* The shard with the fewest sockets. */
static uint32_t place(const struct acceptor *acceptor)
{
	uint32_t best = 0;

	for (uint32_t i = 1; i < acceptor->options.shards_count; i++)
		if (acceptor->placed[i] < acceptor->placed[best])
			best = i;
	return best;
}

static uint64_t handed_tag(enum handoff_verdict verdict, uint32_t shard, uint32_t arrival)
{
	return ring_tag(ACCEPTOR_OP_HANDED,
			(uint64_t)verdict << 40 | (uint64_t)shard << 32 | arrival);
}

static void count_refusal(struct acceptor *acceptor, enum handoff_verdict verdict)
{
	acceptor->refused++;
	counter_add(verdict == HANDOFF_FULL ? &acceptor->counters->refused_full
					    : &acceptor->counters->refused_address,
		    1);
}

static bool is_proxied(const struct acceptor *acceptor, uint32_t listener)
{
	return listener >= acceptor->options.listeners_proxied;
}

static void hand_over(struct acceptor *acceptor, uint32_t slot, uint32_t listener, uint32_t arrival)
{
	enum handoff_verdict verdict = judge(acceptor, arrival);
	uint64_t proxied = is_proxied(acceptor, listener) ? HANDOFF_PROXIED : 0;
	uint32_t shard = place(acceptor);

	if (acceptor->placed[shard] >= acceptor->options.slots_per_shard ||
	    (verdict != HANDOFF_ADMIT && acceptor->refused >= REFUSALS_MAX)) {
		counter_add(&acceptor->counters->dropped, 1);
		give_arrival(acceptor, arrival);
		uring_close_idle(acceptor->uring, slot, 0);
		return;
	}
	acceptor->placed[shard]++;
	acceptor->on_the_way++;
	if (verdict == HANDOFF_ADMIT)
		acceptor->admitted++;
	else
		count_refusal(acceptor, verdict);
	if (arrival != ARRIVAL_NONE)
		parcel_seal(&arrival_at(acceptor, arrival)->parcel);
	uring_hand_over(acceptor->uring, acceptor->shard_ring_fds[shard], slot,
			handoff_tag(verdict, arrival) | proxied,
			handed_tag(verdict, shard, arrival));
	/* The socket is referenced once it is handed over; this slot may go at once. */
	uring_close_idle(acceptor->uring, slot, 0);
}

/* ---- completions ---- */

static void arm(struct acceptor *acceptor)
{
	for (uint32_t i = 0; i < acceptor->options.listeners_count; i++) {
		if ((acceptor->armed >> i & 1) != 0 || acceptor->is_stopping)
			continue;
		acceptor->armed |= UINT64_C(1) << i;
		uring_accept_slots(acceptor->uring, acceptor->options.listener_fds[i],
				   ring_tag(ACCEPTOR_OP_ACCEPT, i));
	}
}

static void on_accepted(struct acceptor *acceptor, const struct uring_event *event)
{
	uint32_t listener = (uint32_t)(event->tag & 0xFF);

	if (!event->more)
		acceptor->armed &= ~(UINT64_C(1) << listener);
	if (event->result < 0)
		return;
	uint32_t slot = (uint32_t)event->result;

	counter_add(&acceptor->counters->accepted, 1);
	if (!acceptor->options.arrivals) {
		hand_over(acceptor, slot, listener, ARRIVAL_NONE);
		return;
	}
	acceptor->on_the_way++;
	uring_peer_address(acceptor->uring, slot, &acceptor->peers[slot],
			   acceptor->address_sizes[listener],
			   ring_tag(ACCEPTOR_OP_PEER, (uint64_t)listener << 16 | slot));
}

static struct ip ip_of(const struct sockaddr_storage *peer)
{
	struct ip ip = {{0}};

	if (peer->ss_family == AF_INET) {
		ip.bytes[10] = ip.bytes[11] = 0xFF;
		memcpy(ip.bytes + 12, &((const struct sockaddr_in *)peer)->sin_addr, 4);
	} else if (peer->ss_family == AF_INET6) {
		memcpy(ip.bytes, &((const struct sockaddr_in6 *)peer)->sin6_addr, 16);
	}
	return ip;
}

/* Counts it, unless it comes from a proxy: others are behind that. */
static uint32_t enter(struct acceptor *acceptor, const struct ip *peer, uint32_t listener)
{
	uint32_t index = take_arrival(acceptor, peer);
	struct ip counted = ip_counted(peer);

	if (index == ARRIVAL_NONE || acceptor->config->max_connections_per_ip == 0 ||
	    is_proxied(acceptor, listener) || ip_is_in(peer, &acceptor->config->trusted_networks))
		return index;
	arrival_at(acceptor, index)->address = addresses_enter(&acceptor->addresses, counted.bytes);
	return index;
}

static void on_peer(struct acceptor *acceptor, const struct uring_event *event)
{
	uint32_t slot = (uint32_t)(event->tag & 0xFFFF);
	uint32_t listener = (uint32_t)(event->tag >> 16) & 0xFF;
	uint32_t arrival = ARRIVAL_NONE;

	acceptor->on_the_way--;
	if (event->result == -ENOTCONN) { /* gone already */
		uring_close_idle(acceptor->uring, slot, 0);
		return;
	}
	if (event->result >= 0) {
		struct ip peer = ip_of(&acceptor->peers[slot]);

		arrival = enter(acceptor, &peer, listener);
	}
	hand_over(acceptor, slot, listener, arrival);
}

static void on_handed(struct acceptor *acceptor, const struct uring_event *event)
{
	struct departure gone = {
		.arrival = (uint32_t)event->tag,
		.verdict = (event->tag >> 40) & 0xFF,
		.shard = (event->tag >> 32) & 0xFF,
	};

	ASSERT(acceptor->on_the_way > 0);
	acceptor->on_the_way--;
	if (event->result >= 0)
		return;
	log_line(LOG_WARN, "acceptor", "handing a connection over failed: %s",
		 strerror(-event->result));
	counter_add(&acceptor->counters->dropped, 1);
	count_out(acceptor, &gone);
}

static void begin_stop(struct acceptor *acceptor)
{
	acceptor->is_stopping = true;
	for (uint32_t i = 0; i < acceptor->options.listeners_count; i++)
		uring_cancel(acceptor->uring, ring_tag(ACCEPTOR_OP_ACCEPT, i));
}

static void on_event(struct acceptor *acceptor, const struct uring_event *event)
{
	switch (ring_tag_op(event->tag)) {
	case RING_OP_STOP:
		begin_stop(acceptor);
		return;
	case ACCEPTOR_OP_ACCEPT:
		on_accepted(acceptor, event);
		return;
	case ACCEPTOR_OP_PEER:
		on_peer(acceptor, event);
		return;
	case ACCEPTOR_OP_HANDED:
		on_handed(acceptor, event);
		return;
	default:
		return;
	}
}

static void turn(struct acceptor *acceptor)
{
	struct uring_event events[EVENTS_BATCH];
	uint32_t count;

	take_departures(acceptor);
	while ((count = uring_reap(acceptor->uring, events, EVENTS_BATCH)) > 0)
		for (uint32_t i = 0; i < count; i++)
			on_event(acceptor, &events[i]);
}

static bool all_armed(const struct acceptor *acceptor)
{
	uint64_t all = (UINT64_C(1) << acceptor->options.listeners_count) - 1;

	return acceptor->armed == all;
}

void *acceptor_run(void *owner)
{
	struct acceptor *acceptor = owner;
	enum status status = uring_start(acceptor->uring);
	uint64_t rearm_ns = 0;

	ASSERT(status == STATUS_OK);
	counter_set(&acceptor->counters->running, 1);
	while (!acceptor->is_stopping || acceptor->armed || acceptor->on_the_way > 0) {
		/* An accept that ended was refused something: a moment's rest, no busy loop. */
		if (clock_monotonic_ns() >= rearm_ns && !all_armed(acceptor)) {
			rearm_ns = clock_monotonic_ns() + REARM_WAIT_NS;
			arm(acceptor);
		}
		uring_wait(acceptor->uring, all_armed(acceptor) ? WAIT_NS : REARM_WAIT_NS);
		turn(acceptor);
	}
	log_line(LOG_DEBUG, "acceptor", "the acceptor has ended");
	return NULL;
}
