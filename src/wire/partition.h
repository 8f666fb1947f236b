/* wire/partition.h - which of the log's streams a channel is in.
 *
 * Layer   wire (may include: base, libc)
 * Threads any
 * Memory  none
 * Errors  none
 *
 * With one partition the stream's own name is its key; with more the keys are "{stream}:{n}", the
 * number in literal braces, so that Redis Cluster hashes it and nothing else of the key.
 */
#ifndef BELFRY_WIRE_PARTITION_H
#define BELFRY_WIRE_PARTITION_H

#include "base/slice.h"
#include "base/writer.h"

#define PARTITIONS_MAX 1024u
#define PARTITION_SUFFIX_MAX 7u /* ":{1023}" */

/* The CRC16 of Redis Cluster (CCITT, XMODEM): polynomial 0x1021, beginning with 0. */
uint16_t partition_crc16(struct slice bytes);

/* Partition of a channel, of 1..PARTITIONS_MAX: the CRC16 of the whole name, braces or not. */
uint32_t partition_of(struct slice channel, uint32_t count);

/* The key of one of `count` partitions: at most PARTITION_SUFFIX_MAX bytes more than `stream`. */
void partition_write_key(struct writer *writer, struct slice stream, uint32_t partition,
			 uint32_t count);

#endif
