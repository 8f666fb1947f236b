/* log/log_record.h - records of the log's file, as bytes and back.
 *
 * Layer   log (may include: base)
 * Threads any
 * Memory  the caller's; a parsed record points into the parsed bytes
 * Errors  an answer: a record is whole, cut off, or bad
 *
 * A segment begins with a head of LOG_SEGMENT_HEAD_SIZE bytes; records follow without gaps. All
 * numbers are little endian.
 *
 *   segment  "belfry log 1\n\0\0\0", number u64, salt u64, previous_size u64, last u64 u64,
 *            zero u32, CRC-32C of all that u32
 *   record   body size u32, sum of the head u32, sum of the body u32, body
 *   entry    1 u8, id u64 u64, fields u32; of each: sizes of name and value u32 u32, the bytes
 *   mark     2 u8, size of the key u32, the key, the value to the end
 *
 * Both sums are CRC-32C and begin with the segment's salt and the record's offset: a record that
 * lies at another place, or that somebody put into an entry, is not taken for one.
 */
#ifndef BELFRY_LOG_LOG_RECORD_H
#define BELFRY_LOG_LOG_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/slice.h"
#include "belfry/entry_field.h"
#include "belfry/event_id.h"

#define LOG_SEGMENT_HEAD_SIZE 64
#define LOG_RECORD_HEAD_SIZE 12
#define LOG_RECORD_SIZE_MAX (64u << 20) /* ten times an entry of 1 MiB to 10,000 channels */

struct log_segment_head {
	uint64_t number;
	uint64_t salt;          /* random */
	uint64_t previous_size; /* of the segment before, which is complete; 0: there was none */
	struct event_id last;   /* of the newest entry before this segment */
};

/* Where a record begins. */
struct log_place {
	uint64_t salt;
	uint64_t offset;
};

enum log_record_kind {
	LOG_RECORD_ENTRY = 1,
	LOG_RECORD_MARK = 2,
};

struct log_record {
	enum log_record_kind kind;
	struct event_id id;    /* entry */
	uint32_t fields_count; /* entry: how many are in `fields` */
	struct slice fields;   /* entry: packed; see log_record_next_field */
	struct slice key;      /* mark */
	struct slice value;    /* mark */
	size_t size;           /* bytes of the whole record */
};

enum log_record_answer {
	LOG_RECORD_WHOLE,
	LOG_RECORD_CUT, /* the bytes end before it does */
	LOG_RECORD_BAD, /* these bytes are no record of this place */
};

/* `bytes` has LOG_SEGMENT_HEAD_SIZE of room. */
void log_record_write_segment(const struct log_segment_head *head, uint8_t *bytes);
MUST_CHECK bool log_record_parse_segment(struct slice bytes, struct log_segment_head *ret_head);

/* True: a segment's head of which only the beginning, or only zeros, reached the disk. */
bool log_record_is_torn_segment(struct slice bytes);

/* Bytes of a record; 0: over LOG_RECORD_SIZE_MAX. */
size_t log_record_entry_size(const struct entry_field *fields, uint32_t fields_count);
size_t log_record_mark_size(struct slice key, struct slice value);

/* `bytes` has the room that the size function asked for. */
void log_record_write_entry(uint8_t *bytes, struct log_place place, struct event_id id,
			    const struct entry_field *fields, uint32_t fields_count);
void log_record_write_mark(uint8_t *bytes, struct log_place place, struct slice key,
			   struct slice value);

/* The record at the beginning of `bytes`, which lie at `place`. */
MUST_CHECK enum log_record_answer log_record_parse(struct slice bytes, struct log_place place,
						   struct log_record *ret_record);

/* Cuts the next field off record->fields. False: there is none. */
MUST_CHECK bool log_record_next_field(struct log_record *record, struct entry_field *ret_field);

/* True: a whole record begins somewhere in `bytes`, which lie at `place`. */
bool log_record_is_in(struct slice bytes, struct log_place place);

#endif
