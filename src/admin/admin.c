/* admin/admin.c - making the admin thread, and its loop. */
#include "admin/admin.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "admin/admin_state.h"
#include "base/clock.h"
#include "base/log_line.h"
#include "base/random.h"

#define RING_ENTRIES 512
#define RING_COMPLETIONS 2048
#define EVENTS_BATCH 64
#define WAIT_NS 1000000000u

static bool init_memory(struct admin *admin)
{
	struct hash_key key;

	random_secret(&key, sizeof(key));
	random_secret(admin->fingerprint_keys, sizeof(admin->fingerprint_keys));
	admin->fields = malloc(ENTRY_FIELDS_MAX * sizeof(*admin->fields));
	admin->idempotency = idempotency_create(key);
	return admin->fields && admin->idempotency &&
	       api_keys_init(&admin->keys, &admin->config->api_key);
}

enum status admin_create(const struct admin_options *options, struct admin **ret_admin,
			 char *reason, size_t reason_size)
{
	struct admin *admin = calloc(1, sizeof(*admin));
	struct uring_options ring = {
		.entries = RING_ENTRIES,
		.completions = RING_COMPLETIONS,
	};
	enum status status = STATUS_NO_MEMORY;

	snprintf(reason, reason_size, "out of memory");
	if (admin) {
		admin->options = *options;
		admin->config = options->config;
		for (uint32_t i = 0; i < ADMIN_SESSIONS_MAX; i++)
			admin->sessions[i].fd = -1;
		if (init_memory(admin))
			status = uring_create(&ring, &admin->uring, reason, reason_size);
	}
	if (status != STATUS_OK) {
		admin_destroy(admin);
		return status;
	}
	*ret_admin = admin;
	return STATUS_OK;
}

void admin_destroy(struct admin *admin)
{
	if (!admin)
		return;
	uring_destroy(admin->uring);
	publishing_abandon(admin);
	asking_abandon(admin);
	for (uint32_t i = 0; i < ADMIN_SESSIONS_MAX; i++) {
		if (admin->sessions[i].fd >= 0)
			close(admin->sessions[i].fd);
		free(admin->sessions[i].request);
		free(admin->sessions[i].answer);
	}
	api_keys_deinit(&admin->keys);
	idempotency_destroy(admin->idempotency);
	free(admin->fields);
	free(admin);
}

int admin_ring_fd(const struct admin *admin)
{
	return uring_fd(admin->uring);
}

void admin_push(struct admin *admin, struct lane *lane, const void *item)
{
	bool pushed = ring_push(&lane->ring, item);

	ASSERT(pushed);
	if (sleeper_must_wake(lane->consumer))
		uring_wake(admin->uring, lane->consumer->ring_fd, ring_tag(RING_OP_WAKE, 0));
}

static void arm(struct admin *admin)
{
	if (admin->accepts || admin->is_stopping || admin->options.listener_fd < 0)
		return;
	admin->accepts = true;
	uring_accept_fds(admin->uring, admin->options.listener_fd, ring_tag(ADMIN_OP_ACCEPT, 0));
}

static void on_accepted(struct admin *admin, const struct uring_event *event)
{
	admin->accepts = event->more;
	if (event->result >= 0)
		session_open(admin, event->result);
}

static void on_event(struct admin *admin, const struct uring_event *event)
{
	struct admin_session *session;

	switch (ring_tag_op(event->tag)) {
	case RING_OP_STOP:
		admin->is_stopping = true;
		return;
	case RING_OP_DRAIN:
		admin->is_draining = true;
		return;
	case ADMIN_OP_ACCEPT:
		on_accepted(admin, event);
		return;
	case ADMIN_OP_RECEIVE:
		session = session_of_tag(admin, event->tag);
		if (session)
			session_on_received(admin, session, event->result);
		return;
	case ADMIN_OP_SEND:
		session = session_of_tag(admin, event->tag);
		if (session)
			session_on_sent(admin, session, event->result);
		return;
	default:
		return;
	}
}

static void close_idle(struct admin *admin)
{
	for (uint32_t i = 0; i < ADMIN_SESSIONS_MAX; i++) {
		struct admin_session *session = &admin->sessions[i];
		uint64_t patience_ms = session->is_lingering ? ADMIN_LINGER_MS : ADMIN_IDLE_MS;

		if (session->fd >= 0 && !session->is_waiting && !session->is_closing &&
		    admin->now_ms - session->heard_ms > patience_ms)
			session_close(admin, session);
	}
}

static void count_names(struct admin *admin)
{
	struct admin_counters *counters = &admin->options.counters->admin;
	struct idempotency_tally tally = idempotency_tally(admin->idempotency);

	counter_set(&counters->idempotency_keys, tally.names);
	counter_set(&counters->idempotency_evicted, tally.evicted);
}

static void turn(struct admin *admin)
{
	struct uring_event events[EVENTS_BATCH];
	uint32_t count;

	admin->now_ms = clock_monotonic_ns() / 1000000;
	admin->unix_ms = clock_unix_ms();
	while ((count = uring_reap(admin->uring, events, EVENTS_BATCH)) > 0)
		for (uint32_t i = 0; i < count; i++)
			on_event(admin, &events[i]);
	publishing_drain(admin);
	asking_drain(admin);
	close_idle(admin);
	arm(admin);
	count_names(admin);
}

static bool lanes_are_empty(struct admin *admin)
{
	return !ring_peek(&admin->options.outcomes->ring) &&
	       !ring_peek(&admin->options.answers->ring);
}

void *admin_run(void *owner)
{
	struct admin *admin = owner;
	enum status status = uring_start(admin->uring);

	ASSERT(status == STATUS_OK);
	counter_set(&admin->options.counters->admin.running, 1);
	for (;;) {
		turn(admin);
		if (admin->is_stopping)
			break;
		sleeper_announce(admin->options.sleeper);
		uring_wait(admin->uring, lanes_are_empty(admin) ? WAIT_NS : 0);
		sleeper_rise(admin->options.sleeper);
	}
	uring_submit(admin->uring); /* the last answers */
	log_line(LOG_DEBUG, "admin", "the admin thread has ended");
	return NULL;
}
