/* broker/config_value.h - one value of a configuration key: is it right, and what does it say.
 *
 * Layer   broker
 * Threads any
 * Memory  none of its own; results go into the caller's memory
 * Errors  each reader answers NULL when the text is right, else what is wrong with it, as the end
 *         of a sentence that begins with the value ("is not a duration"); the result is then
 *         untouched. No answer repeats any of the value: it may be a secret
 */
#ifndef BELFRY_BROKER_CONFIG_VALUE_H
#define BELFRY_BROKER_CONFIG_VALUE_H

#include "base/compiler.h"
#include "base/slice.h"
#include "broker/config_table.h"

#define CONFIG_NUMBER_SIZE 24 /* any number with its unit, with the final zero */

/* COUNT: decimal digits. SIZE: bytes, or with k or m behind them times 1024 or 1024 * 1024.
 * DURATION: seconds, or with ms, s, m or h behind them; the result is in milliseconds. */
MUST_CHECK const char *config_value_number(enum config_kind kind, struct slice text,
					   uint64_t *ret_value);

/* The shortest text that config_value_number() reads back as value. out has CONFIG_NUMBER_SIZE
 * bytes. */
void config_value_number_text(enum config_kind kind, uint64_t value, char *out);

/* on, true, yes, 1 and off, false, no, 0. */
MUST_CHECK const char *config_value_switch(struct slice text, bool *ret_on);

/* The index of the word in `words`, which has | between them. */
MUST_CHECK const char *config_value_choice(struct slice text, const char *words,
					   unsigned *ret_index);

/* NAMESPACE=WHO of `subscribe` and `publish`. *ret_pattern points into text. */
MUST_CHECK const char *config_value_rule(struct slice text, struct slice *ret_pattern,
					 enum config_who *ret_who);

/* NAMESPACE=on or NAMESPACE=off of `history` and `inbox`. *ret_pattern points into text. */
MUST_CHECK const char *config_value_namespace_switch(struct slice text, struct slice *ret_pattern,
						     bool *ret_on);

/* PATH or KID=PATH of `public_key`: what stands before the = is a kid when it has no slash; absent
 * without one. Both point into text. */
void config_value_key_file(struct slice text, struct slice *ret_kid, struct slice *ret_path);

/* Is the text right for that key, as its whole value or as one item of its list? */
MUST_CHECK const char *config_value_check(enum config_key key, struct slice text);

#endif
