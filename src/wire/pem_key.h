/* wire/pem_key.h - a public key in a PEM file (RFC 7468); a door to BearSSL.
 *
 * Layer   wire (may include: base, libc, BearSSL)
 * Threads any
 * Memory  the caller's
 * Errors  NULL: it was read; else a text for people that goes on after the name of a file
 */
#ifndef BELFRY_WIRE_PEM_KEY_H
#define BELFRY_WIRE_PEM_KEY_H

#include "base/compiler.h"
#include "base/slice.h"
#include "belfry/keyring.h"

#define PEM_KEY_ROOM 8192 /* bytes of the largest object in a file, as DER */

/* Reads `text`, which has one object: BEGIN PUBLIC KEY, BEGIN RSA PUBLIC KEY, or BEGIN CERTIFICATE,
 * of which only the key is looked at: not who signed it, nor until when. A private key is refused,
 * and so is a second object. The key points into `room`, fits any `kid`, has passed
 * signature_check_key() and has the algorithms of its type. */
MUST_CHECK const char *pem_key_read(struct slice text, uint8_t room[PEM_KEY_ROOM],
				    struct jwt_key *ret_key);

#endif
