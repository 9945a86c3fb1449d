"""Noise XXhfs with ML-KEM-768 in Python: the tokens e1 and ekem1 beside those of XX, written from docs/noise.md.

Alone it plays vectors: hybrid.py < xxhfs.vectors.json. ML-KEM is that of clients/: for tests only.
"""
import json
import os
import sys

from dissononce.cipher.aesgcm import AESGCMCipher
from dissononce.cipher.chachapoly import ChaChaPolyCipher
from dissononce.dh.x25519.private import PrivateKey
from dissononce.dh.x25519.public import PublicKey
from dissononce.dh.x25519.x25519 import X25519DH
from dissononce.hash.blake2s import Blake2sHash
from dissononce.hash.sha256 import SHA256Hash
from dissononce.processing.impl.cipherstate import CipherState
from dissononce.processing.impl.symmetricstate import SymmetricState

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), *['..'] * 5, 'clients'))
import xlink_mlkem as mlkem  # noqa: E402

MESSAGES = (('e', 'e1'), ('e', 'ee', 'ekem1', 's', 'es'), ('s', 'se'))


class HybridHandshake:
    def __init__(self, symmetric, name, initiator, prologue, static, fixed=None):
        self.symmetric, self.initiator, self.s = symmetric, initiator, static
        self.dh, self.fixed = X25519DH(), fixed or {}
        self.e = self.re = self.rs = self.kem = self.remote_kem = None
        self.messages = list(MESSAGES)
        symmetric.initialize_symmetric(name.encode())
        symmetric.mix_hash(prologue)

    def write_message(self, payload, out):
        for token in self.messages.pop(0):
            if token == 'e':
                self.e = self.dh.generate_keypair(self.fixed.get('e'))
                out += self.e.public.data
                self.symmetric.mix_hash(self.e.public.data)
            elif token == 's':
                out += self.symmetric.encrypt_and_hash(self.s.public.data)
            elif token == 'e1':
                self.kem = mlkem.keygen(self.fixed.get('kem') or os.urandom(64))
                out += self.symmetric.encrypt_and_hash(self.kem[0])
            elif token == 'ekem1':
                shared, ciphertext = mlkem.encaps(self.remote_kem, self.fixed.get('coins') or os.urandom(32))
                out += self.symmetric.encrypt_and_hash(ciphertext)
                self.symmetric.mix_key(shared)
            else:
                self.agree(token)
        out += self.symmetric.encrypt_and_hash(payload)
        return None if self.messages else self.symmetric.split()

    def read_message(self, message, payload):
        def take(length, sealed=True):
            nonlocal message
            length += 16 if sealed and self.symmetric.cipherstate_has_key() else 0
            part, message = message[:length], message[length:]
            return self.symmetric.decrypt_and_hash(part) if sealed else part

        for token in self.messages.pop(0):
            if token == 'e':
                self.re = PublicKey(take(32, False))
                self.symmetric.mix_hash(self.re.data)
            elif token == 's':
                self.rs = PublicKey(take(32))
            elif token == 'e1':
                self.remote_kem = take(1184)
            elif token == 'ekem1':
                self.symmetric.mix_key(mlkem.decaps(self.kem[1], take(1088)))
            else:
                self.agree(token)
        payload += self.symmetric.decrypt_and_hash(message)
        return None if self.messages else self.symmetric.split()

    def agree(self, token):
        mine, theirs = token if self.initiator else reversed(token)
        key, other = self.s if mine == 's' else self.e, self.rs if theirs == 's' else self.re
        self.symmetric.mix_key(self.dh.dh(key, other))


def play(vector):
    """Writes each message of the vector anew, and reads it on the other side."""
    cipher, hash_ = vector['protocol_name'].split('_')[3:]
    raw = {key: bytes.fromhex(value) for key, value in vector.items() if isinstance(value, str) and '_' in key and key != 'protocol_name'}
    dh = X25519DH()

    def side(name):
        fixed = {'e': PrivateKey(raw[f'{name}_ephemeral']), 'kem': raw['init_kem_seed'], 'coins': raw['resp_kem_coins']}
        state = SymmetricState(
            CipherState({'ChaChaPoly': ChaChaPolyCipher, 'AESGCM': AESGCMCipher}[cipher]()),
            {'SHA256': SHA256Hash, 'BLAKE2s': Blake2sHash}[hash_](),
        )
        static = dh.generate_keypair(PrivateKey(raw[f'{name}_static']))
        return HybridHandshake(state, vector['protocol_name'], name == 'init', raw[f'{name}_prologue'], static, fixed)

    sides, ciphers = (side('init'), side('resp')), None
    for index, message in enumerate(vector['messages']):
        payload, expected = bytes.fromhex(message['payload']), bytes.fromhex(message['ciphertext'])
        writer, reader = sides[index % 2], sides[1 - index % 2]
        if index < 3:
            out, back = bytearray(), bytearray()
            ciphers = writer.write_message(payload, out) or ciphers
            reader.read_message(expected, back)
        else:
            out = ciphers[index % 2].encrypt_with_ad(b'', payload)
            back = payload
        assert bytes(out) == expected and bytes(back) == payload, f'message {index}'
    for one in sides:
        assert one.symmetric.get_handshake_hash() == raw['handshake_hash'], 'hash'


if __name__ == '__main__':
    vectors = json.load(sys.stdin)['vectors']
    for vector in vectors:
        play(vector)
    print(len(vectors))
