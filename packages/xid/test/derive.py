"""Derives the vectors of this package a second time, from the README's section "Formats" and docs/PROTOCOL.md 2.1 alone.

    python3 derive.py < vectors.json

prints one JSON line for each vector: the DID, the seed, the X25519 key, and what certificates say.
It needs `cryptography`.
"""

import hashlib
import hmac
import json
import sys

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa  # noqa: F401
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA384

ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def lp(*parts):
    out = b""
    for part in parts:
        if isinstance(part, int):
            part = part.to_bytes(8, "big")
        if isinstance(part, str):
            part = part.encode()
        out += len(part).to_bytes(4, "big") + part
    return out


def hkdf(ikm, info, length):
    key = hmac.new(bytes(32), ikm, hashlib.sha256).digest()
    out, block, n = b"", b"", 1
    while len(out) < length:
        block = hmac.new(key, block + info + bytes([n]), hashlib.sha256).digest()
        out, n = out + block, n + 1
    return out[:length]


def base58(data):
    number, text = int.from_bytes(data, "big"), ""
    while number:
        number, rest = divmod(number, 58)
        text = ALPHABET[rest] + text
    return text


def unbase58(text):
    number = 0
    for letter in text:
        number = number * 58 + ALPHABET.index(letter)
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def raw(key):
    return key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def b64(text):
    import base64

    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def derive(vector):
    info = lp("xlink/1 xid", vector["verifier"], vector["epoch"], vector.get("device") or "")
    seed = hkdf(bytes.fromhex(vector["master"]), info, 32)
    public = raw(Ed25519PrivateKey.from_private_bytes(seed))
    agreement = X25519PrivateKey.from_private_bytes(hkdf(seed, b"xlink/1 identity x25519", 32))
    return {
        "seed": seed.hex(),
        "did": "did:key:z" + base58(b"\xed\x01" + public),
        "x25519": raw(agreement).hex(),
    }


def key_of(did):
    return Ed25519PublicKey.from_public_bytes(unbase58(did[len("did:key:z"):])[2:])


def check(statement):
    """Whether a statement of a registrar, or a token, is signed as the README says."""
    s = statement
    scopes = " ".join(s.get("scopes", []))
    if s["kind"] == "token":
        message = lp("xlink/1 xid token", s["registrar"], s["class"], s["epoch"], s["audience"], s["did"])
        key = serialization.load_der_public_key(b64(s["spki"]))
        pss = padding.PSS(mgf=padding.MGF1(SHA384()), salt_length=48)
        key.verify(b64(s["signature"]), b64(s["prefix"]) + message, pss, SHA384())
        return True
    parts = {
        "certificate": lambda: (
            "xlink/1 xid certificate", s["registrar"], s["did"], s["audience"], s["class"], scopes,
            s["epoch"], s["notBefore"], s["notAfter"],
        ),
        "revocation": lambda: ("xlink/1 xid revocation", s["registrar"], s["did"], s["notAfter"]),
        "issuer-key": lambda: (
            "xlink/1 xid issuer key", s["registrar"], s["class"], scopes, s["epoch"], b64(s["spki"]),
        ),
    }[s["kind"]]()
    key_of(s["registrar"]).verify(b64(s["signature"]), lp(*parts))
    return True


if __name__ == "__main__":
    for one in json.load(sys.stdin):
        if "statement" in one:
            print(json.dumps({"signed": check(one["statement"])}))
        else:
            print(json.dumps(derive(one)))
