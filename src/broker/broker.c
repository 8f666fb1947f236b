/* broker/broker.c - everything made in order, started, stopped in reverse. */
#include "broker/broker.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "acceptor/acceptor.h"
#include "admin/admin.h"
#include "base/clock.h"
#include "base/log_line.h"
#include "base/random.h"
#include "belfry/delivery.h"
#include "belfry/departure.h"
#include "belfry/publication.h"
#include "belfry/receipt.h"
#include "belfry/ring_tag.h"
#include "broker/lanes.h"
#include "broker/listener.h"
#include "broker/machine.h"
#include "broker/reload.h"
#include "lane/keyring.h"
#include "router/router.h"
#include "shard/shard.h"
#include "uring/uring.h"

#define ACCEPTOR_SLOTS 16384u /* four times the largest listen backlog there is by default */
#define LOG_PATIENCE_MS 1000  /* to reach the log before the ready line */

struct broker {
	const struct config *config;
	struct counters *counters;
	struct lanes lanes;
	uint32_t shards_count;
	uint32_t slots_per_shard;
	struct hash_key channel_key, connection_key;
	struct token_cache_keys token_keys;
	struct reload reload; /* the keys for tokens */
	int shard_ring_fds[SHARDS_MAX];
	int listener_fds[CONFIG_LISTEN_MAX];
	uint32_t listeners_count;
	int admin_fd;
	int signal_fd;
	struct uring *uring; /* main's own: to tell the threads to end */
	struct shard *shards[SHARDS_MAX];
	struct router *router;
	struct admin *admin;
	struct acceptor *acceptor;
	pthread_t shard_threads[SHARDS_MAX], router_thread, admin_thread, acceptor_thread;
	uint32_t shard_threads_count;
	bool router_runs, admin_runs, acceptor_runs;
};

/* ---- making ---- */

static enum status open_listeners(struct broker *broker, char *reason, size_t reason_size)
{
	const struct config_address_list *list = &broker->config->listen_addresses;
	enum status status = STATUS_OK;

	for (uint32_t i = 0; status == STATUS_OK && i < list->count; i++) {
		status = listener_open(&list->items[i], true, &broker->listener_fds[i], reason,
				       reason_size);
		if (status == STATUS_OK)
			broker->listeners_count++;
	}
	if (status == STATUS_OK && broker->config->admin_on)
		status = listener_open(&broker->config->admin_address, false, &broker->admin_fd,
				       reason, reason_size);
	return status;
}

static enum status create_shards(struct broker *broker, char *reason, size_t reason_size)
{
	enum status status = STATUS_OK;

	for (uint32_t i = 0; status == STATUS_OK && i < broker->shards_count; i++) {
		struct shard_options options = {
			.config = broker->config,
			.counters = broker->counters,
			.index = i,
			.slots = broker->slots_per_shard,
			.channel_key = broker->channel_key,
			.connection_key = broker->connection_key,
			.deliveries = &broker->lanes.deliveries[i],
			.receipts = &broker->lanes.receipts[i],
			.departures = &broker->lanes.departures[i],
			.sleeper = &broker->lanes.shard_sleepers[i],
			.keyring = broker->reload.keyring,
			.token_keys = broker->token_keys,
			.shard_ring_fds = broker->shard_ring_fds,
			.rates = &broker->lanes.rates,
			.arrivals = broker->lanes.arrivals,
		};

		keyring_ref(broker->reload.keyring);
		status = shard_create(&options, &broker->shards[i], reason, reason_size);
		if (status != STATUS_OK)
			return status;
		broker->shard_ring_fds[i] = shard_ring_fd(broker->shards[i]);
		sleeper_init(options.sleeper, broker->shard_ring_fds[i]);
	}
	return status;
}

static enum status create_router(struct broker *broker, char *reason, size_t reason_size)
{
	struct lanes *lanes = &broker->lanes;
	struct router_options options = {
		.config = broker->config,
		.counters = &broker->counters->router,
		.channel_key = broker->channel_key,
		.connection_key = broker->connection_key,
		.shards_count = broker->shards_count,
		.deliveries = lanes->deliveries,
		.receipts = lanes->receipts,
		.publications = &lanes->publications,
		.outcomes = &lanes->outcomes,
		.queries = &lanes->queries,
		.answers = &lanes->answers,
		.sleeper = &lanes->router_sleeper,
	};
	enum status status = router_create(&options, &broker->router, reason, reason_size);

