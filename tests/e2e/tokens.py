"""JSON Web Tokens with the standard library only (RFC 7519, HS256/384/512)."""

import base64
import hashlib
import hmac
import json
import time

SECRET = "a secret of the end-to-end tests, as long as HS512 wants a key: 64 bytes"

_DIGESTS = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}


def base64url(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def sign(header, payload, secret=SECRET, algorithm="HS256"):
    """Signs header and payload as they are: bytes are taken raw, everything else as JSON."""
    parts = [part if isinstance(part, bytes) else json.dumps(part).encode()
             for part in (header, payload)]
    signed = ".".join(base64url(part) for part in parts)
    digest = hmac.new(secret.encode(), signed.encode(), _DIGESTS[algorithm]).digest()
    return signed + "." + base64url(digest)


def token(user="42", algorithm="HS256", secret=SECRET, lifetime=3600, **claims):
    """A good token of `user`. `lifetime` None: no exp. A claim given as None is left out."""
    payload = {"sub": user}
    if lifetime is not None:
        payload["exp"] = int(time.time()) + lifetime
    payload.update(claims)
    payload = {name: value for name, value in payload.items() if value is not None}
    return sign({"alg": algorithm, "typ": "JWT"}, payload, secret, algorithm)


def unsigned_token(user="42", alg="none", signature=""):
    header = base64url(json.dumps({"alg": alg, "typ": "JWT"}).encode())
    payload = base64url(json.dumps({"sub": user, "exp": int(time.time()) + 3600}).encode())
    return f"{header}.{payload}.{signature}"
