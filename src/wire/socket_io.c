/* wire/socket_io.c - packets of Socket.IO protocol 5. */
#include "wire/socket_io.h"

#include "base/assert.h"
#include "wire/engine_io.h"
#include "wire/ws_frame.h"

#define ACK_ID_DIGITS_MAX 16 /* more than a JavaScript number counts exactly */

static const struct slice reserved[] = {
	SLICE("connect"),       SLICE("connect_error"), SLICE("disconnect"),
	SLICE("disconnecting"), SLICE("newListener"),   SLICE("removeListener"),
};

static bool is_digit(uint8_t byte)
{
	return byte >= '0' && byte <= '9';
}

/* Takes the digits at the beginning of *rest, of which there may be none. */
static struct slice cut_digits(struct slice *rest)
{
	size_t size = 0;

	while (size < rest->size && is_digit(rest->bytes[size]))
		size++;
	struct slice digits = slice_of(rest->bytes, size);
	*rest = slice_skip(*rest, size);
	return digits;
}

static bool is_binary(const struct socket_io_packet *packet)
{
	return packet->type == SOCKET_IO_BINARY_EVENT || packet->type == SOCKET_IO_BINARY_ACK;
}

static bool is_event(const struct socket_io_packet *packet)
{
	return packet->type == SOCKET_IO_EVENT || packet->type == SOCKET_IO_BINARY_EVENT;
}

static bool read_attachments(struct slice *rest, struct socket_io_packet *packet)
{
	uint64_t attachments;

	if (!slice_to_u64(cut_digits(rest), &attachments) ||
	    attachments > SOCKET_IO_ATTACHMENTS_MAX)
		return false;
	if (rest->size == 0 || rest->bytes[0] != '-')
		return false;
	*rest = slice_skip(*rest, 1);
	packet->attachments = (uint32_t)attachments;
	return true;
}

/* Up to the comma, or to the end without one. */
static void read_namespace(struct slice *rest, struct socket_io_packet *packet)
{
	packet->name_space = SLICE("/");
	if (rest->size == 0 || rest->bytes[0] != '/')
		return;
	struct slice name = *rest;
	const uint8_t *comma = memchr(name.bytes, ',', name.size);
	if (comma)
		name.size = (size_t)(comma - name.bytes);
	*rest = slice_skip(*rest, name.size + (comma ? 1 : 0));
	packet->name_space = name;
}

static bool read_ack_id(struct slice *rest, struct socket_io_packet *packet)
{
	struct slice digits = cut_digits(rest);

	if (digits.size == 0)
		return true;
	packet->has_ack_id = true;
	return digits.size <= ACK_ID_DIGITS_MAX && slice_to_u64(digits, &packet->ack_id);
}

static bool read_event(struct json_value array, struct socket_io_packet *packet)
{
	struct json_walk walk;

	json_walk_init(&walk, array);
	if (!json_walk_element(&walk, &packet->event))
		return false;
	if (packet->event.type == JSON_NUMBER)
		return true;
	if (packet->event.type != JSON_STRING)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(reserved); i++)
		if (json_string_equal(packet->event.text, reserved[i]))
			return false;
	return true;
}

static bool read_payload(struct slice rest, struct socket_io_packet *packet)
{
	if (rest.size == 0)
		return packet->type == SOCKET_IO_CONNECT || packet->type == SOCKET_IO_DISCONNECT;
	if (packet->type == SOCKET_IO_DISCONNECT || !json_is_valid(rest))
		return false;
	struct json_value value = json_read(rest);
	packet->payload = value.text;
	if (packet->type == SOCKET_IO_CONNECT)
		return value.type == JSON_OBJECT;
	if (packet->type == SOCKET_IO_CONNECT_ERROR)
		return value.type == JSON_OBJECT || value.type == JSON_STRING;
	if (value.type != JSON_ARRAY)
		return false;
	return !is_event(packet) || read_event(value, packet);
}

bool socket_io_parse(struct slice text, struct socket_io_packet *ret_packet)
{
	struct socket_io_packet packet = {0};

	if (text.size == 0 || text.bytes[0] < '0' || text.bytes[0] > '0' + SOCKET_IO_BINARY_ACK)
		return false;
	packet.type = (enum socket_io_type)(text.bytes[0] - '0');
	struct slice rest = slice_skip(text, 1);
	if (is_binary(&packet) && !read_attachments(&rest, &packet))
		return false;
	read_namespace(&rest, &packet);
	if (!read_ack_id(&rest, &packet) || !read_payload(rest, &packet))
		return false;
	*ret_packet = packet;
	return true;
}

bool socket_io_argument(const struct socket_io_packet *packet, uint32_t index,
			struct json_value *ret_value)
{
	struct json_walk walk;
	struct json_value value;
	uint32_t skip = index + (is_event(packet) ? 1 : 0);

	if (slice_is_absent(packet->payload) || packet->payload.bytes[0] != '[')
		return false;
	json_walk_init(&walk, json_read(packet->payload));
	for (uint32_t i = 0; json_walk_element(&walk, &value); i++) {
		if (i < skip)
			continue;
		*ret_value = value;
		return true;
	}
	return false;
}

