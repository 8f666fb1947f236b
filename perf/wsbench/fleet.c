/* wsbench/fleet.c - threads, orders and sums of a fleet. */
#include "wsbench/fleet.h"

#include <arpa/inet.h>
#include <poll.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "wsbench/flotilla.h"
#include "wsbench/stopwatch.h"

#define RING_CONNS_AIM 16000u /* per ring, when --rings does not say: under SOCKETS_MAX */
#define RINGS_AIM 4u	      /* when there are connections enough to share */
#define SMALL_FLEET 100u      /* below this one ring does */
#define TURN_TIMEOUT_US 50000u
#define POLL_TIMEOUT_MS 5

struct fleet_thread {
	struct fleet *fleet;
	pthread_t pthread;
	uint32_t number; /* drives rings number, number + threads_count, ... */
	int result;	 /* of their initialization */
	uint64_t cpu_ns; /* when it has ended */
};

struct fleet {
	struct fleet_plan plan;
	struct sockaddr_in addresses[FLEET_SPREAD_MAX];
	uint32_t rings, threads_count;
	struct flotilla *flotillas;
	struct fleet_thread *threads;
	sem_t started;
	uint32_t running; /* threads that were created */
	bool has_ended;
};

/* ---- the thread ---- */

static int init_all(struct fleet_thread *thread)
{
	struct fleet *fleet = thread->fleet;

	for (uint32_t i = thread->number; i < fleet->rings; i += fleet->threads_count) {
		int result = flotilla_init(&fleet->flotillas[i]);

		if (result < 0)
			return result;
	}
	return 0;
}

/* With one ring the thread sleeps in it. */
static void run_one(struct flotilla *flotilla)
{
	while (!flotilla_has_stopped(flotilla))
		flotilla_turn(flotilla, TURN_TIMEOUT_US);
}

static void reset_ready_fds(struct pollfd polls[], unsigned count)
{
	uint64_t value;

	for (unsigned i = 0; i < count; i++) {
		ssize_t got = read(polls[i].fd, &value, sizeof(value));
		(void)got; /* nothing to read is fine */
	}
}

/* With several it sleeps until one of them has something. */
static void run_several(struct fleet_thread *thread)
{
	struct fleet *fleet = thread->fleet;
	struct pollfd polls[FLEET_RINGS_MAX];
	unsigned count = 0, events, running;

	for (uint32_t i = thread->number; i < fleet->rings; i += fleet->threads_count) {
		int fd = sockets_ready_fd(&fleet->flotillas[i].sockets);

		polls[count++] = (struct pollfd){.fd = fd, .events = POLLIN};
	}
	do {
		reset_ready_fds(polls, count);
		events = running = 0;
		for (uint32_t i = thread->number; i < fleet->rings; i += fleet->threads_count) {
			events += flotilla_turn(&fleet->flotillas[i], 0);
			running += !flotilla_has_stopped(&fleet->flotillas[i]);
		}
		if (events == 0 && running > 0)
			poll(polls, count, POLL_TIMEOUT_MS);
	} while (running > 0);
}

static void *thread_main(void *argument)
{
	struct fleet_thread *thread = argument;
	struct fleet *fleet = thread->fleet;

	thread->result = init_all(thread);
	bool is_good = thread->result == 0;
	sem_post(&fleet->started);
	if (is_good && fleet->threads_count == fleet->rings)
		run_one(&fleet->flotillas[thread->number]);
	else if (is_good)
		run_several(thread);
	thread->cpu_ns = stopwatch_thread_cpu_ns();
	return NULL;
}

/* ---- making and ending ---- */

static bool choose_sizes(struct fleet *fleet)
{
	const struct options *options = fleet->plan.options;
	uint32_t conns = fleet->plan.conns;
	uint32_t needed = (conns + RING_CONNS_AIM - 1) / RING_CONNS_AIM;
	uint32_t aim = conns < SMALL_FLEET ? 1 : needed > RINGS_AIM ? needed : RINGS_AIM;

	fleet->rings = options->rings > 0 ? (uint32_t)options->rings : aim;
	if (fleet->rings > conns)
		fleet->rings = conns;
	if ((conns + fleet->rings - 1) / fleet->rings > SOCKETS_MAX) {
		fprintf(stderr, "wsbench: %u connections need at least %u rings\n", conns,
			(conns + SOCKETS_MAX - 1) / SOCKETS_MAX);
		return false;
	}
	fleet->threads_count = options->threads > 0 && options->threads < fleet->rings
				       ? (uint32_t)options->threads
				       : fleet->rings;
	return true;
}

