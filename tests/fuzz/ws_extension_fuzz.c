/* tests/fuzz/ws_extension_fuzz.c - Sec-WebSocket-Extensions, each line of the input a header line.
 *
 * What is agreed on must be fit to be offered itself, lines that are put behind must not make a
 * broken list whole, and the same list in one line must come to the same.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/assert.h"
#include "wire/ws_extension.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

#define INPUT_SIZE_MAX 8192

static void add_line(struct http_head *head, struct slice value)
{
	head->headers[head->headers_count++] =
		(struct http_header){SLICE("Sec-WebSocket-Extensions"), slice_trim(value)};
}

/* What was agreed on, offered again, comes to the same. */
static void check_answer(const struct ws_deflate *terms)
{
	struct http_head head = {.headers_count = 0};
	struct ws_deflate again;
	struct writer writer;
	char text[128];

	if (!terms->on) {
		ASSERT(terms->server_bits == 0 && !ws_extension_may_compress(terms));
		return;
	}
	ASSERT(terms->server_bits == 0 || (terms->server_bits >= 8 && terms->server_bits <= 15));
	writer_init(&writer, text, sizeof(text));
	ws_extension_write(&writer, terms);
	ASSERT(!writer.overflow);
	add_line(&head, writer_written(&writer));
	ASSERT(ws_extension_negotiate(&head, &again));
	ASSERT(again.on && again.server_bits == terms->server_bits);
}

static void check_more(struct http_head *head, bool good, const struct ws_deflate *terms)
{
	struct ws_deflate more = {.on = false};

	if (head->headers_count == HTTP_HEADERS_MAX)
		return;
	add_line(head, SLICE("permessage-deflate"));
	ASSERT(ws_extension_negotiate(head, &more) == good);
	ASSERT(!good || more.on);
	if (good && ws_extension_may_compress(terms))
		ASSERT(more.server_bits == terms->server_bits);
}

/* With a comma between what were lines. */
static void check_one_line(uint8_t *copy, size_t size, bool good, const struct ws_deflate *terms)
{
	struct http_head head = {.headers_count = 0};
	struct ws_deflate one = {.on = false};

	for (size_t i = 0; i < size; i++)
		copy[i] = copy[i] == '\n' ? ',' : copy[i];
	add_line(&head, slice_of(copy, size));
	if (!good)
		return; /* a quote that was open at the end of a line may end in the next one */
	ASSERT(ws_extension_negotiate(&head, &one));
	ASSERT(one.on == terms->on && one.server_bits == terms->server_bits);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct http_head head = {.headers_count = 0};
	struct ws_deflate terms = {.on = false};
	struct slice rest = slice_of(bytes, size);
	uint8_t *copy;

	if (size > INPUT_SIZE_MAX)
		return 0;
	while (!slice_is_absent(rest)) {
		if (head.headers_count == HTTP_HEADERS_MAX)
			return 0;
		add_line(&head, slice_cut(&rest, '\n'));
	}
	bool good = ws_extension_negotiate(&head, &terms);

	check_answer(&terms);
	check_more(&head, good, &terms);
	copy = malloc(size ? size : 1);
	ASSERT(copy != NULL);
	if (size > 0)
		memcpy(copy, bytes, size);
	check_one_line(copy, size, good, &terms);
	free(copy);
	return 0;
}
