/* wsbench/sequence.h - what one receiver has seen of one channel: lost, double, reordered.
 *
 * Layer   wsbench (may include: libc)
 * Threads one owner
 * Memory  24 bytes each
 * Errors  none
 *
 * Messages of a channel are numbered 0, 1, 2, ... The last 64 numbers below `next` are remembered
 * one by one; a hole older than that is lost for good, and if it comes after all it counts as
 * double: an error either way.
 */
#ifndef BELFRY_WSBENCH_SEQUENCE_H
#define BELFRY_WSBENCH_SEQUENCE_H

#include <stdbool.h>
#include <stdint.h>

struct sequence {
	uint64_t missing;   /* bit k: number next - 1 - k has not come */
	uint32_t next;      /* the number expected next */
	uint32_t forgotten; /* holes that fell out of `missing` */
	bool has_started;   /* some message came since sequence_begin() */
};

enum arrival { ARRIVAL_NEXT, ARRIVAL_AFTER_GAP, ARRIVAL_LATE, ARRIVAL_DOUBLE };

/* From now on everything from number `next` on must come; what was under way already (below
 * `next`) may come as the first message. */
void sequence_begin(struct sequence *sequence, uint32_t next);

/* The receiver was away and goes on where it was: from number `next` on everything must come, and
 * nothing from before comes again. */
void sequence_resume(struct sequence *sequence);

/* Message `number` came. LATE is reordering; AFTER_GAP is loss unless the rest comes late. */
enum arrival sequence_take(struct sequence *sequence, uint32_t number);

/* Holes so far. */
uint32_t sequence_holes(const struct sequence *sequence);

/* Holes and what is missing at the end, when numbers 0 .. end - 1 were sent. */
uint32_t sequence_lost(const struct sequence *sequence, uint32_t end);

#endif
