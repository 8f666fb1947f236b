/* broker/reload.c - a second look at the configuration. */
#include "broker/reload.h"

#include <time.h>

#include "base/clock.h"
#include "base/log_line.h"
#include "broker/keys.h"

#define KEYS_PATIENCE_MS 2000 /* for all shards to take new keys */

static void on_problem(void *owner, enum config_key key, bool is_wrong, const char *text)
{
	(void)owner;
	(void)key;
	if (is_wrong)
		log_line(LOG_ERROR, "broker", "keys for tokens: %s", text);
}

struct keyring *reload_keys(const struct config *config, uint32_t serial)
{
	return keys_read(config, serial, on_problem, NULL);
}

static void log_report(const struct config_report *report)
{
	for (uint32_t i = 0; i < report->warnings.count; i++)
		log_line(LOG_WARN, "broker", "SIGHUP: %s", report->warnings.items[i]);
	for (uint32_t i = 0; i < report->errors.count; i++)
		log_line(LOG_ERROR, "broker", "SIGHUP: %s", report->errors.items[i]);
}

struct keyring *reload_again(const struct config_source *source, uint32_t serial)
{
	struct config_report report = {0};
	struct keyring *keyring = NULL;
	struct config config;
	enum config_outcome outcome =
		config_load(&config, source->argc, source->argv, source->environ_list, &report);

	log_report(&report);
	config_report_deinit(&report);
	if (outcome == CONFIG_RUN)
		keyring = reload_keys(&config, serial);
	config_deinit(&config);
	if (!keyring)
		log_line(LOG_ERROR, "broker", "SIGHUP: the keys for tokens stay as they were");
	return keyring;
}

bool reload_wait(const struct counters *counters, uint32_t serial)
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
