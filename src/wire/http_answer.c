/* wire/http_answer.c - writes HTTP/1.1 answers. */
#include "wire/http_answer.h"

#include "base/assert.h"

static const struct {
	int status;
	const char *reason;
} reasons[] = {
	{100, "Continue"},
	{101, "Switching Protocols"},
	{200, "OK"},
	{201, "Created"},
	{202, "Accepted"},
	{203, "Non-Authoritative Information"},
	{204, "No Content"},
	{205, "Reset Content"},
	{206, "Partial Content"},
	{300, "Multiple Choices"},
	{301, "Moved Permanently"},
	{302, "Found"},
	{303, "See Other"},
	{304, "Not Modified"},
	{305, "Use Proxy"},
	{307, "Temporary Redirect"},
	{308, "Permanent Redirect"},
	{400, "Bad Request"},
	{401, "Unauthorized"},
	{402, "Payment Required"},
	{403, "Forbidden"},
	{404, "Not Found"},
	{405, "Method Not Allowed"},
	{406, "Not Acceptable"},
	{407, "Proxy Authentication Required"},
	{408, "Request Timeout"},
	{409, "Conflict"},
	{410, "Gone"},
	{411, "Length Required"},
	{412, "Precondition Failed"},
	{413, "Content Too Large"},
	{414, "URI Too Long"},
	{415, "Unsupported Media Type"},
	{416, "Range Not Satisfiable"},
	{417, "Expectation Failed"},
	{421, "Misdirected Request"},
	{422, "Unprocessable Content"},
	{426, "Upgrade Required"},
	{428, "Precondition Required"},
	{429, "Too Many Requests"},
	{431, "Request Header Fields Too Large"},
	{500, "Internal Server Error"},
	{501, "Not Implemented"},
	{502, "Bad Gateway"},
	{503, "Service Unavailable"},
	{504, "Gateway Timeout"},
	{505, "HTTP Version Not Supported"},
	{511, "Network Authentication Required"},
};

const char *http_answer_reason(int status)
{
	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return "Unknown";
}

/* RFC 9110 section 8.6: no Content-Length in these, and section 6.4.1: never a body. 304 may
 * have one, that of the representation that is not sent; this writer has nothing to say there. */
static bool is_bodiless(int status)
{
	return status < 200 || status == 204 || status == 304;
}

static void write_head(struct writer *writer, const struct http_answer *answer, size_t body_size,
		       bool is_challenge)
{
	ASSERT(answer->status >= 100 && answer->status <= 599);
	writer_text(writer, "HTTP/1.1 ");
	writer_u64(writer, (uint64_t)answer->status);
	writer_text(writer, " ");
	writer_text(writer, http_answer_reason(answer->status));
	writer_text(writer, "\r\n");
	if (answer->content_type && !is_bodiless(answer->status)) {
		writer_text(writer, "Content-Type: ");
		writer_text(writer, answer->content_type);
		writer_text(writer, "\r\n");
	}
	if (!is_bodiless(answer->status)) {
		writer_text(writer, "Content-Length: ");
		writer_u64(writer, answer->content_type ? body_size : 0);
		writer_text(writer, "\r\n");
	}
	if (is_challenge)
		writer_text(writer, "WWW-Authenticate: Bearer\r\n");
	if (answer->extra)
		writer_text(writer, answer->extra);
	if (answer->close)
		writer_text(writer, "Connection: close\r\n");
	writer_text(writer, "\r\n");
}

void http_answer_write(struct writer *writer, const struct http_answer *answer)
{
	write_head(writer, answer, answer->body.size, false);
	if (answer->content_type && !answer->head_only && !is_bodiless(answer->status))
		writer_slice(writer, answer->body);
}

void http_answer_write_error(struct writer *writer, int status, const char *code,
			     const char *message, const char *extra)
{
	const struct slice parts[] = {
		SLICE("{\"error\":\""), slice_of_text(code), SLICE("\",\"message\":\""),
		slice_of_text(message), SLICE("\"}"),
	};
	const struct http_answer answer = {
		.status = status,
		.content_type = "application/json",
		.extra = extra,
		.close = true,
	};
	size_t body_size = 0;

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		body_size += parts[i].size;
	write_head(writer, &answer, body_size, status == 401);
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		writer_slice(writer, parts[i]);
}
