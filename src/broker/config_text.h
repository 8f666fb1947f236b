/* broker/config_text.h - strings that the configuration owns, and the lines that report on it.
 *
 * Layer   broker
 * Threads main, before any other thread starts
 * Memory  everything made here is on the heap and belongs to the list or struct it is put into
 * Errors  out of memory is a failed assertion: nothing is served yet and nothing can be lost
 */
#ifndef BELFRY_BROKER_CONFIG_TEXT_H
#define BELFRY_BROKER_CONFIG_TEXT_H

#include "base/compiler.h"
#include "base/slice.h"
#include "belfry/config.h"

#include <stddef.h>

#define CONFIG_QUOTED_SIZE 96 /* what config_text_quote() writes at most, with the final zero */

/* A copy with a final zero. The caller frees it. The slice has no zero byte in it. */
MUST_CHECK char *config_text_copy(struct slice text);

/* Formatted like printf, on the heap. The caller frees it. */
MUST_CHECK char *config_text_format(const char *format, ...) PRINTF_LIKE(1, 2);

/* Makes room for one more item of `item_size` bytes behind `count` of them; the array may move. */
MUST_CHECK void *config_text_grow(void *items, uint32_t count, size_t item_size);

/* The value in double quotes as an error line shows it: without line breaks and other control
 * characters, cut after 64 bytes. out has CONFIG_QUOTED_SIZE bytes. */
void config_text_quote(struct slice value, char *out);

/* `owned` belongs to the list from now on. */
void config_list_add(struct config_list *list, char *owned);

/* Frees the items; the list is empty afterwards. */
void config_list_clear(struct config_list *list);

/* Overwrites the text before it is freed. NULL is fine. */
void config_text_wipe(char *text);

#endif
