/* log/redis_sentinel.c - SENTINEL get-master-addr-by-name, with AUTH where it must be. */
#include "log/redis_sentinel.h"

#include <string.h>

#include "base/assert.h"

static enum status ask(struct redis_sentinel *sentinel)
{
	struct slice question[] = {SLICE("SENTINEL"), SLICE("get-master-addr-by-name"),
				   slice_of_text(sentinel->server->master)};

	sentinel->address = (struct config_address){"", 0};
	return redis_session_command(&sentinel->session, question, ARRAY_SIZE(question));
}

static void log_in(struct redis_sentinel *sentinel)
{
	const struct config_redis *server = sentinel->server;
	struct slice auth[3] = {SLICE("AUTH")};
	uint32_t count = 1;
	enum status status;

	if (server->user)
		auth[count++] = slice_of_text(server->user);
	auth[count++] = slice_of_text(server->password);
	status = redis_session_command(&sentinel->session, auth, count);
	if (status == STATUS_OK)
		status = ask(sentinel);
	if (status != STATUS_OK)
		redis_session_fail(&sentinel->session, "out of memory", SLICE(""));
	sentinel->is_logged_in = true;
	sentinel->state = REDIS_SENTINEL_LOGIN;
}

static void on_error(struct redis_sentinel *sentinel, struct slice text)
{
	bool wants_login = slice_starts_with(text, SLICE("NOAUTH"));

	if (wants_login && !sentinel->is_logged_in && sentinel->server->password)
		sentinel->state = REDIS_SENTINEL_REFUSED;
	else
		redis_session_fail(&sentinel->session, "the Sentinel refused to answer", text);
}

/* A name or an address: printable, without blanks. */
static bool is_host(struct slice text)
{
	for (size_t i = 0; i < text.size; i++)
		if (text.bytes[i] <= ' ' || text.bytes[i] >= 0x7f)
			return false;
	return text.size > 0 && text.size < CONFIG_HOST_SIZE;
}

static void on_part(struct redis_sentinel *sentinel, const struct reply_token *token)
{
	uint64_t port;

	if (token->type != REPLY_TEXT)
		return;
	if (token->index == 0 && is_host(token->text)) {
		memcpy(sentinel->address.host, token->text.bytes, token->text.size);
		sentinel->address.host[token->text.size] = '\0';
	}
	if (token->index == 1 && slice_to_u64(token->text, &port) && port <= UINT16_MAX)
		sentinel->address.port = (uint16_t)port;
}

static void on_token(void *owner, const struct reply_token *token)
{
	struct redis_sentinel *sentinel = owner;

	if (sentinel->session.error[0] != '\0')
		return;
	if (token->type == REPLY_ERROR)
		on_error(sentinel, token->text);
	else if (sentinel->state != REDIS_SENTINEL_ASKED)
		return; /* OK to the login */
	else if (token->type == REPLY_NIL && token->depth == 0)
		redis_session_fail(&sentinel->session, "the Sentinel does not know the master",
				   slice_of_text(sentinel->server->master));
	else if (token->depth == 1)
		on_part(sentinel, token);
}

static void on_end(void *owner)
{
	struct redis_sentinel *sentinel = owner;

	if (sentinel->session.error[0] != '\0')
		return;
	if (sentinel->state == REDIS_SENTINEL_REFUSED)
		log_in(sentinel);
	else if (sentinel->state == REDIS_SENTINEL_LOGIN)
		sentinel->state = REDIS_SENTINEL_ASKED;
	else if (sentinel->address.host[0] != '\0' && sentinel->address.port != 0)
		sentinel->state = REDIS_SENTINEL_ANSWERED;
	else
		redis_session_fail(&sentinel->session, "the Sentinel's answer is no address",
				   SLICE(""));
}

void redis_sentinel_init(struct redis_sentinel *sentinel, const struct config_redis *server)
{
	*sentinel = (struct redis_sentinel){.server = server};
	redis_session_init(&sentinel->session, server, NULL,
			   (struct reply_listener){on_token, on_end, sentinel});
}

void redis_sentinel_deinit(struct redis_sentinel *sentinel)
{
	redis_session_deinit(&sentinel->session);
}

enum status redis_sentinel_open(struct redis_sentinel *sentinel)
{
	enum status status = redis_session_open(&sentinel->session);

	ASSERT(sentinel->server->master != NULL);
	sentinel->state = REDIS_SENTINEL_ASKED;
	sentinel->is_logged_in = false;
	return status == STATUS_OK ? ask(sentinel) : status;
}
