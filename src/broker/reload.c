/* broker/reload.c - a second look at the configuration. */
#include "broker/reload.h"

#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "base/log_line.h"
#include "belfry/ring_tag.h"
#include "broker/keys.h"
#include "lane/keyring.h"

#define KEYS_PATIENCE_MS 2000 /* for all shards to take new keys */

static void on_problem(void *owner, enum config_key key, bool is_wrong, const char *text)
{
	(void)owner;
	(void)key;
	if (is_wrong)
		log_line(LOG_ERROR, "broker", "keys for tokens: %s", text);
}

enum status reload_begin(struct reload *reload, const struct config *config, char *reason,
			 size_t reason_size)
{
	reload->keyring = keys_read(config, 1, on_problem, NULL);
	if (reload->keyring)
		return STATUS_OK;
	snprintf(reason, reason_size, "the keys for tokens cannot be read");
	return STATUS_SYSTEM;
}

static void log_report(const struct config_report *report)
{
	for (uint32_t i = 0; i < report->warnings.count; i++)
		log_line(LOG_WARN, "broker", "SIGHUP: %s", report->warnings.items[i]);
	for (uint32_t i = 0; i < report->errors.count; i++)
		log_line(LOG_ERROR, "broker", "SIGHUP: %s", report->errors.items[i]);
}

static struct keyring *read_again(const struct config_source *source, uint32_t serial)
{
	struct config_report report = {0};
	struct keyring *keyring = NULL;
	struct config config;
	enum config_outcome outcome =
		config_load(&config, source->argc, source->argv, source->environ_list, &report);

	log_report(&report);
	config_report_deinit(&report);
	if (outcome == CONFIG_RUN)
		keyring = keys_read(&config, serial, on_problem, NULL);
	config_deinit(&config);
	return keyring;
}

/* A shard says by its counter that it has them. False: one has not in time. */
static bool wait_for_shards(const struct counters *counters, uint32_t serial)
{
	const struct timespec moment = {.tv_nsec = 1000000};
	uint64_t until_ms = clock_monotonic_ns() / 1000000 + KEYS_PATIENCE_MS;

	for (uint32_t i = 0; i < counters->shards_count; i++)
		while (counter_read(&counters->shards[i].keys_read) != serial) {
			if (clock_monotonic_ns() / 1000000 >= until_ms)
				return false;
			nanosleep(&moment, NULL);
		}
	return true;
}

void reload_renew(struct reload *reload)
{
	struct keyring *keyring = read_again(reload->source, reload->keyring->serial + 1);

	if (!keyring) {
		log_line(LOG_ERROR, "broker", "SIGHUP: the keys for tokens stay as they were");
		return;
	}
	for (uint32_t i = 0; i < reload->counters->shards_count; i++) {
		keyring_ref(keyring);
		uring_wake(reload->uring, reload->shard_ring_fds[i],
			   ring_tag_of_pointer(RING_OP_KEYRING, keyring));
	}
	uring_submit(reload->uring);
	keyring_unref(reload->keyring);
	reload->keyring = keyring;
	if (wait_for_shards(reload->counters, keyring->serial))
		log_line(LOG_INFO, "broker",
			 "SIGHUP: %u keys for tokens are in use now; what else has changed in the "
			 "configuration needs a restart",
			 keyring->rules.keys_count);
	else
		log_line(LOG_ERROR, "broker", "SIGHUP: a shard has not taken the new keys yet");
}