	if (status == STATUS_OK)
		sleeper_init(options.sleeper, router_ring_fd(broker->router));
	return status;
}

static enum status create_admin(struct broker *broker, char *reason, size_t reason_size)
{
	struct lanes *lanes = &broker->lanes;
	struct admin_options options = {
		.config = broker->config,
		.counters = broker->counters,
		.listener_fd = broker->admin_fd,
		.publications = &lanes->publications,
		.outcomes = &lanes->outcomes,
		.queries = &lanes->queries,
		.answers = &lanes->answers,
		.sleeper = &lanes->admin_sleeper,
	};
	enum status status = admin_create(&options, &broker->admin, reason, reason_size);

	if (status == STATUS_OK)
		sleeper_init(options.sleeper, admin_ring_fd(broker->admin));
	return status;
}

static enum status create_acceptor(struct broker *broker, char *reason, size_t reason_size)
{
	struct acceptor_options options = {
		.config = broker->config,
		.counters = &broker->counters->acceptor,
		.listener_fds = broker->listener_fds,
		.listeners_count = broker->listeners_count,
		.listeners_proxied = broker->config->listen_proxy_first,
		.arrivals = broker->lanes.arrivals,
		.arrivals_count = broker->lanes.arrivals_count,
		.shard_ring_fds = broker->shard_ring_fds,
		.departures = broker->lanes.departures,
		.shards_count = broker->shards_count,
		.slots_per_shard = broker->slots_per_shard,
		.slots = broker->slots_per_shard < ACCEPTOR_SLOTS ? broker->slots_per_shard
								  : ACCEPTOR_SLOTS,
	};

	return acceptor_create(&options, &broker->acceptor, reason, reason_size);
}

static enum status create_counters(struct broker *broker, char *reason, size_t reason_size)
{
	broker->counters = aligned_alloc(CACHE_LINE_SIZE, sizeof(*broker->counters));
	if (!broker->counters || lanes_init(&broker->lanes, broker->shards_count) != STATUS_OK) {
		snprintf(reason, reason_size, "out of memory");
		return STATUS_NO_MEMORY;
	}
	memset(broker->counters, 0, sizeof(*broker->counters));
	broker->counters->shards_count = broker->shards_count;
	broker->counters->started_ms = clock_unix_ms();
	return STATUS_OK;
}

/* Whoever looks at addresses asks the kernel for each connection's. */
static bool wants_addresses(const struct config *config)
{
	return config->max_connections_per_ip > 0 || config->handshake_rate_per_ip > 0 ||
	       config->trusted_networks.count > 0 || config->listen_proxy.count > 0;
}

static enum status create_arrivals(struct broker *broker, char *reason, size_t reason_size)
{
	if (!wants_addresses(broker->config) ||
	    lanes_add_arrivals(&broker->lanes, broker->shards_count * broker->slots_per_shard) ==
		    STATUS_OK)
		return STATUS_OK;
	snprintf(reason, reason_size, "out of memory");
	return STATUS_NO_MEMORY;
}

static enum status create_parts(struct broker *broker, char *reason, size_t reason_size)
{
	struct uring_options own = {.entries = 64, .completions = 256, .shared = true};
	enum status status = create_counters(broker, reason, reason_size);

	if (status == STATUS_OK)
		status = create_arrivals(broker, reason, reason_size);
	if (status == STATUS_OK)
		status = uring_create(&own, &broker->uring, reason, reason_size);
	if (status == STATUS_OK)
		status = uring_start(broker->uring);
	if (status == STATUS_OK)
		status = open_listeners(broker, reason, reason_size);
	broker->reload.uring = broker->uring;
	broker->reload.counters = broker->counters;
	if (status == STATUS_OK)
		status = reload_begin(&broker->reload, broker->config, reason, reason_size);
	if (status == STATUS_OK)
		status = create_shards(broker, reason, reason_size);
	if (status == STATUS_OK)
		status = create_router(broker, reason, reason_size);
	if (status == STATUS_OK)
		status = create_admin(broker, reason, reason_size);
	if (status == STATUS_OK)
		status = create_acceptor(broker, reason, reason_size);
	return status;
}

