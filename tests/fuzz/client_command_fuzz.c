/* tests/fuzz/client_command_fuzz.c - what a client of the native protocol may send.
 *
 * Whatever the message is, the command is filled, its slices lie where the header says, and what
 * is answered to it is JSON.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/assert.h"
#include "wire/channel_name.h"
#include "wire/command.h"
#include "wire/entry.h"
#include "wire/envelope.h"
#include "wire/json.h"
#include "wire/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

#define ANSWER_SIZE_MAX 4096

static bool lies_in(struct slice slice, const uint8_t *bytes, size_t size)
{
	uintptr_t start = (uintptr_t)slice.bytes;
	uintptr_t from = (uintptr_t)bytes;

	return start >= from && start <= from + size && slice.size <= from + size - start;
}

static void check_slice(const struct command *command, struct slice message, struct slice slice)
{
	if (slice_is_absent(slice))
		return;
	ASSERT(lies_in(slice, message.bytes, message.size) ||
	       lies_in(slice, command->decoded, command->decoded_size));
	ASSERT(utf8_is_valid(slice));
}

static void check_slices(const struct command *command, struct slice message)
{
	ASSERT(command->decoded_size <= sizeof(command->decoded));
	check_slice(command, message, command->ref);
	check_slice(command, message, command->channel);
	check_slice(command, message, command->token);
	check_slice(command, message, command->notification_id);
	check_slice(command, message, command->to);
	check_slice(command, message, command->event);
	check_slice(command, message, command->payload);
}

static bool is_code(const char *code)
{
	static const char *const codes[] = {"bad_json", "bad_message", "unknown_type",
					    "bad_channel", "bad_field"};

	for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
		if (strcmp(code, codes[i]) == 0)
			return true;
	return false;
}

static void check_answer(const struct command *command)
{
	uint8_t bytes[ANSWER_SIZE_MAX];
	struct writer writer;

	writer_init(&writer, bytes, sizeof(bytes));
	if (command->type == COMMAND_BAD)
		envelope_write_error(&writer, command->code, command->text, command->ref);
	else if (!slice_is_absent(command->channel))
		envelope_write_channel(&writer, "subscribed", command->channel, command->ref);
	else
		envelope_write_pong(&writer, 0, command->ref);
	ASSERT(!writer.overflow);
	ASSERT(json_is_valid(writer_written(&writer)));
}

static void check_members(const struct command *command)
{
	switch (command->type) {
	case COMMAND_BAD:
		ASSERT(is_code(command->code) && command->text[0] != 0);
		break;
	case COMMAND_PUBLISH:
		ASSERT(slice_is_absent(command->event) || entry_word_is_valid(command->event));
		ASSERT(channel_name_is_valid(command->channel));
		break;
	case COMMAND_SUBSCRIBE:
	case COMMAND_UNSUBSCRIBE:
		ASSERT(channel_name_is_valid(command->channel));
		break;
	case COMMAND_MARK_READ:
	case COMMAND_DELETE:
		ASSERT(command->notification_id.size > 0 && command->notification_id.size <= 255);
		break;
	case COMMAND_TYPING:
		ASSERT(command->to.size <= USER_SIZE_MAX && channel_name_is_valid(command->to));
		break;
	case COMMAND_AUTH:
		ASSERT(command->token.size > 0);
		break;
	case COMMAND_PING_TEXT:
	case COMMAND_PONG_TEXT:
	case COMMAND_PING:
	case COMMAND_PONG:
	case COMMAND_ACK:
	case COMMAND_MARK_ALL_READ:
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct slice message = slice_of(bytes, size);
	struct command *command = malloc(sizeof(*command));

	ASSERT(command != NULL);
	memset(command, 0xA5, sizeof(*command));
	command_parse(message, command);
	ASSERT((command->type == COMMAND_BAD) == (command->code != NULL));
	ASSERT((command->type == COMMAND_BAD) == (command->text != NULL));
	ASSERT((unsigned)command->type <= COMMAND_AUTH);
	ASSERT(command->ref.size <= REF_SIZE_MAX);
	ASSERT(slice_is_absent(command->ref) || json_is_valid(command->ref));
	ASSERT(slice_is_absent(command->payload) || json_is_valid(command->payload));
	check_slices(command, message);
	check_members(command);
	check_answer(command);
	free(command);
	return 0;
}
