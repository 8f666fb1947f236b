/* wsbench/publisher.c - one connection that publishes. */
#include "wsbench/publisher.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "wsbench/dial.h"
#include "wsbench/inbound.h"

#define BUFFER_SIZE (128u * 1024)
#define ANSWER_TIMEOUT_MS 10000

const char *publisher_name(const struct publisher *publisher)
{
	static const char *const names[] = {
		[CODEC_REDIS] = "XADD to Redis",
		[CODEC_HTTP] = "POST /api/publish",
		[CODEC_WEBSOCKET] = "a WebSocket of its own",
		[CODEC_LINES] = "a command",
	};

	return names[publisher->codec];
}

static void fail(struct publisher *publisher, const char *what)
{
	if (!publisher->has_failed && publisher->refused == 0)
		snprintf(publisher->text, sizeof(publisher->text), "%s: %s", what,
			 errno ? strerror(errno) : "closed by the other side");
	publisher->has_failed = true;
}

/* ---- connecting ---- */

static bool write_all(struct publisher *publisher, struct slice bytes)
{
	while (bytes.size > 0) {
		ssize_t written = write(publisher->fd, bytes.bytes, bytes.size);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0) {
			fail(publisher, "publishing");
			return false;
		}
		bytes = slice_skip(bytes, (size_t)written);
	}
	return true;
}

/* Waits for more bytes. */
static bool read_more(struct publisher *publisher)
{
	struct pollfd polled = {.fd = publisher->fd, .events = POLLIN};

	if (publisher->inbound_size == BUFFER_SIZE ||
	    poll(&polled, 1, ANSWER_TIMEOUT_MS) <= 0) {
		errno = ETIMEDOUT;
		return false;
	}
	ssize_t got = read(publisher->fd, publisher->inbound + publisher->inbound_size,
			   BUFFER_SIZE - publisher->inbound_size);
	if (got <= 0) {
		errno = got == 0 ? ECONNRESET : errno;
		return false;
	}
	publisher->inbound_size += (size_t)got;
	return true;
}

static void forget_inbound(struct publisher *publisher, size_t size)
{
	publisher->inbound_size -= size;
	memmove(publisher->inbound, publisher->inbound + size, publisher->inbound_size);
}

/* Sends one command and waits for its +OK. */
static bool ask_redis(struct publisher *publisher, const struct slice *parts, size_t parts_count)
{
	struct codec_answer answer;
	struct writer writer;

	writer_init(&writer, publisher->outbound, BUFFER_SIZE);
	codec_write_redis(&writer, parts, parts_count);
	if (!write_all(publisher, writer_written(&writer)))
		return false;
	while (!codec_read(CODEC_REDIS, slice_of(publisher->inbound, publisher->inbound_size),
			   &answer))
		if (!read_more(publisher))
			return false;
	bool is_accepted = answer.is_accepted;
	if (!is_accepted)
		fprintf(stderr, "wsbench: redis: %.*s\n", (int)answer.text.size,
			(const char *)answer.text.bytes);
	forget_inbound(publisher, answer.size);
	return is_accepted;
}

static bool greet_redis(struct publisher *publisher)
{
	struct dial_redis login;

	if (!dial_parse_redis(publisher->options->redis, &login))
		return false;
	if (login.password.size > 0) {
		const struct slice with_user[] = {SLICE("AUTH"), login.user, login.password};
		const struct slice without[] = {SLICE("AUTH"), login.password};

		if (login.user.size > 0 ? !ask_redis(publisher, with_user, 3)
					: !ask_redis(publisher, without, 2))
			return false;
	}
	const struct slice select[] = {SLICE("SELECT"), login.database};
	return login.database.size == 0 || ask_redis(publisher, select, 2);
}

static bool greet_websocket(struct publisher *publisher)
{
	struct inbound_answer answer;
	struct writer writer;
	enum inbound result;

	writer_init(&writer, publisher->outbound, BUFFER_SIZE);
	requests_write_path(publisher->requests, publisher->options->publish_path, &writer);
	if (!write_all(publisher, writer_written(&writer)))
		return false;
	while ((result = inbound_read_answer(
			slice_of(publisher->inbound, publisher->inbound_size), &answer)) ==
	       INBOUND_MORE)
		if (!read_more(publisher))
			return false;
	if (result == INBOUND_BROKEN || answer.status != 101) {
		fprintf(stderr, "wsbench: --publish-path: the server does not upgrade\n");
		return false;
	}
	forget_inbound(publisher, answer.size);
	return true;
}