/* ---- threads ---- */

struct thread_start {
	const char *name;
	void *(*run)(void *owner);
	void *owner;
};

static bool start_thread(pthread_t *thread, struct thread_start start)
{
	if (pthread_create(thread, NULL, start.run, start.owner) != 0)
		return false;
	pthread_setname_np(*thread, start.name);
	return true;
}

static bool start_shards(struct broker *broker)
{
	char name[16];

	for (uint32_t i = 0; i < broker->shards_count; i++) {
		snprintf(name, sizeof(name), "shard-%u", i);
		if (!start_thread(&broker->shard_threads[i],
				  (struct thread_start){name, shard_run, broker->shards[i]}))
			return false;
		broker->shard_threads_count++;
	}
	return true;
}

/* A ring takes nothing from others before its thread has enabled it. */
static void wait_until_running(const struct counter *running)
{
	const struct timespec moment = {.tv_nsec = 100000};

	while (counter_read(running) == 0)
		nanosleep(&moment, NULL);
}

/* Whoever is handed something runs before whoever hands it over. */
static bool start_threads(struct broker *broker)
{
	struct counters *counters = broker->counters;

	broker->router_runs =
		start_thread(&broker->router_thread,
			     (struct thread_start){"router", router_run, broker->router});
	if (!broker->router_runs || !start_shards(broker))
		return false;
	broker->admin_runs = start_thread(&broker->admin_thread,
					  (struct thread_start){"admin", admin_run, broker->admin});
	if (!broker->admin_runs)
		return false;
	wait_until_running(&counters->router.running);
	for (uint32_t i = 0; i < broker->shards_count; i++)
		wait_until_running(&counters->shards[i].running);
	wait_until_running(&counters->admin.running);
	broker->acceptor_runs =
		start_thread(&broker->acceptor_thread,
			     (struct thread_start){"acceptor", acceptor_run, broker->acceptor});
	if (broker->acceptor_runs)
		wait_until_running(&counters->acceptor.running);
	return broker->acceptor_runs;
}

/* Clients should not find a log that has not been read from yet, if it can be helped. */
static void wait_for_log(const struct broker *broker)
{
	const struct router_counters *router = &broker->counters->router;
	const struct timespec moment = {.tv_nsec = 2000000};
	uint64_t until_ms = clock_monotonic_ns() / 1000000 + LOG_PATIENCE_MS;

	while (counter_read(&router->log_connected) == 0 &&
	       counter_read(&router->log_failures) == 0 &&
	       clock_monotonic_ns() / 1000000 < until_ms)
		nanosleep(&moment, NULL);
}

static uint32_t pick_shards(const struct config *config)
{
	uint32_t cpus = machine_cpus();

	if (config->shards > 0)
		return config->shards;
	if (cpus > SHARDS_MAX)
		return SHARDS_MAX;
	return cpus > 1 ? cpus - 1 : 1;
}

static int open_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &set, NULL); /* threads inherit it */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a file size limit is an error of the log file, not the end */
	return signalfd(-1, &set, SFD_CLOEXEC);
}

enum status broker_start(const struct config *config, const struct config_source *source,
			 struct broker **ret_broker, char *reason, size_t reason_size)
{
	struct broker *broker = aligned_alloc(CACHE_LINE_SIZE, sizeof(*broker));
	uint32_t descriptors = machine_raise_descriptors();

	if (!broker) {
		snprintf(reason, reason_size, "out of memory");
		return STATUS_NO_MEMORY;
	}
	memset(broker, 0, sizeof(*broker));
	broker->config = config;
	broker->reload.source = source;
	broker->reload.shard_ring_fds = broker->shard_ring_fds;
	broker->admin_fd = -1;
	broker->shards_count = pick_shards(config);
	broker->slots_per_shard = descriptors < SLOTS_MAX - 1 ? descriptors : SLOTS_MAX - 1;
	broker->signal_fd = open_signals();
	random_secret(&broker->channel_key, sizeof(broker->channel_key));
	random_secret(&broker->connection_key, sizeof(broker->connection_key));
	random_secret(&broker->token_keys, sizeof(broker->token_keys));
	enum status status = create_parts(broker, reason, reason_size);

