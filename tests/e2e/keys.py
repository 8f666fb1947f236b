"""Keys for tokens, made anew for each run: pairs, PEM files, JWK sets."""

import base64
import datetime
import functools
import json
import time

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID


class Key:
    """A pair of keys, and what is made of it. `algorithm` is what it signs with unless told."""

    def __init__(self, private, algorithm):
        self.private, self.algorithm = private, algorithm

    def pem(self):
        return self.private.public_key().public_bytes(
            serialization.Encoding.PEM,
            serialization.PublicFormat.SubjectPublicKeyInfo).decode()

    def certificate(self):
        """A certificate that has ended long ago: only its key counts."""
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "id.example")])
        builder = x509.CertificateBuilder(
            name, name, self.private.public_key(), 7, datetime.datetime(2020, 1, 1),
            datetime.datetime(2021, 1, 1))
        return builder.sign(self.private, hashes.SHA256()).public_bytes(
            serialization.Encoding.PEM).decode()

    def jwk(self, **members):
        kind = jwt.algorithms.get_default_algorithms()[self.algorithm]
        made = json.loads(kind.to_jwk(self.private.public_key()))
        made.pop("key_ops", None)
        return made | members

    def token(self, user="42", algorithm=None, lifetime=3600, headers=None, **claims):
        payload = {"sub": user, "exp": int(time.time()) + lifetime} | claims
        return jwt.encode({name: value for name, value in payload.items() if value is not None},
                          self.private, algorithm or self.algorithm, headers)


def key(algorithm="ES256", name=""):
    """One pair for each algorithm and name."""
    return _make(algorithm, name)


@functools.cache
def _make(algorithm, _name):
    if algorithm.startswith("RS"):
        return Key(rsa.generate_private_key(65537, 2048), algorithm)
    curve = ec.SECP384R1() if algorithm == "ES384" else ec.SECP256R1()
    return Key(ec.generate_private_key(curve), algorithm)


def jwk_set(*keys):
    return json.dumps({"keys": list(keys)})


def secret_jwk(secret, **members):
    encoded = base64.urlsafe_b64encode(secret.encode()).rstrip(b"=").decode()
    return {"kty": "oct", "k": encoded} | members
