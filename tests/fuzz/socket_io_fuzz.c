/* tests/fuzz/socket_io_fuzz.c - packets that a client may send.
 *
 * Their parts lie in the packet and are JSON where they should be; what an event means is a
 * native message that is JSON, of the type that the event's name says.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/assert.h"
#include "wire/command.h"
#include "wire/socket_io_event.h"
#include "wire/socket_io_pid.h"
#include "wire/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static bool lies_in(struct slice slice, struct slice text)
{
	return slice.bytes >= text.bytes && slice.bytes + slice.size <= text.bytes + text.size;
}

static void check_event(const struct socket_io_packet *packet, struct slice text)
{
	size_t size = socket_io_event_command_size(packet);
	struct command *command = malloc(sizeof(*command));
	uint8_t *bytes = malloc(size);
	struct writer writer;

	ASSERT(command != NULL && bytes != NULL);
	ASSERT(lies_in(packet->event.text, text));
	writer_init(&writer, bytes, size);
	if (socket_io_event_read(packet, SLICE("42"), &writer) == SOCKET_IO_COMMAND) {
		ASSERT(!writer.overflow);
		ASSERT(json_is_valid(writer_written(&writer)));
		command_parse(writer_written(&writer), command);
		ASSERT(command->type != COMMAND_PING && command->type != COMMAND_PONG);
		ASSERT(command->type != COMMAND_BAD || strcmp(command->code, "unknown_type") != 0);
		ASSERT(slice_is_absent(command->ref) == !packet->has_ack_id);
	}
	free(bytes);
	free(command);
}

static void check_ack(const struct socket_io_packet *packet)
{
	uint8_t bytes[256];
	struct socket_io_packet again;
	struct writer writer;

	writer_init(&writer, bytes, sizeof(bytes));
	socket_io_write_ack(&writer, SLICE("/a"), packet->ack_id, SLICE("{}"));
	ASSERT(!writer.overflow && socket_io_parse(writer_written(&writer), &again));
	ASSERT(again.type == SOCKET_IO_ACK && again.ack_id == packet->ack_id);
}

static void check_packet(const struct socket_io_packet *packet, struct slice text)
{
	struct json_value value;
	bool is_binary =
		packet->type == SOCKET_IO_BINARY_EVENT || packet->type == SOCKET_IO_BINARY_ACK;

	ASSERT(packet->type <= SOCKET_IO_BINARY_ACK);
	ASSERT(packet->attachments <= (is_binary ? SOCKET_IO_ATTACHMENTS_MAX : 0));
	ASSERT(packet->name_space.size > 0 && packet->name_space.bytes[0] == '/');
	ASSERT(slice_is_absent(packet->payload) ||
	       (lies_in(packet->payload, text) && json_is_valid(packet->payload)));
	for (uint32_t i = 0; socket_io_argument(packet, i, &value) && i < 16; i++)
		ASSERT(lies_in(value.text, packet->payload) && json_is_valid(value.text));
	if (packet->type == SOCKET_IO_EVENT || packet->type == SOCKET_IO_BINARY_EVENT)
		check_event(packet, text);
	if (packet->has_ack_id)
		check_ack(packet);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static const struct socket_io_pid_key key = {SLICE("secret"), SLICE("42"), SLICE("/")};
	struct slice text = slice_of(bytes, size);
	struct socket_io_packet packet;
	struct socket_io_pid pid;

	if (socket_io_pid_read(text, &key, &pid))
		ASSERT(size == SOCKET_IO_PID_SIZE);
	if (!utf8_is_valid(text)) /* the transport refuses it */
		return 0;
	if (socket_io_parse(text, &packet))
		check_packet(&packet, text);
	return 0;
}
