/* wsbench/options.h - what the command line asks for.
 *
 * Layer   wsbench (may include: base)
 * Threads filled once by the main thread, read by all
 * Memory  texts point into argv
 * Errors  options_parse() prints what is wrong and what is allowed to stderr and returns false
 */
#ifndef BELFRY_WSBENCH_OPTIONS_H
#define BELFRY_WSBENCH_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"

/* One line per mode: name, field in the enum, what it does. */
#define MODE_TABLE(X) \
	X(hold, HOLD, "connect, hold for --seconds, check that nothing is lost, print memory") \
	X(broadcast, BROADCAST, \
	  "publish --count messages to everybody, --window of them at a time") \
	X(unicast, UNICAST, "publish --rate messages a second to random users for --seconds") \
	X(churn, CHURN, \
	  "close and open --rate connections a second, broadcast every --interval-ms") \
	X(storm, STORM, "cut all connections at once; they all come back at once") \
	X(resume, RESUME, \
	  "the same, but each has missed --missed messages meanwhile and asks for them") \
	X(floor, FLOOR, "no broker: raw TCP sockets and a bare send loop inside this program") \
	X(compare, COMPARE, "broadcast and floor in one run, in turns, and their ratio") \
	X(xread, XREAD, "no broker: a bare loop reads --count entries of --stream from --redis")

enum mode {
#define X(name, field, text) MODE_##field,
	MODE_TABLE(X)
#undef X
};

enum floor_method { FLOOR_AUTO, FLOOR_SEND, FLOOR_URING };

struct options {
	enum mode mode;
	/* the fleet */
	uint64_t conns;
	uint64_t rings;	      /* 0: as many as are needed, at least 4 for 1000 connections */
	uint64_t threads;     /* 0: one per ring */
	const char *target;   /* host:port */
	uint64_t spread;      /* 0: 8 when conns > 20000 and the host is a loopback one */
	uint64_t connect_window; /* connecting at a time, per ring */
	uint64_t storm_window;	 /* the same in a storm; 0: all at once */
	uint64_t retries;	 /* of a refused connection in a storm */
	uint64_t reap;		 /* events that a reader waits for while broadcasting */
	uint64_t reap_us;	 /* ... for at most this long */
	/* what a client says */
	const char *path;
	const char *path_template;
	const char *secret;
	const char *user_prefix;
	const char *first_frame;
	const char *greeting;
	const char *marker;
	const char *against;
	/* publishing */
	const char *channel;
	const char *redis;
	const char *stream;
	const char *admin;
	const char *api_key;
	const char *publish_frame;
	const char *publish_path;
	const char *publish_command;
	uint64_t count;
	bool count_is_set;
	uint64_t size;
	uint64_t interval_ms;
	uint64_t window;
	uint64_t warmup;
	uint64_t rate;
	uint64_t seconds;
	uint64_t missed;
	/* reference and samples */
	bool floor;
	uint64_t senders;
	const char *floor_method_text;
	enum floor_method floor_method;
	uint64_t block;
	uint64_t batch;
	uint64_t broker_pid;
	uint64_t baseline;
	uint64_t settle_ms;
	/* output */
	const char *json;
	bool progress;
	uint64_t deadline_s;
	bool help;
	/* made of the above by options_parse() */
	char host[64];
	uint16_t port;
};

/* `wsbench MODE [--option value ...]`; also --option=value. False: said on stderr. */
MUST_CHECK bool options_parse(struct options *options, int argc, char **argv);

/* Everybody is cut and comes back at once, with retries. */
static inline bool options_is_storm(const struct options *options)
{
	return options->mode == MODE_STORM || options->mode == MODE_RESUME;
}

/* The whole help, to stdout. */
void options_print_help(void);

/* The name of a mode. */
const char *options_mode_name(enum mode mode);

/* Splits "host:port" or "scheme://host:port/rest". host gets at most host_size - 1 characters.
 * False: no port, or too long. *ret_rest: "/rest", or "". */
MUST_CHECK bool options_split_address(const char *text, char *host, unsigned host_size,
				      uint16_t *ret_port, const char **ret_rest);

#endif
