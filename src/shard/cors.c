/* shard/cors.c - headers for pages of other origins, and the answer to a preflight. */
#include "shard/cors.h"

#include "shard/http.h"
#include "shard/shard_state.h"
#include "wire/http_answer.h"
#include "wire/http_head.h"
#include "wire/origin.h"

#define METHODS "GET, HEAD, POST, OPTIONS"
#define PREFLIGHT                                                                    \
	"Access-Control-Allow-Methods: " METHODS "\r\n"                              \
	"Access-Control-Allow-Headers: Authorization, Last-Event-ID, Content-Type, " \
	"Cache-Control\r\n"                                                          \
	"Access-Control-Max-Age: 600\r\n"

void cors_write(const struct config *config, const struct http_head *head, struct writer *writer)
{
	enum origin_verdict verdict = origin_judge(&config->allow_origin, head);

	if (verdict != ORIGIN_LISTED && verdict != ORIGIN_ANY)
		return;
	writer_text(writer, "Access-Control-Allow-Origin: ");
	writer_slice(writer, http_head_find(head, "Origin"));
	writer_text(writer, "\r\n");
	if (verdict == ORIGIN_LISTED)
		writer_text(writer, "Access-Control-Allow-Credentials: true\r\n");
	writer_text(writer, "Access-Control-Expose-Headers: Retry-After\r\nVary: Origin\r\n");
}

/* The path itself, or something below it. */
static bool is_at(struct slice path, const char *root)
{
	struct slice prefix = slice_of_text(root);

	return slice_starts_with(path, prefix) &&
	       (path.size == prefix.size || path.bytes[prefix.size] == '/');
}

bool cors_is_preflight(const struct http_head *head)
{
	return slice_equal_text(head->method, "OPTIONS") &&
	       (is_at(head->path, "/sse") || is_at(head->path, "/poll") ||
		is_at(head->path, "/socket.io") || slice_equal_text(head->path, "/ws/stats") ||
		slice_equal_text(head->path, "/ws/health"));
}

void cors_on_preflight(struct shard *shard, struct conn *conn, const struct http_head *head)
{
	char lines[CORS_SIZE_MAX + sizeof(PREFLIGHT) + sizeof("Allow: " METHODS "\r\n")];
	struct writer writer;

	if (origin_judge(&shard->config->allow_origin, head) == ORIGIN_REFUSED) {
		http_refuse(shard, conn,
			    &(struct http_refusal){403, "origin",
						   "pages of this origin may not connect",
						   "Vary: Origin\r\n"});
		return;
	}
	writer_init(&writer, lines, sizeof(lines) - 1);
	writer_text(&writer, "Allow: " METHODS "\r\n");
	cors_write(shard->config, head, &writer);
	if (!slice_is_absent(http_head_find(head, "Origin")))
		writer_text(&writer, PREFLIGHT);
	ASSERT(!writer.overflow);
	lines[writer.size] = '\0';
	http_send(shard, conn,
		  &(struct http_answer){
			  .status = 204, .extra = lines, .close = !http_head_is_persistent(head)});
}