bool socket_io_is_reserved(struct slice event)
{
	for (size_t i = 0; i < ARRAY_SIZE(reserved); i++)
		if (slice_equal(event, reserved[i]))
			return true;
	return false;
}

static bool is_namespace_byte(uint8_t byte)
{
	return is_digit(byte) || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
	       byte == '-' || byte == '_' || byte == '.' || byte == '/';
}

bool socket_io_namespace_is_valid(struct slice name)
{
	if (name.size == 0 || name.size > SOCKET_IO_NAMESPACE_SIZE_MAX || name.bytes[0] != '/')
		return false;
	for (size_t i = 0; i < name.size; i++)
		if (!is_namespace_byte(name.bytes[i]))
			return false;
	return true;
}

static void write_start(struct writer *writer, enum socket_io_type type, struct slice name_space)
{
	writer_u64(writer, type);
	if (slice_equal_text(name_space, "/"))
		return;
	writer_slice(writer, name_space);
	writer_text(writer, ",");
}

void socket_io_write_connect(struct writer *writer, struct slice name_space, struct slice sid,
			     struct slice pid)
{
	write_start(writer, SOCKET_IO_CONNECT, name_space);
	writer_text(writer, "{\"sid\":\"");
	writer_slice(writer, sid);
	if (!slice_is_absent(pid)) {
		writer_text(writer, "\",\"pid\":\"");
		writer_slice(writer, pid);
	}
	writer_text(writer, "\"}");
}

void socket_io_write_disconnect(struct writer *writer, struct slice name_space)
{
	write_start(writer, SOCKET_IO_DISCONNECT, name_space);
}

void socket_io_write_connect_error(struct writer *writer, struct slice name_space,
				   const char *message, const char *code)
{
	write_start(writer, SOCKET_IO_CONNECT_ERROR, name_space);
	writer_text(writer, "{\"message\":");
	json_write_string(writer, slice_of_text(message));
	if (code) {
		writer_text(writer, ",\"data\":{\"code\":");
		json_write_string(writer, slice_of_text(code));
		writer_text(writer, "}");
	}
	writer_text(writer, "}");
}

static void write_name(struct writer *writer, struct slice event)
{
	if (socket_io_is_reserved(event)) {
		writer_text(writer, "\"event:");
		writer_slice(writer, event);
		writer_text(writer, "\"");
		return;
	}
	json_write_string(writer, event);
}

void socket_io_write_event(struct writer *writer, const struct socket_io_event *event)
{
	write_start(writer, SOCKET_IO_EVENT, event->name_space);
	writer_text(writer, "[");
	write_name(writer, event->event);
	writer_text(writer, ",");
	writer_slice(writer, event->payload);
	if (!slice_is_absent(event->offset)) {
		writer_text(writer, ",\"");
		writer_slice(writer, event->offset);
		writer_text(writer, "\"");
	} else if (event->payload.size > 0 && event->payload.bytes[0] == '"') {
		writer_text(writer, ",null");
	}
	writer_text(writer, "]");
}

/* A byte of a name becomes six at most (\u001f); 32 for what stands around the parts. */
size_t socket_io_event_size_max(const struct socket_io_event *event)
{
	return event->name_space.size + 6 * event->event.size + event->payload.size +
	       event->offset.size + 32;
}

struct slice socket_io_write_frame(const struct socket_io_event *event, uint8_t *bytes)
{
	uint8_t header[FRAME_HEADER_MAX];
	struct writer writer;

	writer_init(&writer, bytes + FRAME_HEADER_MAX, socket_io_event_size_max(event) + 1);
	engine_io_write(&writer, ENGINE_IO_MESSAGE, (struct slice){NULL, 0});
	socket_io_write_event(&writer, event);
	ASSERT(!writer.overflow);
	size_t header_size = ws_frame_write_header(header, WS_TEXT, writer.size);

	bytes += FRAME_HEADER_MAX - header_size;
	memcpy(bytes, header, header_size);
	return slice_of(bytes, header_size + writer.size);
}

struct slice socket_io_event_name(struct slice type, struct slice event)
{
	static const struct {
		struct slice type;
		struct slice name;
	} names[] = {
		{SLICE("notification_read"), SLICE("notification:read")},
		{SLICE("notification_deleted"), SLICE("notification:deleted")},
		{SLICE("unread_count"), SLICE("unread:count")},
	};

	if (!slice_is_absent(event))
		return event;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (slice_equal(type, names[i].type))
			return names[i].name;
	return slice_is_absent(type) ? SLICE("message") : type;
}

void socket_io_write_ack(struct writer *writer, struct slice name_space, uint64_t ack_id,
			 struct slice value)
{
	write_start(writer, SOCKET_IO_ACK, name_space);
	writer_u64(writer, ack_id);
	writer_text(writer, "[");
	writer_slice(writer, value);
	writer_text(writer, "]");
}

void socket_io_write_refusal(struct writer *writer, const char *code, const char *message)
{
	writer_text(writer, "{\"ok\":false,\"error\":");
	json_write_string(writer, slice_of_text(code));
	writer_text(writer, ",\"message\":");
	json_write_string(writer, slice_of_text(message));
	writer_text(writer, "}");
}
