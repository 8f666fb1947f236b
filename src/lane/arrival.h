/* lane/arrival.h - where a connection comes from.
 *
 * Layer   lane (may include: base, libc)
 * Threads one at a time: the acceptor's, from the handoff to the departure the shard's
 * Memory  48 bytes for each connection, in one array of the node, touched as it is used; there is
 *         none when nothing in the configuration asks for addresses
 * Errors  ARRIVAL_NONE: nobody has looked, or the kernel did not say
 *
 * The handoff and the departure name it by its index. The shard may write the peer anew, when a
 * PROXY header says whose connection it is, and writes the client; the rest is the acceptor's.
 * The acceptor seals it before the handoff and the shard opens it; on its way to another shard
 * the move's own parcel covers it, on its way back the lane of departures.
 */
#ifndef BELFRY_LANE_ARRIVAL_H
#define BELFRY_LANE_ARRIVAL_H

#include <stdbool.h>
#include <stdint.h>

#include "belfry/ip.h"
#include "lane/parcel.h"

#define ARRIVAL_NONE 0u

struct arrival {
	struct parcel parcel;
	struct ip peer;     /* not known: all zero */
	struct ip client;   /* of the last request for admission: the peer, or whoever its
			       * headers name; not known: all zero */
	bool counts_client; /* the acceptor does not count the client: the router is to */
	uint32_t address;   /* the acceptor's record that counts it, or ADDRESS_UNKNOWN */
	uint32_t next;      /* in the acceptor's list of free ones */
};

#endif
