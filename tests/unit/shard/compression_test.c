/* tests/unit/shard/compression_test.c - compressed frames of notices, and messages inflated within
 * their bound, by a shard that has nothing but its compressor. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lane/notice.h"
#include "router/framing.h"
#include "shard/encode.h"
#include "shard/notice_frame.h"
#include "shard/shard_state.h"
#include "wire/deflate.h"
#include "wire/entry.h"
#include "wire/ws_inbound.h"

#define THRESHOLD 100
#define MESSAGE_SIZE_MAX 1000

static const struct config config = {
	.compression = true,
	.compression_level = 1,
	.compression_threshold = THRESHOLD,
	.max_client_message = MESSAGE_SIZE_MAX,
};

static struct shard *make(const struct config *chosen)
{
	struct shard *shard = calloc(1, sizeof(*shard));

	assert_non_null(shard);
	shard->config = chosen;
	shard->counters = calloc(1, sizeof(*shard->counters));
	shard->arena.capacity = 4096;
	shard->arena.bytes = malloc(shard->arena.capacity);
	assert_true(shard->counters && shard->arena.bytes);
	assert_true(compression_init(shard));
	shard->turn = 1;
	return shard;
}

static void unmake(struct shard *shard)
{
	compression_deinit(shard);
	arena_reset(&shard->arena);
	free(shard->arena.bytes);
	free(shard->counters);
	free(shard);
}

static uint64_t count(const struct counter *counter)
{
	return counter_read(counter);
}

/* A notice whose data are these, for the channels c0, c1, ... */
static struct notice *notice_of(struct slice data, uint32_t channels_count)
{
	static const char *const names[] = {"c0", "c1:\"quoted\"", "c2"};
	struct entry entry = {.type = SLICE("notification"), .data = data};
	struct notice_channel channels[3];
	struct notice *notice;

	for (uint32_t i = 0; i < channels_count; i++)
		channels[i] = (struct notice_channel){.name = slice_of_text(names[i]),
						      .target = TARGET_NAMED};
	notice = framing_create(&entry, (struct event_id){1700000000000, 1}, channels,
				channels_count);
	assert_non_null(notice);
	return notice;
}

/* The payload of the one frame in `frame`, inflated when it is compressed. */
static size_t read_frame(struct slice frame, bool *ret_is_compressed, uint8_t text[8192])
{
	size_t header_size = (frame.bytes[1] & 0x7F) == 126 ? 4 : 2;
	struct slice payload = slice_skip(frame, header_size);
	void *memory = malloc(DEFLATE_MEMORY_SIZE);
	struct deflate *codec;
	size_t size;

	assert_non_null(memory);
	assert_int_equal(frame.bytes[0] & ~WS_RSV1, 0x81);
	assert_int_equal(ws_frame_header_size(payload.size), header_size);
	*ret_is_compressed = frame.bytes[0] & WS_RSV1;
	codec = deflate_init(memory, DEFLATE_MEMORY_SIZE, 1);
	assert_non_null(codec);
	deflate_begin(codec, payload);
	if (*ret_is_compressed) {
		assert_int_equal(deflate_inflate(codec, text, 8192, &size), STATUS_OK);
	} else {
		size = payload.size;
		memcpy(text, payload.bytes, size);
	}
	free(memory);
	return size;
}

/* Both encodings say the same; `compressed`: whether they do it in other bytes. */
static void check_encoded(struct shard *shard, const struct notice *notice, uint32_t index,
			  bool compressed)
{
	uint8_t plain_text[8192];
	uint8_t text[8192];
	bool is_compressed;
	struct slice plain = encode_notice(shard, notice, index, ENCODING_WS);
	struct slice frame = encode_notice(shard, notice, index, ENCODING_DEFLATE);
	size_t size = read_frame(plain, &is_compressed, plain_text);

	assert_false(is_compressed);
	assert_int_equal(read_frame(frame, &is_compressed, text), size);
	assert_memory_equal(text, plain_text, size);
	assert_int_equal(is_compressed, compressed);
	assert_true(compressed ? frame.size < plain.size : frame.size == plain.size);
}

