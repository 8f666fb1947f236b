/* broker/config_address.h - addresses to listen on, and the address of Redis.
 *
 * Layer   broker
 * Threads any; no name is looked up
 * Memory  config_redis has strings and a list on the heap, until config_redis_deinit()
 * Errors  NULL when the text is right, else what is wrong with it, as in config_value.h; the
 *         result is then untouched
 */
#ifndef BELFRY_BROKER_CONFIG_ADDRESS_H
#define BELFRY_BROKER_CONFIG_ADDRESS_H

#include "base/compiler.h"
#include "base/slice.h"
#include "belfry/config.h"

#define CONFIG_ADDRESS_TEXT_SIZE (CONFIG_HOST_SIZE + 8) /* [host]:65535 and the final zero */

/* IPV4:PORT, [IPV6]:PORT, localhost:PORT (127.0.0.1), :PORT or *:PORT (all). */
MUST_CHECK const char *config_address_parse(struct slice text, struct config_address *ret_address);

/* The address as config_address_parse() reads it. out has CONFIG_ADDRESS_TEXT_SIZE bytes. */
void config_address_text(const struct config_address *address, char *out);

/* Can only programs of this machine reach it? 127.0.0.0/8 and ::1. */
bool config_address_is_loopback(const struct config_address *address);

/* Would the second of the two fail to bind, because the first already covers it? Port 0 never. */
bool config_address_overlaps(const struct config_address *a, const struct config_address *b);

/* redis://[user:password@]host[:port][/db], or with Sentinels that know where the master is
 * redis+sentinel://[user:password@]host[:port],host[:port].../master[/db]; empty: off. User and
 * password are decoded; they are those of the Redis. */
MUST_CHECK const char *config_redis_parse(struct slice text, struct config_redis *ret_redis);

/* As config_redis_parse(), for the answer only. */
MUST_CHECK const char *config_redis_check(struct slice text);

/* The URL with "***@" for user and password: to be shown. "" when off. The caller frees it. */
MUST_CHECK char *config_redis_text(const struct config_redis *redis);

/* Overwrites and frees user and password, frees the rest. */
void config_redis_deinit(struct config_redis *redis);

#endif
