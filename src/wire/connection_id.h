/* wire/connection_id.h - the public name of a connection, and what it stands for.
 *
 * Layer   wire (may include: base, libc)
 * Threads any
 * Memory  the caller's
 * Errors  false for anything that this node did not write
 *
 * 15 bytes in base64url: shard, slot, generation, and a keyed hash of the three. So an id leads
 * to its connection without a table, is not guessable, and is foreign to every other node. Then
 * four letters, H to W, which follow from the 20 digits: with them the CRC16 of conn:{id} is that
 * of `all`, so both channels are in the same partition, however many there are.
 */
#ifndef BELFRY_WIRE_CONNECTION_ID_H
#define BELFRY_WIRE_CONNECTION_ID_H

#include <stdint.h>

#include "base/compiler.h"
#include "base/hash.h"
#include "base/slice.h"
#include "belfry/limits.h"

struct connection_id {
	uint8_t shard;
	uint16_t slot;
	uint32_t generation;
};

/* Writes CONNECTION_ID_SIZE characters, no final zero. */
void connection_id_write(struct connection_id id, struct hash_key key,
			 char ret_text[CONNECTION_ID_SIZE]);

MUST_CHECK bool connection_id_parse(struct slice text, struct hash_key key,
				    struct connection_id *ret_id);

/* Some node may have written it: 20 digits of base64url, and the letters that follow from them. */
MUST_CHECK bool connection_id_is_well_formed(struct slice text);

#endif