static void fill(uint8_t *bytes, size_t size, bool shrinks)
{
	uint32_t random = 1;

	for (size_t i = 0; i < size; i++) {
		random = random * 1664525 + 1013904223;
		bytes[i] = shrinks ? (uint8_t) "0123456789 "[i % 11]
				   : (uint8_t)(' ' + 1 + (random >> 16) % 90);
		if (bytes[i] == '"' || bytes[i] == '\\')
			bytes[i] = 'x';
	}
	bytes[0] = bytes[size - 1] = '"';
}

static void notices_for_one_channel(void **state)
{
	struct shard *shard = make(&config);
	uint8_t data[4000];

	(void)state;
	for (size_t size = 2; size <= sizeof(data); size = size * 3 / 2 + 1) {
		fill(data, size, true);
		struct notice *notice = notice_of(slice_of(data, size), 1);

		shard->notices++;
		check_encoded(shard, notice, 0, notice->envelope.size >= THRESHOLD);
		notice_unref(notice);
		arena_reset(&shard->arena);
	}
	assert_true(count(&shard->counters->compressed) > 5);
	assert_true(count(&shard->counters->compressed_bytes_in) >
		    2 * count(&shard->counters->compressed_bytes_out));
	unmake(shard);
}

static void notices_for_many_channels(void **state)
{
	struct shard *shard = make(&config);
	uint8_t data[4000];

	(void)state;
	fill(data, sizeof(data), true);
	struct notice *notice = notice_of(slice_of(data, sizeof(data)), 3);

	for (unsigned turn = 0; turn < 3; turn++) {
		const uint8_t *tail = NULL;

		shard->notices++;
		for (uint32_t i = 0; i < 3; i++) {
			check_encoded(shard, notice, i, true);
			/* compressed once, whatever the number of channels */
			assert_true(i == 0 || shard->compression.tail.bytes == tail);
			tail = shard->compression.tail.bytes;
		}
		arena_reset(&shard->arena);
		shard->turn++;
	}
	assert_int_equal(count(&shard->counters->compressed), 9);
	notice_unref(notice);
	unmake(shard);
}

static void what_does_not_shrink_stays(void **state)
{
	struct shard *shard = make(&config);
	uint8_t data[150];

	(void)state;
	fill(data, sizeof(data), false);
	for (uint32_t channels = 1; channels <= 3; channels++) {
		struct notice *notice = notice_of(slice_of(data, sizeof(data)), channels);
		struct slice frame;

		shard->notices++;
		frame = compression_encode(shard, notice, channels - 1);
		if (!slice_is_absent(frame))
			check_encoded(shard, notice, channels - 1, true);
		notice_unref(notice);
	}
	assert_true(slice_is_absent(compression_frame(shard, WS_TEXT, slice_of(data, 0))));
	assert_true(slice_is_absent(compression_frame(shard, WS_TEXT, slice_of(data, 99))));
	unmake(shard);
}

/* What was taken of the arena and is not needed is given back. */
static void arena_holds_what_is_needed_only(void **state)
{
	struct shard *shard = make(&config);
	uint8_t data[3000];

	(void)state;
	fill(data, sizeof(data), true);
	struct slice frame = compression_frame(shard, WS_BINARY, slice_of(data, sizeof(data)));

	assert_false(slice_is_absent(frame));
	assert_int_equal(frame.bytes[0], 0x80 | WS_RSV1 | WS_BINARY);
	assert_true(shard->arena.size < frame.size + FRAME_HEADER_MAX);
	assert_null(shard->arena.blocks);
	unmake(shard);
}

static void nothing_where_it_is_off(void **state)
{
	static const struct config off = {.compression = false};
	struct shard *shard = make(&off);
	struct conn conn = {.encoding = ENCODING_WS};
	struct ws_deflate terms = {.on = true};
	uint8_t data[3000];

	(void)state;
	fill(data, sizeof(data), true);
	assert_true(
		slice_is_absent(compression_frame(shard, WS_TEXT, slice_of(data, sizeof(data)))));
	compression_agree(shard, &conn, &terms);
	assert_false(terms.on);
	assert_false(conn_has(&conn, CONN_DEFLATE));
	assert_int_equal(conn.encoding, ENCODING_WS);
	unmake(shard);
}

