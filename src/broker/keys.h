/* broker/keys.h - reads the keys that tokens are verified with, from the configuration and the
 * files that it names.
 *
 * Layer   broker (may include everything)
 * Threads main
 * Memory  a keyring with one reference; bytes of files are overwritten before they are freed
 * Errors  told one by one: the key of the configuration, and a text that begins with the file's
 *         name; no text holds a secret
 */
#ifndef BELFRY_BROKER_KEYS_H
#define BELFRY_BROKER_KEYS_H

#include "base/compiler.h"
#include "belfry/config.h"
#include "belfry/keyring.h"

/* Hears of a mistake, or, when it is not wrong, of a doubt. */
typedef void keys_tell(void *owner, enum config_key key, bool is_wrong, const char *text);

/* Reads secret_key, public_key and jwks_file. With `algorithm` a key is used for those of its own
 * algorithms that are named there: a file without such a key is wrong. Without, secret_key is for
 * HS256 alone, and the others for what they are made for. NULL: something is wrong, and was told.
 * Without any key the keyring is empty: no token is good. */
MUST_CHECK struct keyring *keys_read(const struct config *config, uint32_t serial, keys_tell *tell,
				     void *owner);

#endif