	if (status == STATUS_OK && !start_threads(broker)) {
		snprintf(reason, reason_size, "a thread could not be started");
		status = STATUS_SYSTEM;
	}
	if (status != STATUS_OK) {
		broker_stop(broker);
		return status;
	}
	wait_for_log(broker);
	*ret_broker = broker;
	return STATUS_OK;
}

static void print_listeners(const struct broker *broker, uint32_t first, uint32_t end)
{
	char text[LISTENER_TEXT_SIZE];

	for (uint32_t i = first; i < end; i++) {
		listener_address(broker->listener_fds[i], text);
		printf("%s%s", i > first ? "," : "", text);
	}
	if (first == end)
		printf("off");
}

void broker_announce(const struct broker *broker)
{
	uint32_t proxied = broker->config->listen_proxy_first;
	char text[LISTENER_TEXT_SIZE] = "off";

	printf("belfry ready: listen ");
	print_listeners(broker, 0, proxied);
	snprintf(text, sizeof(text), "off");
	if (broker->admin_fd >= 0)
		listener_address(broker->admin_fd, text);
	printf(" admin %s shards %u log %s", text, broker->shards_count,
	       broker->config->redis_server.on ? "redis" : "embedded");
	if (proxied < broker->listeners_count) {
		printf(" listen_proxy ");
		print_listeners(broker, proxied, broker->listeners_count);
	}
	printf("\n");
	fflush(stdout);
	log_line(LOG_INFO, "broker", "%u shards hold up to %lu connections", broker->shards_count,
		 (unsigned long)broker->shards_count * broker->slots_per_shard);
}

void broker_wait(struct broker *broker)
{
	struct signalfd_siginfo got;

	while (read(broker->signal_fd, &got, sizeof(got)) == (ssize_t)sizeof(got)) {
		if (got.ssi_signo != SIGHUP)
			return;
		reload_renew(&broker->reload);
	}
}

/* ---- ending ---- */

static void tell(struct broker *broker, int ring_fd, enum ring_op op)
{
	uring_wake(broker->uring, ring_fd, ring_tag(op, 0));
	uring_submit(broker->uring);
}

/* A second signal ends the process at once. */
static void release_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

static void end_acceptor(struct broker *broker)
{
	if (broker->acceptor_runs) {
		tell(broker, acceptor_ring_fd(broker->acceptor), RING_OP_STOP);
		pthread_join(broker->acceptor_thread, NULL);
	}
	for (uint32_t i = 0; i < broker->listeners_count; i++)
		listener_close(broker->listener_fds[i]);
}

static void end_shards(struct broker *broker)
{
	for (uint32_t i = 0; i < broker->shard_threads_count; i++) {
		wait_until_running(&broker->counters->shards[i].running);
		tell(broker, shard_ring_fd(broker->shards[i]), RING_OP_STOP);
	}
	for (uint32_t i = 0; i < broker->shard_threads_count; i++)
		pthread_join(broker->shard_threads[i], NULL);
}

static void end_others(struct broker *broker)
{
	if (broker->router_runs) {
		wait_until_running(&broker->counters->router.running);
		tell(broker, router_ring_fd(broker->router), RING_OP_STOP);
		pthread_join(broker->router_thread, NULL);
	}
	if (broker->admin_runs) {
		wait_until_running(&broker->counters->admin.running);
		tell(broker, admin_ring_fd(broker->admin), RING_OP_STOP);
		pthread_join(broker->admin_thread, NULL);
	}
	if (broker->admin_fd >= 0)
		listener_close(broker->admin_fd);
}

void broker_stop(struct broker *broker)
{
	release_signals();
	if (broker->admin_runs)
		tell(broker, admin_ring_fd(broker->admin), RING_OP_DRAIN);
	end_acceptor(broker);
	end_shards(broker);
	end_others(broker);
	acceptor_destroy(broker->acceptor);
	for (uint32_t i = 0; i < broker->shards_count; i++)
		shard_destroy(broker->shards[i]);
	router_destroy(broker->router);
	admin_destroy(broker->admin);
	keyring_unref(broker->reload.keyring);
	uring_destroy(broker->uring);
	lanes_deinit(&broker->lanes);
	if (broker->signal_fd >= 0)
		close(broker->signal_fd);
	free(broker->counters);
	free(broker);
}
