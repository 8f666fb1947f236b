/* wsbench/dial.h - opening of the publisher's connection.
 *
 * Layer   wsbench (may include: base)
 * Threads any
 * Memory  none
 * Errors  -1 with errno; what is wrong with a URL is said on stderr
 */
#ifndef BELFRY_WSBENCH_DIAL_H
#define BELFRY_WSBENCH_DIAL_H

#include "base/compiler.h"
#include "base/slice.h"

/* A blocking TCP connection with TCP_NODELAY. */
MUST_CHECK int dial_host(const char *host, uint16_t port);

/* The same for scheme://[user:password@]host[:port][/...]. */
MUST_CHECK int dial_url(const char *url, uint16_t default_port);

/* Starts a shell command and returns a pipe to its standard input. */
MUST_CHECK int dial_command(const char *command, int *ret_pid);

struct dial_redis {
	struct slice user, password, database; /* size 0: not given */
};

/* The login part of redis://[[user]:password@]host[:port][/db]. */
MUST_CHECK bool dial_parse_redis(const char *url, struct dial_redis *ret_login);

#endif