static void make_addresses(struct fleet *fleet)
{
	const struct options *options = fleet->plan.options;
	struct in_addr first = {.s_addr = htonl(INADDR_LOOPBACK)};

	if (fleet->plan.requests)
		inet_pton(AF_INET, options->host, &first);
	for (uint32_t i = 0; i < options->spread; i++)
		fleet->addresses[i] = (struct sockaddr_in){
			.sin_family = AF_INET,
			.sin_port = htons(fleet->plan.port),
			.sin_addr.s_addr = htonl(ntohl(first.s_addr) + i),
		};
}

static void make_flotillas(struct fleet *fleet)
{
	for (uint32_t i = 0; i < fleet->rings; i++) {
		struct flotilla *flotilla = &fleet->flotillas[i];

		flotilla->plan = &fleet->plan;
		flotilla->addresses = fleet->addresses;
		flotilla->number = i;
		flotilla->step = fleet->rings;
		flotilla->conns_count = (fleet->plan.conns - i + fleet->rings - 1) / fleet->rings;
	}
}

static bool start_thread(struct fleet *fleet, uint32_t number)
{
	struct fleet_thread *thread = &fleet->threads[number];
	char name[16];

	*thread = (struct fleet_thread){.fleet = fleet, .number = number};
	if (pthread_create(&thread->pthread, NULL, thread_main, thread) != 0)
		return false;
	snprintf(name, sizeof(name), "%.10s-%u", fleet->plan.name, number % 1000);
	pthread_setname_np(thread->pthread, name);
	fleet->running++;
	sem_wait(&fleet->started);
	if (thread->result < 0)
		fprintf(stderr, "wsbench: io_uring: %s\n", strerror(-thread->result));
	return thread->result == 0;
}

struct fleet *fleet_create(const struct fleet_plan *plan)
{
	struct fleet *fleet = calloc(1, sizeof(*fleet));

	if (!fleet)
		return NULL;
	fleet->plan = *plan;
	sem_init(&fleet->started, 0, 0);
	bool is_good = choose_sizes(fleet);
	if (is_good) {
		fleet->flotillas = calloc(fleet->rings, sizeof(*fleet->flotillas));
		fleet->threads = calloc(fleet->threads_count, sizeof(*fleet->threads));
		is_good = fleet->flotillas && fleet->threads;
	}
	if (is_good) {
		make_addresses(fleet);
		make_flotillas(fleet);
	}
	for (uint32_t i = 0; is_good && i < fleet->threads_count; i++)
		is_good = start_thread(fleet, i);
	if (is_good)
		return fleet;
	fleet_destroy(fleet);
	return NULL;
}

void fleet_stop(struct fleet *fleet)
{
	if (fleet->has_ended)
		return;
	for (uint32_t i = 0; fleet->flotillas && i < fleet->rings; i++) {
		atomic_store(&fleet->flotillas[i].order.stop, true);
		if (fleet->running == fleet->threads_count)
			sockets_wake(&fleet->flotillas[i].sockets);
	}
	for (uint32_t i = 0; i < fleet->running; i++)
		pthread_join(fleet->threads[i].pthread, NULL);
	/* not in their threads: until they are joined they can be woken */
	for (uint32_t i = 0; fleet->flotillas && i < fleet->rings; i++)
		flotilla_close(&fleet->flotillas[i]);
	fleet->has_ended = true;
}

void fleet_destroy(struct fleet *fleet)
{
	fleet_stop(fleet);
	for (uint32_t i = 0; fleet->flotillas && i < fleet->rings; i++)
		flotilla_deinit(&fleet->flotillas[i]);
	free(fleet->flotillas);
	free(fleet->threads);
	sem_destroy(&fleet->started);
	free(fleet);
}

/* ---- orders ---- */

/* What of `total` falls to ring `number` when it is dealt out one by one. */
static uint32_t share_of(const struct fleet *fleet, uint32_t total, uint32_t number)
{
	return total / fleet->rings + (number < total % fleet->rings ? 1 : 0);
}

static void wake(struct flotilla *flotilla)
{
	sockets_wake(&flotilla->sockets);
}

void fleet_open(struct fleet *fleet, uint32_t conns)
{
	ASSERT(conns <= fleet->plan.conns);
	for (uint32_t i = 0; i < fleet->rings; i++) {
		atomic_store(&fleet->flotillas[i].order.open_until, share_of(fleet, conns, i));
		wake(&fleet->flotillas[i]);
	}
}

void fleet_set_gathering(struct fleet *fleet, bool is_gathering)
{
	for (uint32_t i = 0; i < fleet->rings; i++) {
		atomic_store(&fleet->flotillas[i].order.is_gathering, is_gathering);
		wake(&fleet->flotillas[i]);
	}
}

