/* wire/http_head.c - the head of an HTTP/1.x request.
 *
 * Everything is decided from left to right: what a prefix answers, other than PARTIAL, no later
 * byte can change. So the answer does not depend on how the bytes were cut on their way.
 */
#include "wire/http_head.h"

/* Classes of bytes: tchar (RFC 9110 section 5.6.2), bytes of a target, bytes of a value. */
enum { TOKEN = 1, TARGET = 2, VALUE = 4 };

static const uint8_t classes[256] = {
	['\t'] = VALUE,
	[' '] = VALUE,
	['"'] = TARGET | VALUE,
	['#'] = TOKEN | VALUE, /* a fragment is never sent */
	['('] = TARGET | VALUE,
	[')'] = TARGET | VALUE,
	[','] = TARGET | VALUE,
	['/'] = TARGET | VALUE,
	['!'] = TOKEN | TARGET | VALUE,
	['$' ... '\''] = TOKEN | TARGET | VALUE,
	['*' ... '+'] = TOKEN | TARGET | VALUE,
	['-' ... '.'] = TOKEN | TARGET | VALUE,
	['0' ... '9'] = TOKEN | TARGET | VALUE,
	[':' ... '@'] = TARGET | VALUE,
	['A' ... 'Z'] = TOKEN | TARGET | VALUE,
	['[' ... ']'] = TARGET | VALUE,
	['^' ... 'z'] = TOKEN | TARGET | VALUE,
	['{'] = TARGET | VALUE,
	['|'] = TOKEN | TARGET | VALUE,
	['}'] = TARGET | VALUE,
	['~'] = TOKEN | TARGET | VALUE,
	[0x80 ... 0xFF] = VALUE,
};

struct cursor {
	const uint8_t *bytes;
	size_t size; /* bytes that may be looked at */
	size_t at;
	int over; /* the answer when the limit is reached here */
};

static bool at_end(const struct cursor *cursor)
{
	return cursor->at == cursor->size;
}

/* The longest run of bytes of this class. */
static struct slice take_run(struct cursor *cursor, uint8_t class)
{
	size_t start = cursor->at;

	while (!at_end(cursor) && (classes[cursor->bytes[cursor->at]] & class))
		cursor->at++;
	return slice_of(cursor->bytes + start, cursor->at - start);
}

static int expect(struct cursor *cursor, const char *text)
{
	for (; *text; text++, cursor->at++) {
		if (at_end(cursor))
			return HTTP_HEAD_PARTIAL;
		if (cursor->bytes[cursor->at] != (uint8_t)*text)
			return 400;
	}
	return HTTP_HEAD_COMPLETE;
}

static int parse_target(struct cursor *cursor, struct http_head *head)
{
	if (at_end(cursor))
		return HTTP_HEAD_PARTIAL;
	if (cursor->bytes[cursor->at] != '/')
		return 400;

	struct slice target = take_run(cursor, TARGET);
	struct slice query = target;

	head->path = slice_cut(&query, '?');
	head->query = query;
	return expect(cursor, " ");
}

static int parse_version(struct cursor *cursor, struct http_head *head)
{
	static const char start[] = "HTTP/1.";
	size_t major_at = cursor->at + 5;
	int answer = expect(cursor, start);

	if (answer == 400 && cursor->at == major_at) {
		uint8_t major = cursor->bytes[major_at];

		return major >= '0' && major <= '9' ? 505 : 400;
	}
	if (answer != HTTP_HEAD_COMPLETE)
		return answer;
	if (at_end(cursor))
		return HTTP_HEAD_PARTIAL;

	uint8_t minor = cursor->bytes[cursor->at++];

	if (minor < '0' || minor > '9')
		return 400;
	if (minor > '1')
		return 505;
	head->minor_version = (uint8_t)(minor - '0');
	return HTTP_HEAD_COMPLETE;
}

