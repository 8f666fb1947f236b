/* main.c - configuration, start, wait, stop. */
#include <stdio.h>
#include <unistd.h>

#include "base/log_line.h"
#include "broker/broker.h"
#include "broker/config.h"

#define EXIT_UNSUPPORTED 78 /* the kernel or the container refuses what is needed */
#define EXIT_FAILED 1

/* For jemalloc: give unused pages back after a second, so that memory follows the load. */
extern const char *malloc_conf;
const char *malloc_conf = "dirty_decay_ms:1000,muzzy_decay_ms:0,narenas:4";

static int run(const struct config *config, const struct config_source *source)
{
	struct broker *broker;
	char reason[512];
	enum status status;

	log_line_init((enum log_level)config->log_level, config->log_format == CONFIG_LOG_JSON);
	status = broker_start(config, source, &broker, reason, sizeof(reason));
	if (status != STATUS_OK) {
		fprintf(stderr, "belfry: %s\n", reason);
		return status == STATUS_UNSUPPORTED ? EXIT_UNSUPPORTED : EXIT_FAILED;
	}
	broker_announce(broker);
	broker_wait(broker);
	log_line(LOG_INFO, "broker", "stopping");
	broker_stop(broker);
	log_line(LOG_INFO, "broker", "stopped");
	return 0;
}

int main(int argc, char **argv)
{
	const struct config_source source = {argc, argv, environ};
	struct config_report report = {0};
	struct config config;
	enum config_outcome outcome = config_load(&config, argc, argv, environ, &report);
	int code = 0;

	config_report_print(&report, stderr);
	config_report_deinit(&report);
	if (outcome == CONFIG_WRONG)
		code = CONFIG_EXIT_WRONG;
	else if (outcome == CONFIG_RUN)
		code = run(&config, &source);
	config_deinit(&config);
	return code;
}
