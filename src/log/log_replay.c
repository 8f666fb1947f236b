/* log/log_replay.c - segment by segment, record by record. */
#include "log/log_replay.h"

#include <inttypes.h>
#include <stdlib.h>

struct segment_reader {
	struct log_replay *replay;
	struct log_file *file;
	size_t index;
	const uint8_t *bytes;
	struct log_place place; /* of the next record */
};

static bool is_newest(const struct segment_reader *reader)
{
	return reader->index + 1 == reader->file->segments_count;
}

static enum status damaged_head(const struct segment_reader *reader)
{
	log_reason_set(reader->replay->reason,
		       "%s.%06" PRIu64 " is damaged at byte 0: it is not the beginning of this "
		       "segment. Put it back from a copy, or move it and later segments away to "
		       "go on without them",
		       reader->file->path, reader->file->segments[reader->index].number);
	return STATUS_INVALID;
}

static enum status damaged(const struct segment_reader *reader)
{
	uint64_t number = reader->file->segments[reader->index].number;

	log_reason_set(reader->replay->reason,
		       "%s.%06" PRIu64 " is damaged at byte %" PRIu64 ", and that is not its end. "
		       "Put it back from a copy, or go on without what follows: truncate -s "
		       "%" PRIu64 " %s.%06" PRIu64 ", and move later segments away",
		       reader->file->path, number, reader->place.offset, reader->place.offset,
		       reader->file->path, number);
	return STATUS_INVALID;
}

static enum status damaged_size(const struct segment_reader *reader, uint64_t expected)
{
	const struct log_segment *previous = &reader->file->segments[reader->index - 1];

	log_reason_set(reader->replay->reason,
		       "%s.%06" PRIu64 " is damaged at byte %" PRIu64 ": it had %" PRIu64 " bytes "
		       "when the next segment was begun. Put it back from a copy, or move later "
		       "segments away to go on without them",
		       reader->file->path, previous->number, previous->size, expected);
	return STATUS_INVALID;
}

static enum status read_head(struct segment_reader *reader)
{
	const struct log_segment *segment = &reader->file->segments[reader->index];
	struct log_segment_head head;

	if (!log_record_parse_segment(slice_of(reader->bytes, segment->size), &head) ||
	    head.number != segment->number)
		return damaged_head(reader);
	if (reader->index > 0 && head.previous_size != segment[-1].size)
		return damaged_size(reader, head.previous_size);
	if (reader->index == 0)
		reader->replay->last = head.last;
	if (!event_id_equal(reader->replay->last, head.last))
		return damaged_head(reader);
	reader->place = (struct log_place){head.salt, LOG_SEGMENT_HEAD_SIZE};
	return STATUS_OK;
}

static enum status tell(struct segment_reader *reader, struct log_record *record)
{
	struct log_replay *replay = reader->replay;
	enum status status;

	if (record->kind == LOG_RECORD_ENTRY && !event_id_is_after(record->id, replay->last))
		return damaged(reader);
	status = replay->on_record(replay->owner, record,
				   reader->file->segments[reader->index].number);
	if (status != STATUS_OK)
		log_reason_set(replay->reason, "%s.%06" PRIu64 ", byte %" PRIu64 ": %s",
			       reader->file->path, reader->file->segments[reader->index].number,
			       reader->place.offset, status_text(status));
	else if (record->kind == LOG_RECORD_ENTRY)
		replay->last = record->id;
	return status;
}

/* At reader->place, `rest` bytes before the end, is no whole record. */
static enum status check_tail(const struct segment_reader *reader, struct slice rest)
{
	struct log_place next = {reader->place.salt, reader->place.offset + 1};

	if (!is_newest(reader) || log_record_is_in(slice_skip(rest, 1), next))
		return damaged(reader);
	log_reason_set(reader->replay->reason,
		       "%s.%06" PRIu64 " ended in a record that was not whole: %zu bytes were cut "
		       "off at byte %" PRIu64,
		       reader->file->path, reader->file->segments[reader->index].number, rest.size,
		       reader->place.offset);
	return STATUS_OK;
}

/* Leaves reader->place where the next record is to be written. */
static enum status read_records(struct segment_reader *reader)
{
	struct slice rest =
		slice_skip(slice_of(reader->bytes, reader->file->segments[reader->index].size),
			   reader->place.offset);
	enum status status = STATUS_OK;
	struct log_record record;

	while (status == STATUS_OK && rest.size > 0) {
		if (log_record_parse(rest, reader->place, &record) != LOG_RECORD_WHOLE)
			return check_tail(reader, rest);
		size_t size = record.size; /* whoever is told may use the record up */

		status = tell(reader, &record);
		reader->place.offset += size;
		rest = slice_skip(rest, size);
	}
	return status;
}

static enum status read_segment(struct segment_reader *reader)
{
	struct log_replay *replay = reader->replay;
	uint8_t *bytes;
	enum status status = log_file_read(reader->file, reader->index, &bytes, replay->reason);

	if (status != STATUS_OK)
		return status;
	reader->bytes = bytes;
	status = read_head(reader);
	if (status == STATUS_OK)
		status = read_records(reader);
	free(bytes);
	reader->file->segments[reader->index].last = replay->last;
	return status;
}

/* A segment is begun when the one before is complete: what is not begun has nothing. Alone it
 * must be the very first, or the ids of those before are lost. */
static enum status drop_torn_segment(struct log_replay *replay, struct log_file *file)
{
	const struct log_segment *newest = log_file_newest(file);
	uint64_t number = newest->number;
	struct log_segment_head head;
	uint8_t *bytes;
	enum status status;

	if (newest->size > LOG_SEGMENT_HEAD_SIZE || (number > 1 && file->segments_count == 1))
		return STATUS_OK;
	status = log_file_read(file, file->segments_count - 1, &bytes, replay->reason);
	if (status != STATUS_OK)
		return status;
	struct slice all = slice_of(bytes, newest->size);

	if (!log_record_parse_segment(all, &head) && log_record_is_torn_segment(all)) {
		status = log_file_drop_newest(file);
		log_reason_set(replay->reason, "%s.%06" PRIu64 " was not begun yet: it %s",
			       file->path, number,
			       status == STATUS_OK ? "was removed" : "cannot be removed");
	}
	free(bytes);
	return status;
}

enum status log_replay_run(struct log_replay *replay, struct log_file *file)
{
	struct segment_reader reader = {.replay = replay, .file = file};
	enum status status = STATUS_OK;

	if (file->segments_count > 0)
		status = drop_torn_segment(replay, file);
	for (; status == STATUS_OK && reader.index < file->segments_count; reader.index++)
		status = read_segment(&reader);
	if (status != STATUS_OK || file->segments_count == 0)
		return status;
	return log_file_continue(file, reader.place.offset, reader.place.salt, replay->reason);
}