void fleet_recycle(struct fleet *fleet, uint32_t count)
{
	/* a different ring begins each time, or small counts would all go to ring 0 */
	static uint32_t first;

	for (uint32_t i = 0; i < fleet->rings; i++) {
		uint32_t share = share_of(fleet, count, i);
		struct flotilla *flotilla = &fleet->flotillas[(first + i) % fleet->rings];

		if (share == 0)
			continue;
		atomic_store(&flotilla->order.is_again, true);
		atomic_fetch_add(&flotilla->order.recycle, share);
		wake(flotilla);
	}
	first = (first + count) % fleet->rings;
}

void fleet_cut(struct fleet *fleet)
{
	for (uint32_t i = 0; i < fleet->rings; i++) {
		atomic_store(&fleet->flotillas[i].order.is_again, true);
		atomic_store(&fleet->flotillas[i].order.cut, true);
		wake(&fleet->flotillas[i]);
	}
}

void fleet_hold(struct fleet *fleet, bool is_held)
{
	for (uint32_t i = 0; i < fleet->rings; i++) {
		atomic_store(&fleet->flotillas[i].order.is_held, is_held);
		wake(&fleet->flotillas[i]);
	}
}

/* ---- sums ---- */

uint32_t fleet_rings(const struct fleet *fleet)
{
	return fleet->rings;
}

uint32_t fleet_threads(const struct fleet *fleet)
{
	return fleet->threads_count;
}

struct fleet_counts fleet_counts(const struct fleet *fleet)
{
	struct fleet_counts sum = {0};

	for (uint32_t i = 0; i < fleet->rings; i++) {
		const struct atomic_counts *counts = &fleet->flotillas[i].counts;
#define X(name, text) sum.name += atomic_load_explicit(&counts->name, memory_order_relaxed);
		FLEET_COUNT_TABLE(X)
#undef X
	}
	return sum;
}

uint64_t fleet_cpu_ns(const struct fleet *fleet)
{
	uint64_t sum = 0;
	clockid_t clock;

	for (uint32_t i = 0; i < fleet->threads_count; i++) {
		if (fleet->has_ended)
			sum += fleet->threads[i].cpu_ns;
		else if (pthread_getcpuclockid(fleet->threads[i].pthread, &clock) == 0)
			sum += stopwatch_read_ns(clock);
	}
	return sum;
}

/* What the client of `conn` misses at the end. A connection that ended before has settled its
 * account of broadcasts, but messages to its user went on. */
static uint64_t lost_of(const struct conn *conn, uint32_t issued, uint32_t own_issued)
{
	if (conn->is_judged)
		return sequence_lost(&conn->broadcast, issued) +
		       sequence_lost(&conn->own, own_issued);
	return own_issued > conn->own.next ? own_issued - conn->own.next : 0;
}

uint64_t fleet_lost(const struct fleet *fleet, uint32_t issued, const uint32_t *user_issued)
{
	uint64_t lost = fleet_counts(fleet).lost;

	ASSERT(fleet->has_ended);
	for (uint32_t client = 0; client < fleet->plan.conns; client++) {
		const struct flotilla *flotilla = &fleet->flotillas[client % fleet->rings];
		const struct conn *conn = &flotilla->conns[client / fleet->rings];

		lost += lost_of(conn, issued, user_issued ? user_issued[client] : 0);
	}
	return lost;
}

void fleet_latency(const struct fleet *fleet, struct histogram *into)
{
	ASSERT(fleet->has_ended);
	for (uint32_t i = 0; i < fleet->rings; i++)
		histogram_merge(into, &fleet->flotillas[i].latency);
}

void fleet_handshakes(const struct fleet *fleet, bool again, struct histogram *into)
{
	ASSERT(fleet->has_ended);
	for (uint32_t i = 0; i < fleet->rings; i++)
		histogram_merge(into, &fleet->flotillas[i].handshakes[again]);
}

void fleet_each_failure(const struct fleet *fleet,
			void (*each)(void *argument, uint64_t count, const char *text),
			void *argument)
{
	static const char *const kinds[] = {
#define X(name, text) text,
		FAILURE_TABLE(X)
#undef X
	};

	ASSERT(fleet->has_ended);
	for (unsigned kind = 0; kind < FAILURES; kind++) {
		char text[FAILURE_TEXT_MAX + 64];
		const char *first = NULL;
		uint64_t count = 0;

		for (uint32_t i = 0; i < fleet->rings; i++) {
			const struct failure_note *note = &fleet->flotillas[i].failures[kind];

			count += note->count;
			first = !first && note->count > 0 ? note->first : first;
		}
		if (count == 0)
			continue;
		snprintf(text, sizeof(text), "%s: %s", kinds[kind], first);
		each(argument, count, text);
	}
}
