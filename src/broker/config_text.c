/* broker/config_text.c - strings that the configuration owns. */
#include "broker/config_text.h"

#include "base/assert.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define QUOTED_BYTES_MAX 64

char *config_text_copy(struct slice text)
{
	char *copy = malloc(text.size + 1);

	ASSERT(copy != NULL);
	if (text.size)
		memcpy(copy, text.bytes, text.size);
	copy[text.size] = '\0';
	return copy;
}

char *config_text_format(const char *format, ...)
{
	char *text = NULL;
	va_list values;

	va_start(values, format);
	int size = vasprintf(&text, format, values);
	va_end(values);
	ASSERT(size >= 0);
	return text;
}

void *config_text_grow(void *items, uint32_t count, size_t item_size)
{
	ASSERT(count < UINT32_MAX);
	void *grown = reallocarray(items, (size_t)count + 1, item_size);

	ASSERT(grown != NULL);
	return grown;
}

void config_text_quote(struct slice value, char *out)
{
	bool is_cut = value.size > QUOTED_BYTES_MAX;
	size_t size = is_cut ? QUOTED_BYTES_MAX : value.size;
	char shown[QUOTED_BYTES_MAX];

	for (size_t i = 0; i < size; i++) {
		uint8_t byte = value.bytes[i];

		shown[i] = byte < 0x20 || byte == 0x7f ? '?' : (char)byte;
	}
	snprintf(out, CONFIG_QUOTED_SIZE, "\"%.*s%s\"", (int)size, shown, is_cut ? "..." : "");
}

void config_list_add(struct config_list *list, char *owned)
{
	list->items = config_text_grow(list->items, list->count, sizeof(*list->items));
	list->items[list->count++] = owned;
}

void config_list_clear(struct config_list *list)
{
	for (uint32_t i = 0; i < list->count; i++)
		config_text_wipe(list->items[i]);
	free(list->items);
	*list = (struct config_list){NULL, 0};
}

void config_text_wipe(char *text)
{
	if (text)
		explicit_bzero(text, strlen(text));
	free(text);
}
