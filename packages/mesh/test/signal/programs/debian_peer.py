"""Debian's python3-doubleratchet and python3-x3dh as a peer: one JSON command a line, one JSON answer a line. Bytes are hex."""
import asyncio
import json
import sys

import doubleratchet
import x3dh
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from doubleratchet.recommended import HashFunction, diffie_hellman_ratchet_curve25519, kdf_hkdf, kdf_separate_hmacs


class Ratchet(doubleratchet.DoubleRatchet):
    @staticmethod
    def _build_associated_data(associated_data, header):
        raw = bytes([1, 0]) + header.ratchet_pub
        raw += header.previous_sending_chain_length.to_bytes(4, "big") + header.sending_chain_length.to_bytes(4, "big")
        return associated_data + len(raw).to_bytes(4, "big") + raw


class RootKdf(kdf_hkdf.KDF):
    @staticmethod
    def _get_hash_function():
        return HashFunction.SHA_256

    @staticmethod
    def _get_info():
        return b"xlink/1 ratchet root"


class MessageKdf(kdf_separate_hmacs.KDF):
    @staticmethod
    def _get_hash_function():
        return HashFunction.SHA_256


class Aead(doubleratchet.AEAD):
    @staticmethod
    def _cipher(key):
        out = HKDF(hashes.SHA256(), 44, b"\0" * 32, b"xlink/1 ratchet message").derive(key)
        return AESGCM(out[:32]), out[32:]

    @classmethod
    async def encrypt(cls, plaintext, key, associated_data):
        cipher, iv = cls._cipher(key)
        return cipher.encrypt(iv, plaintext, associated_data)

    @classmethod
    async def decrypt(cls, ciphertext, key, associated_data):
        cipher, iv = cls._cipher(key)
        return cipher.decrypt(iv, ciphertext, associated_data)


class State(x3dh.BaseState):
    @staticmethod
    def _encode_public_key(key_format, pub):
        return (b"e" if key_format is x3dh.IdentityKeyFormat.ED_25519 else b"x") + pub


HOW = dict(
    diffie_hellman_ratchet_class=diffie_hellman_ratchet_curve25519.DiffieHellmanRatchet,
    root_chain_kdf=RootKdf,
    message_chain_kdf=MessageKdf,
    message_chain_constant=b"\x02\x01",
    dos_protection_threshold=1000,
    max_num_skipped_message_keys=2000,
    aead=Aead,
)

state = State.create(x3dh.IdentityKeyFormat.ED_25519, x3dh.crypto_provider.HashFunction.SHA_256, b"crossing")
state.generate_pre_keys(3)
ratchet = None
ad = b""


def sent(message):
    header = message.header
    return {
        "key": header.ratchet_pub.hex(),
        "previous": header.previous_sending_chain_length,
        "number": header.sending_chain_length,
        "sealed": message.ciphertext.hex(),
    }


def received(command):
    header = doubleratchet.Header(bytes.fromhex(command["key"]), command["previous"], command["number"])
    return doubleratchet.EncryptedMessage(header, bytes.fromhex(command["sealed"]))


async def answer(command):
    global ratchet, ad
    kind = command["do"]
    if kind == "bundle":
        bundle = state.bundle
        keys = [key.hex() for key in sorted(bundle.pre_keys)]
        return {
            "identity": bundle.identity_key.hex(),
            "prekey": bundle.signed_pre_key.hex(),
            "signature": bundle.signed_pre_key_sig.hex(),
            "oneTime": keys,
        }
    if kind == "passive":
        header = x3dh.Header(*(bytes.fromhex(command[name]) for name in ("identity", "ephemeral", "oneTime", "prekey")))
        secret, ad, pair = await state.get_shared_secret_passive(x3dh.Header(header[0], header[1], header[3], header[2]))
        ratchet, plaintext = await Ratchet.decrypt_initial_message(
            **HOW, shared_secret=secret, own_ratchet_priv=pair.priv, message=received(command), associated_data=ad
        )
        return {"secret": secret.hex(), "plaintext": plaintext.hex()}
    if kind == "active":
        names = ("identity", "prekey", "signature")
        identity, prekey, signature = (bytes.fromhex(command[name]) for name in names)
        bundle = x3dh.Bundle(identity, prekey, signature, frozenset([bytes.fromhex(command["oneTime"])]))
        secret, ad, header = await state.get_shared_secret_active(bundle)
        ratchet, message = await Ratchet.encrypt_initial_message(
            **HOW,
            shared_secret=secret,
            recipient_ratchet_pub=prekey,
            message=bytes.fromhex(command["plaintext"]),
            associated_data=ad,
        )
        return {
            "identity": header.identity_key.hex(),
            "ephemeral": header.ephemeral_key.hex(),
            "associated": ad.hex(),
            **sent(message),
        }
    if kind == "seal":
        return sent(await ratchet.encrypt_message(bytes.fromhex(command["plaintext"]), ad))
    return {"plaintext": (await ratchet.decrypt_message(received(command), ad)).hex()}


for line in sys.stdin:
    print(json.dumps(asyncio.run(answer(json.loads(line)))), flush=True)
