/* log/log_marks.c - a chained hash table, and a list through it. */
#include "log/log_marks.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/random.h"
#include "log/log_record.h"

#define HEADS_MIN 64

bool log_marks_init(struct log_marks *marks)
{
	*marks = (struct log_marks){.heads_count = HEADS_MIN};
	random_secret(&marks->hash_key, sizeof(marks->hash_key));
	marks->heads = calloc(HEADS_MIN, sizeof(struct log_mark *));
	return marks->heads != NULL;
}

void log_marks_deinit(struct log_marks *marks)
{
	struct log_mark *mark = marks->oldest;

	while (mark) {
		struct log_mark *newer = mark->newer;

		free(mark);
		mark = newer;
	}
	free(marks->heads);
	*marks = (struct log_marks){0};
}

static struct log_mark **link_of(const struct log_marks *marks, struct slice key, uint64_t hash)
{
	struct log_mark **link = &marks->heads[hash & (marks->heads_count - 1)];

	while (*link && ((*link)->hash != hash || !slice_equal((*link)->key, key)))
		link = &(*link)->chained;
	return link;
}

const struct log_mark *log_marks_find(const struct log_marks *marks, struct slice key)
{
	return *link_of(marks, key, hash_bytes(marks->hash_key, key));
}

struct log_mark *log_mark_create(struct slice key, struct slice value)
{
	struct log_mark *mark = malloc(sizeof(*mark) + key.size + value.size);
	uint8_t *bytes = (uint8_t *)(mark + 1);

	if (!mark)
		return NULL;
	*mark = (struct log_mark){
		.key = slice_of(bytes, key.size),
		.value = slice_of(bytes + key.size, value.size),
	};
	if (key.size > 0)
		memcpy(bytes, key.bytes, key.size);
	if (value.size > 0)
		memcpy(bytes + key.size, value.bytes, value.size);
	return mark;
}

/* Four times as many chains; without memory the old ones only get longer. */
static void grow_heads(struct log_marks *marks)
{
	uint64_t count = marks->heads_count * 4;
	struct log_mark **heads = calloc(count, sizeof(struct log_mark *));

	if (!heads)
		return;
	for (struct log_mark *mark = marks->oldest; mark; mark = mark->newer) {
		mark->chained = heads[mark->hash & (count - 1)];
		heads[mark->hash & (count - 1)] = mark;
	}
	free(marks->heads);
	marks->heads = heads;
	marks->heads_count = count;
}

static void unlist(struct log_marks *marks, struct log_mark *mark)
{
	*(mark->older ? &mark->older->newer : &marks->oldest) = mark->newer;
	*(mark->newer ? &mark->newer->older : &marks->newest) = mark->older;
}

static void list_newest(struct log_marks *marks, struct log_mark *mark)
{
	mark->older = marks->newest;
	mark->newer = NULL;
	*(marks->newest ? &marks->newest->newer : &marks->oldest) = mark;
	marks->newest = mark;
}

static void forget(struct log_marks *marks, struct log_mark **link)
{
	struct log_mark *mark = *link;

	*link = mark->chained;
	unlist(marks, mark);
	marks->size -= log_record_mark_size(mark->key, mark->value);
	marks->count--;
	free(mark);
}

void log_marks_put(struct log_marks *marks, struct log_mark *mark, uint64_t segment)
{
	mark->hash = hash_bytes(marks->hash_key, mark->key);
	struct log_mark **link = link_of(marks, mark->key, mark->hash);

	ASSERT(!marks->newest || marks->newest->segment <= segment);
	if (*link)
		forget(marks, link);
	if (marks->count >= marks->heads_count)
		grow_heads(marks);
	link = &marks->heads[mark->hash & (marks->heads_count - 1)];
	mark->chained = *link;
	*link = mark;
	mark->segment = segment;
	list_newest(marks, mark);
	marks->size += log_record_mark_size(mark->key, mark->value);
	marks->count++;
}

void log_marks_move_oldest(struct log_marks *marks, uint64_t segment)
{
	struct log_mark *mark = marks->oldest;

	ASSERT(mark && mark->segment <= segment);
	unlist(marks, mark);
	mark->segment = segment;
	list_newest(marks, mark);
}

void log_marks_drop_oldest(struct log_marks *marks)
{
	ASSERT(marks->oldest);
	forget(marks, link_of(marks, marks->oldest->key, marks->oldest->hash));
}