static int parse_request_line(struct cursor *cursor, struct http_head *head)
{
	/* One empty line before it is forgiven (RFC 9112 section 2.2). */
	if (!at_end(cursor) && cursor->bytes[cursor->at] == '\r') {
		int answer = expect(cursor, "\r\n");

		if (answer != HTTP_HEAD_COMPLETE)
			return answer;
	}
	head->method = take_run(cursor, TOKEN);
	if (head->method.size == 0 && !at_end(cursor))
		return 400;

	int answer = expect(cursor, " ");

	if (answer != HTTP_HEAD_COMPLETE)
		return answer;
	cursor->over = 414;
	answer = parse_target(cursor, head);
	if (answer != HTTP_HEAD_COMPLETE)
		return answer;
	cursor->over = 431;
	answer = parse_version(cursor, head);
	return answer == HTTP_HEAD_COMPLETE ? expect(cursor, "\r\n") : answer;
}

static int parse_header(struct cursor *cursor, struct http_head *head)
{
	if (head->headers_count == HTTP_HEADERS_MAX)
		return 431;

	struct http_header *header = &head->headers[head->headers_count];

	header->name = take_run(cursor, TOKEN);
	if (header->name.size == 0)
		return 400;

	int answer = expect(cursor, ":");

	if (answer != HTTP_HEAD_COMPLETE)
		return answer;
	header->value = slice_trim(take_run(cursor, VALUE));
	answer = expect(cursor, "\r\n");
	if (answer == HTTP_HEAD_COMPLETE)
		head->headers_count++;
	return answer;
}

/* RFC 9112 section 3.2: one Host, that only HTTP/1.0 may leave out. */
static bool has_good_host(const struct http_head *head)
{
	uint32_t count = http_head_count(head, "Host");

	return count == 1 || (count == 0 && head->minor_version == 0);
}

static int parse_headers(struct cursor *cursor, struct http_head *head)
{
	int answer = HTTP_HEAD_COMPLETE;

	head->headers_count = 0;
	while (answer == HTTP_HEAD_COMPLETE) {
		if (at_end(cursor))
			return HTTP_HEAD_PARTIAL;
		if (cursor->bytes[cursor->at] == '\r')
			break;
		answer = parse_header(cursor, head);
	}
	if (answer == HTTP_HEAD_COMPLETE)
		answer = expect(cursor, "\r\n");
	if (answer == HTTP_HEAD_COMPLETE && !has_good_host(head))
		return 400;
	head->head_size = cursor->at;
	return answer;
}

int http_head_parse(struct slice bytes, size_t size_max, struct http_head *ret_head)
{
	struct http_head head;
	struct cursor cursor = {
		.bytes = bytes.bytes,
		.size = bytes.size < size_max ? bytes.size : size_max,
		.over = 431,
	};

	if (cursor.size == 0)
		return size_max == 0 ? 431 : HTTP_HEAD_PARTIAL;

	int answer = parse_request_line(&cursor, &head);

	if (answer == HTTP_HEAD_COMPLETE)
		answer = parse_headers(&cursor, &head);
	if (answer == HTTP_HEAD_PARTIAL && bytes.size >= size_max)
		return cursor.over;
	if (answer == HTTP_HEAD_COMPLETE)
		*ret_head = head;
	return answer;
}

/* Value of the next header with this name, from *index on; absent: no more. */
static struct slice next_value(const struct http_head *head, struct slice name, uint32_t *index)
{
	while (*index < head->headers_count) {
		const struct http_header *header = &head->headers[(*index)++];

		if (slice_equal_fold(header->name, name))
			return header->value;
	}
	return (struct slice){NULL, 0};
}

struct slice http_head_find(const struct http_head *head, const char *name)
{
	uint32_t index = 0;

	return next_value(head, slice_of_text(name), &index);
}

uint32_t http_head_count(const struct http_head *head, const char *name)
{
	uint32_t index = 0;
	uint32_t count = 0;

	while (!slice_is_absent(next_value(head, slice_of_text(name), &index)))
		count++;
	return count;
}

static bool list_has(struct slice list, struct slice token)
{
	while (!slice_is_absent(list))
		if (slice_equal_fold(slice_trim(slice_cut(&list, ',')), token))
			return true;
	return false;
}

