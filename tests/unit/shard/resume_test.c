/* tests/unit/shard/resume_test.c - what a request says of a client's past, and what is ignored. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "shard/resume.h"

#define IDENTITY "AAAAAAAAAcyPwTkop0gpSMSI"

static struct resume resume;

/* `header` is a header line, or "". */
static bool read_request(const char *query, const char *header)
{
	char bytes[1024];
	struct http_head head;
	int size = snprintf(bytes, sizeof(bytes), "GET /ws%s HTTP/1.1\r\nHost: h\r\n%s\r\n", query,
			    header);

	assert_int_equal(http_head_parse(slice_of(bytes, (size_t)size), 4096, &head),
			 HTTP_HEAD_COMPLETE);
	return resume_read(&head, &resume);
}

static void check_position(const char *query, const char *header, bool has, uint64_t ms,
			   uint64_t sequence)
{
	assert_true(read_request(query, header));
	assert_int_equal(resume.has_after, has);
	if (has)
		assert_true(event_id_equal(resume.after, (struct event_id){ms, sequence}));
}

static void position_is_in_query_or_header(void **state)
{
	(void)state;
	check_position("", "", false, 0, 0);
	check_position("?last_event_id=7-3", "", true, 7, 3);
	check_position("?last_event_id=0", "", true, 0, 0);
	check_position("?last_event_id=0-0", "", true, 0, 0);
	check_position("?a=b&last_event_id=9", "", true, 9, 0);
	check_position("", "Last-Event-ID: 8-1\r\n", true, 8, 1);
	check_position("?last_event_id=7-3", "Last-Event-ID: 8-1\r\n", true, 7, 3);
	check_position("?last_event_id=", "", false, 0, 0);
	check_position("?last_event_id=x", "Last-Event-ID: 8-1\r\n", false, 0, 0);
	check_position("?last_event_id=1-2-3", "", false, 0, 0);
}

static void check_event_source(const char *query, const char *header, bool has, uint64_t ms)
{
	char bytes[1024];
	struct http_head head;
	int size = snprintf(bytes, sizeof(bytes), "GET /sse%s HTTP/1.1\r\nHost: h\r\n%s\r\n", query,
			    header);

	assert_int_equal(http_head_parse(slice_of(bytes, (size_t)size), 4096, &head),
			 HTTP_HEAD_COMPLETE);
	assert_true(resume_read(&head, &resume));
	resume_prefer_header(&head, &resume);
	assert_int_equal(resume.has_after, has);
	if (has)
		assert_int_equal(resume.after.ms, ms);
}

static void an_event_source_names_the_newer_one_in_its_header(void **state)
{
	(void)state;
	check_position("?lastEventId=7-3", "", true, 7, 3);
	check_position("?lastEventId=7-3&last_event_id=9", "", true, 9, 0);
	check_event_source("?last_event_id=7", "Last-Event-ID: 8-1\r\n", true, 8);
	check_event_source("?lastEventId=9", "Last-Event-ID: 8-1\r\n", true, 8);
	check_event_source("", "Last-Event-ID: 8-1\r\n", true, 8);
	check_event_source("?last_event_id=7", "Last-Event-ID: x\r\n", true, 7);
	check_event_source("?last_event_id=7", "Last-Event-ID:\r\n", true, 7);
	check_event_source("?last_event_id=7", "", true, 7);
	check_event_source("?last_event_id=x", "", false, 0);
}

static void check_identity(const char *query, bool has)
{
	assert_true(read_request(query, ""));
	assert_int_equal(resume.has_identity, has);
	if (has)
		assert_memory_equal(resume.identity, IDENTITY, CONNECTION_ID_SIZE);
}

static void identity_goes_with_a_position(void **state)
{
	(void)state;
	check_identity("?connection_id=" IDENTITY, false);
	check_identity("?connection_id=" IDENTITY "&last_event_id=x", false);
	check_identity("?connection_id=" IDENTITY "&last_event_id=0", true);
	check_identity("?last_event_id=1&connection_id=" IDENTITY, true);
	check_identity("?last_event_id=1&connection_id=" IDENTITY "A", false);
	check_identity("?last_event_id=1&connection_id=AAAAAAAAAcyPwTkop0gpSMS", false);
	check_identity("?last_event_id=1&connection_id=AAAAAAAAAcyPwTkop0gpSMS.", false);
	check_identity("?last_event_id=1&connection_id=AAAAAAAAAcyPwTkop0gqSMSI", false);
	check_identity("?last_event_id=1&connection_id=AAAAAAAAAcyPwTkop0gpSMSJ", false);
	check_identity("?last_event_id=1&connection_id=", false);
}

/* `expected` NULL: it is refused. */
static void check_device(const char *query, const char *expected)
{
	assert_int_equal(read_request(query, ""), expected != NULL);
	if (!expected)
		return;
	assert_int_equal(resume.device_size, strlen(expected));
	assert_memory_equal(resume.device, expected, resume.device_size);
}

static void device_is_short_and_printable(void **state)
{
	char query[256] = "?device=";

	(void)state;
	check_device("", "");
	check_device("?device=phone", "phone");
	check_device("?device=my%20phone+2", "my phone 2");
	check_device("?device=", NULL);
	check_device("?device=a%0Ab", NULL);
	check_device("?device=%00", NULL);
	check_device("?device=%C3%A9", NULL);
	check_device("?device=%7F", NULL);
	check_device("?device=%4", NULL);
	memset(query + 8, 'x', DEVICE_SIZE_MAX);
	check_device(query, query + 8);
	query[8 + DEVICE_SIZE_MAX] = 'x';
	check_device(query, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(position_is_in_query_or_header),
		cmocka_unit_test(an_event_source_names_the_newer_one_in_its_header),
		cmocka_unit_test(identity_goes_with_a_position),
		cmocka_unit_test(device_is_short_and_printable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
