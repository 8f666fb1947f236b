/* router/link.h - a TCP connection to Redis over the router's ring, made anew when it breaks.
 *
 * Layer   router (may include: lane, wire, uring, log, base, libc)
 * Threads the router
 * Memory  128 KiB of buffers per link
 * Errors  a broken link is told to its user and tried again after a growing, random delay
 *
 * The link moves bytes; what they mean is its user's business: a session of log/.
 */
#ifndef BELFRY_ROUTER_LINK_H
#define BELFRY_ROUTER_LINK_H

#include <netdb.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/random.h"
#include "base/slice.h"
#include "base/status.h"
#include "belfry/config.h"
#include "uring/uring.h"

#define LINK_BUFFER_SIZE (64u << 10)

enum link_state {
	LINK_DOWN,      /* waits until retry_ms */
	LINK_RESOLVING, /* the host's name is being looked up */
	LINK_CONNECTING,
	LINK_UP,
	LINK_BREAKING, /* shut down; waits for the ring to let go of it */
};

/* What the user of a link does when something happens to it. */
struct link_user {
	enum status (*on_up)(void *owner);
	void (*on_down)(void *owner);
	enum status (*on_bytes)(void *owner, struct slice bytes);
	struct slice (*output)(void *owner); /* bytes to send, size 0: none */
	void (*sent)(void *owner, size_t size);
	void *owner;
};

struct link {
	const struct config_redis *server;
	struct link_user user;
	struct uring *uring;
	uint32_t index; /* in tags */
	enum link_state state;
	int fd;               /* -1 without one */
	uint32_t in_kernel;   /* operations that the ring has not ended */
	bool is_sending;      /* one of them is a send */
	bool is_final;        /* do not come up again */
	uint64_t retry_ms;    /* DOWN: try again then */
	uint64_t deadline_ms; /* RESOLVING, CONNECTING: give up then */
	uint32_t failures;    /* since it was last up and useful */
	struct sockaddr_storage address;
	uint32_t address_size;
	struct gaicb lookup;
	struct addrinfo lookup_hints;
	char service[8];
	uint8_t *received, *sending; /* LINK_BUFFER_SIZE each */
	size_t sending_size, sending_done;
	char error[96]; /* why it broke last */
};

MUST_CHECK enum status link_init(struct link *link, struct uring *uring, uint32_t index,
				 const struct config_redis *server);
void link_deinit(struct link *link);

/* Once per turn: tries, gives up, sends what waits. */
void link_turn(struct link *link, uint64_t now_ms, struct random *random);

/* Milliseconds until link_turn has something to do; UINT64_MAX: until something happens. */
uint64_t link_wait_ms(const struct link *link, uint64_t now_ms);

/* The link must go, for this reason. */
void link_break(struct link *link, const char *why);

/* It was of use: the next failure starts with the shortest delay again. */
void link_is_good(struct link *link);

/* Completions: connect, receive, send. */
void link_on_connect(struct link *link, int32_t result);
void link_on_receive(struct link *link, int32_t result);
void link_on_send(struct link *link, int32_t result);

#endif