bool http_head_has_token(const struct http_head *head, const char *name, const char *token)
{
	uint32_t index = 0;
	struct slice value = next_value(head, slice_of_text(name), &index);

	while (!slice_is_absent(value)) {
		if (list_has(value, slice_of_text(token)))
			return true;
		value = next_value(head, slice_of_text(name), &index);
	}
	return false;
}

bool http_head_is_persistent(const struct http_head *head)
{
	if (http_head_has_token(head, "Connection", "close"))
		return false;
	return head->minor_version >= 1 || http_head_has_token(head, "Connection", "keep-alive");
}

bool http_head_body_size(const struct http_head *head, uint64_t *ret_size)
{
	uint32_t count = http_head_count(head, "Content-Length");

	if (http_head_count(head, "Transfer-Encoding") > 0 || count > 1)
		return false;
	if (count == 1)
		return slice_to_u64(http_head_find(head, "Content-Length"), ret_size);
	*ret_size = 0;
	return true;
}

/* 0..15, or 16 for a byte that is no hexadecimal digit. */
static unsigned hex_value(uint8_t byte)
{
	if (byte >= '0' && byte <= '9')
		return (unsigned)byte - '0';
	byte |= 0x20;
	return byte >= 'a' && byte <= 'f' ? (unsigned)byte - 'a' + 10 : 16;
}

static bool decode(struct slice text, uint8_t plus, uint8_t *bytes, size_t capacity,
		   size_t *ret_size)
{
	size_t size = 0;

	for (size_t at = 0; at < text.size; at++) {
		uint8_t byte = text.bytes[at] == '+' ? plus : text.bytes[at];

		if (byte == '%') {
			if (text.size - at < 3)
				return false;

			unsigned high = hex_value(text.bytes[++at]);
			unsigned low = hex_value(text.bytes[++at]);

			if (high > 15 || low > 15)
				return false;
			byte = (uint8_t)(high << 4 | low);
		}
		if (size == capacity)
			return false;
		bytes[size++] = byte;
	}
	*ret_size = size;
	return true;
}

bool http_percent_decode(struct slice text, uint8_t *bytes, size_t capacity, size_t *ret_size)
{
	return decode(text, ' ', bytes, capacity, ret_size);
}

bool http_path_decode(struct slice text, uint8_t *bytes, size_t capacity, size_t *ret_size)
{
	return decode(text, '+', bytes, capacity, ret_size);
}

/* In "name=value": the value when the name is this one, else absent. */
static struct slice value_of(struct slice pair, struct slice name, bool *ret_found)
{
	struct slice rest = pair;

	*ret_found = slice_equal(slice_cut(&rest, '='), name);
	return rest;
}

struct slice http_query_find(struct slice query, const char *name)
{
	while (!slice_is_absent(query)) {
		struct slice pair = slice_cut(&query, '&');
		bool found;
		struct slice value = value_of(pair, slice_of_text(name), &found);

		if (found)
			return slice_is_absent(value) ? slice_skip(pair, pair.size) : value;
	}
	return (struct slice){NULL, 0};
}

static struct slice unquote(struct slice value)
{
	if (value.size >= 2 && value.bytes[0] == '"' && value.bytes[value.size - 1] == '"')
		return slice_of(value.bytes + 1, value.size - 2);
	return value;
}

static struct slice find_in_cookies(struct slice cookies, struct slice name)
{
	while (!slice_is_absent(cookies)) {
		bool found;
		struct slice value = value_of(slice_trim(slice_cut(&cookies, ';')), name, &found);

		if (found && !slice_is_absent(value))
			return unquote(value);
	}
	return (struct slice){NULL, 0};
}

struct slice http_cookie_find(const struct http_head *head, const char *name)
{
	uint32_t index = 0;
	struct slice cookies = next_value(head, SLICE("Cookie"), &index);
	struct slice value = {NULL, 0};

	while (!slice_is_absent(cookies) && slice_is_absent(value)) {
		value = find_in_cookies(cookies, slice_of_text(name));
		cookies = next_value(head, SLICE("Cookie"), &index);
	}
	return value;
}
