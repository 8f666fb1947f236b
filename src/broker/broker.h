/* broker/broker.h - the process: listeners, lanes, threads; their start and their end.
 *
 * Layer   broker (may include everything)
 * Threads main
 * Memory  one heap object owns all others
 * Errors  a status and a text that says what to do
 */
#ifndef BELFRY_BROKER_BROKER_H
#define BELFRY_BROKER_BROKER_H

#include <stddef.h>

#include "base/compiler.h"
#include "base/status.h"
#include "belfry/config.h"
#include "broker/config.h"

struct broker;

/* Opens the listeners, makes lanes and rings, starts the threads. STATUS_UNSUPPORTED: io_uring
 * is refused; STATUS_SYSTEM: an address cannot be listened on, or a thread not be started. */
MUST_CHECK enum status broker_start(const struct config *config, const struct config_source *source,
				    struct broker **ret_broker, char *reason, size_t reason_size);

/* Prints the line that says where it listens. */
void broker_announce(const struct broker *broker);

/* Waits for SIGTERM or SIGINT, which must be blocked in every thread. At SIGHUP the keys for tokens
 * are read again from `source`, with what belongs to them; what is wrong is logged, and nothing
 * changes then. */
void broker_wait(struct broker *broker);

/* Stops accepting, closes every connection with 1001, ends the threads, frees everything. */
void broker_stop(struct broker *broker);

#endif