static void check_agreed(uint8_t server_bits, uint8_t encoding)
{
	struct shard *shard = make(&config);
	struct conn conn = {.encoding = ENCODING_WS};
	struct ws_deflate terms = {.on = true, .server_bits = server_bits};

	compression_agree(shard, &conn, &terms);
	assert_true(terms.on && conn_has(&conn, CONN_DEFLATE));
	assert_int_equal(conn.encoding, encoding);
	unmake(shard);
}

static void agreed(void **state)
{
	(void)state;
	check_agreed(0, ENCODING_DEFLATE);
	check_agreed(15, ENCODING_DEFLATE);
	check_agreed(12, ENCODING_DEFLATE);
	check_agreed(11, ENCODING_WS);
	check_agreed(8, ENCODING_WS);
}

/* Messages up to the bound come back; a larger one is never held. */
static void inflated_within_the_bound(void **state)
{
	static const size_t sizes[] = {1, 2, 500, MESSAGE_SIZE_MAX - 1, MESSAGE_SIZE_MAX};
	struct shard *shard = make(&config);
	struct conn conn = {.state = CONN_OPEN};
	uint8_t data[MESSAGE_SIZE_MAX];
	uint8_t compressed[2 * MESSAGE_SIZE_MAX];

	(void)state;
	assert_int_equal(compression_bound(shard, &conn, false), MESSAGE_SIZE_MAX);
	assert_int_equal(compression_bound(shard, &conn, true),
			 ws_inbound_compressed_max(MESSAGE_SIZE_MAX));
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct slice text = slice_of(data, sizes[i]);
		struct slice message;
		struct writer writer;

		fill(data, sizes[i], i % 2 == 0);
		writer_init(&writer, compressed, sizeof(compressed));
		assert_int_equal(deflate_compress(shard->compression.codec, text, &writer),
				 STATUS_OK);
		assert_true(writer.size <= compression_bound(shard, &conn, true));
		assert_true(compression_inflate(shard, &conn, WS_TEXT, writer_written(&writer),
						&message));
		assert_true(slice_equal(message, text));
		free((void *)(uintptr_t)message.bytes);
	}
	assert_int_equal(count(&shard->counters->inflated), ARRAY_SIZE(sizes));
	unmake(shard);
}

/* What is inflated in a turn is bounded, whatever it was before; the next turn begins anew. */
static void a_turn_has_its_share(void **state)
{
	struct shard *shard = make(&config);
	struct conn conn = {.state = CONN_OPEN};
	uint8_t data[MESSAGE_SIZE_MAX];
	uint8_t compressed[MESSAGE_SIZE_MAX];
	struct writer writer;
	size_t inflated = 0;

	(void)state;
	fill(data, sizeof(data), true);
	writer_init(&writer, compressed, sizeof(compressed));
	assert_int_equal(
		deflate_compress(shard->compression.codec, slice_of(data, sizeof(data)), &writer),
		STATUS_OK);
	while (!compression_is_spent(shard)) {
		struct slice message;

		assert_true(inflated < TURN_INFLATED_MAX);
		assert_true(compression_inflate(shard, &conn, WS_TEXT, writer_written(&writer),
						&message));
		inflated += message.size;
		free((void *)(uintptr_t)message.bytes);
	}
	assert_in_range(inflated, TURN_INFLATED_MAX, TURN_INFLATED_MAX + sizeof(data));
	shard->turn++;
	assert_false(compression_is_spent(shard));
	unmake(shard);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(notices_for_one_channel),
		cmocka_unit_test(notices_for_many_channels),
		cmocka_unit_test(what_does_not_shrink_stays),
		cmocka_unit_test(arena_holds_what_is_needed_only),
		cmocka_unit_test(nothing_where_it_is_off),
		cmocka_unit_test(agreed),
		cmocka_unit_test(inflated_within_the_bound),
		cmocka_unit_test(a_turn_has_its_share),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