static bool connect_any(struct publisher *publisher)
{
	const struct options *options = publisher->options;

	switch (publisher->codec) {
	case CODEC_LINES:
		publisher->fd = dial_command(options->publish_command, &publisher->child);
		return publisher->fd >= 0;
	case CODEC_REDIS:
		publisher->fd = dial_url(options->redis, 6379);
		return publisher->fd >= 0 && greet_redis(publisher);
	case CODEC_HTTP:
		publisher->fd = dial_url(options->admin, 80);
		return publisher->fd >= 0;
	case CODEC_WEBSOCKET:
		publisher->fd = dial_host(options->host, options->port);
		return publisher->fd >= 0 && greet_websocket(publisher);
	}
	return false;
}

struct publisher *publisher_create(const struct options *options, const struct requests *requests)
{
	struct publisher *publisher = calloc(1, sizeof(*publisher));

	if (!publisher)
		return NULL;
	*publisher = (struct publisher){
		.options = options,
		.requests = requests,
		.codec = codec_choose(options),
		.fd = -1,
		.outbound = malloc(BUFFER_SIZE),
		.inbound = malloc(BUFFER_SIZE),
	};
	errno = 0;
	if (publisher->outbound && publisher->inbound && connect_any(publisher))
		return publisher;
	fprintf(stderr, "wsbench: cannot publish by %s: %s\n", publisher_name(publisher),
		errno ? strerror(errno) : "refused");
	publisher_destroy(publisher);
	return NULL;
}

void publisher_destroy(struct publisher *publisher)
{
	if (publisher->fd >= 0)
		close(publisher->fd);
	if (publisher->child > 0)
		waitpid(publisher->child, NULL, 0);
	free(publisher->outbound);
	free(publisher->inbound);
	free(publisher);
}

/* ---- publishing ---- */

void publisher_send(struct publisher *publisher, const struct stamp *stamp)
{
	const struct options *options = publisher->options;
	uint8_t data_bytes[STAMP_SIZE_MAX + STAMP_SIZE_MIN], channel_bytes[128];
	struct publication publication = {.channel = slice_of_text(options->channel)};
	struct writer data, channel, writer;
	const size_t prefix_size = sizeof("user:") - 1;

	if (publisher->has_failed)
		return;
	writer_init(&data, data_bytes, sizeof(data_bytes));
	stamp_write(&data, stamp, options->size);
	publication.data = writer_written(&data);
	if (stamp->user != STAMP_NO_USER) {
		writer_init(&channel, channel_bytes, sizeof(channel_bytes));
		writer_text(&channel, "user:");
		requests_write_user(publisher->requests, stamp->user, &channel);
		publication.channel = writer_written(&channel);
		publication.user = slice_skip(publication.channel, prefix_size);
	}
	writer_init(&writer, publisher->outbound, BUFFER_SIZE);
	codec_write(publisher->codec, options, &writer, &publication);
	if (writer.overflow) {
		errno = EMSGSIZE;
		fail(publisher, "publishing");
		return;
	}
	if (write_all(publisher, writer_written(&writer)))
		publisher->sent++;
}

/* ---- answers ---- */

static void take_answer(struct publisher *publisher, const struct codec_answer *answer)
{
	if (!answer->counts)
		return;
	if (answer->is_accepted) {
		publisher->accepted++;
		return;
	}
	if (publisher->refused++ == 0)
		snprintf(publisher->text, sizeof(publisher->text), "%.*s", (int)answer->text.size,
			 (const char *)answer->text.bytes);
}

static void take_answers(struct publisher *publisher)
{
	struct codec_answer answer;
	size_t used = 0;

	while (codec_read(publisher->codec,
			  slice_of(publisher->inbound + used, publisher->inbound_size - used),
			  &answer)) {
		take_answer(publisher, &answer);
		used += answer.size;
	}
	forget_inbound(publisher, used);
}

void publisher_collect(struct publisher *publisher)
{
	while (publisher->codec != CODEC_LINES && !publisher->has_failed) {
		ssize_t got = recv(publisher->fd, publisher->inbound + publisher->inbound_size,
				   BUFFER_SIZE - publisher->inbound_size, MSG_DONTWAIT);

		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (got <= 0) {
			errno = got == 0 ? 0 : errno;
			fail(publisher, "the publishing connection");
			return;
		}
		publisher->inbound_size += (size_t)got;
		take_answers(publisher);
		if (publisher->inbound_size == BUFFER_SIZE) {
			errno = EMSGSIZE;
			fail(publisher, "an answer");
		}
	}
}
