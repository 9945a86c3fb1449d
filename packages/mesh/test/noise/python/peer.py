"""An agent that speaks xlink-noise.v1 over TCP, on the Noise of Debian's python3-dissononce.

    peer.py connect|listen HOST PORT < {"suite", "seed", "static", "keyRecord", "peer"}

Written from docs/noise.md. XXhfs is played by hybrid.py, on the symmetric state of the same library. Prints what happened, one JSON a line.
"""
import json
import socket
import struct
import sys
from base64 import urlsafe_b64decode, urlsafe_b64encode

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from dissononce.cipher.aesgcm import AESGCMCipher
from dissononce.cipher.chachapoly import ChaChaPolyCipher
from dissononce.dh.x25519.private import PrivateKey
from dissononce.dh.x25519.x25519 import X25519DH
from dissononce.hash.sha256 import SHA256Hash
from dissononce.processing.handshakepatterns.interactive.XX import XXHandshakePattern
from dissononce.processing.impl.cipherstate import CipherState
from dissononce.processing.impl.handshakestate import HandshakeState
from dissononce.processing.impl.symmetricstate import SymmetricState

from hybrid import HybridHandshake

B58 = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'


def lp(*parts):
    return b''.join(struct.pack('>I', len(part)) + part for part in parts)


def b64(data):
    return urlsafe_b64encode(data).rstrip(b'=').decode()


def unb64(text):
    return urlsafe_b64decode(text + '=' * (-len(text) % 4))


def did_of(key):
    number, out = int.from_bytes(b'\xed\x01' + key, 'big'), ''
    while number:
        number, rest = divmod(number, 58)
        out = B58[rest] + out
    return 'did:key:z' + out


def key_of(did):
    number = 0
    for letter in did[len('did:key:z'):]:
        number = number * 58 + B58.index(letter)
    return number.to_bytes(34, 'big')[2:]


class SayingState(SymmetricState):
    """Lets a payload be made of the hash that is signed, and remembers that hash when one is read."""

    before = b''

    def encrypt_and_hash(self, plaintext):
        return super().encrypt_and_hash(plaintext(self.get_handshake_hash()) if callable(plaintext) else plaintext)

    def decrypt_and_hash(self, ciphertext):
        self.before = self.get_handshake_hash()
        return super().decrypt_and_hash(ciphertext)


class Peer:
    def __init__(self, facts):
        self.facts = facts
        self.sign_key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(facts['seed']))
        self.did = did_of(self.sign_key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))
        self.static = X25519DH().generate_keypair(PrivateKey(bytes.fromhex(facts['static'])))

    def payload(self, handshake_hash):
        signed = lp(b'xlink/1 noise static', self.did.encode(), self.static.public.data, handshake_hash)
        claim = {'did': self.did, 'keyRecord': self.facts['keyRecord'], 'sig': b64(self.sign_key.sign(signed))}
        return json.dumps(claim).encode()

    def check(self, payload, remote_static, handshake_hash):
        claim = json.loads(bytes(payload))
        assert claim['did'] == self.facts['peer'], 'another DID'
        signed = lp(b'xlink/1 noise static', claim['did'].encode(), remote_static, handshake_hash)
        Ed25519PublicKey.from_public_bytes(key_of(claim['did'])).verify(unb64(claim['sig']), signed)
        say('identity', did=claim['did'], mlDsa65='mlDsa65' in claim['keyRecord'])

    def handshake(self, initiator):
        _, pattern, _, cipher, _ = self.facts['suite'].split('_')
        cipher = AESGCMCipher() if cipher == 'AESGCM' else ChaChaPolyCipher()
        symmetric = SayingState(CipherState(cipher), SHA256Hash())
        prologue = lp(b'xlink/1 noise', b'tcp', b'', b'')
        if pattern == 'XXhfs':
            return symmetric, HybridHandshake(symmetric, self.facts['suite'], initiator, prologue, self.static)
        state = HandshakeState(symmetric, X25519DH())
        state.initialize(XXHandshakePattern(), initiator, prologue, s=self.static)
        return symmetric, state

    def play(self, wire, initiator):
        symmetric, state = self.handshake(initiator)

        def write(payload):
            out = bytearray()
            ciphers = state.write_message(payload, out)
            wire.send(bytes(out))
            return ciphers

        def read(has_identity):
            payload = bytearray()
            ciphers = state.read_message(wire.receive(), payload)
            if has_identity:
                self.check(payload, state.rs.data, symmetric.before)
            return ciphers

        if initiator:
            write(b'')
            read(True)
            first, second = write(self.payload)
        else:
            read(False)
            write(self.payload)
            first, second = read(True)
        return (first, second) if initiator else (second, first)


class Wire:
    """Messages after their length as u16."""

    def __init__(self, connection):
        self.connection = connection

    def send(self, message):
        self.connection.sendall(struct.pack('>H', len(message)) + message)

    def receive(self):
        return self.take(struct.unpack('>H', self.take(2))[0])

    def take(self, length):
        out = b''
        while len(out) < length:
            part = self.connection.recv(length - len(out))
            if not part:
                raise EOFError('the connection ended')
            out += part
        return out


def say(what, **more):
    print(json.dumps({'what': what, **more}), flush=True)


def rekey(cipher):
    """By hand (Noise 4.2): the library keeps the tag in the key, and begins to count anew."""
    key = cipher.cipher.encrypt(cipher._key, 2**64 - 1, b'', bytes(32))[:32]
    number = cipher._nonce
    cipher.initialize_key(key)
    cipher.set_nonce(number)


def talk(wire, sending, receiving, initiator):
    """Records: 0 data, 1 ready, 2 rekey, 3 close, 4 piece."""
    if initiator:
        assert receiving.decrypt_with_ad(b'', wire.receive()) == b'\x01', 'not ready'
    else:
        wire.send(sending.encrypt_with_ad(b'', b'\x01'))
    wire.send(sending.encrypt_with_ad(b'', b'\x00hello from python'))
    wire.send(sending.encrypt_with_ad(b'', b'\x02'))
    rekey(sending)
    wire.send(sending.encrypt_with_ad(b'', b'\x04under a new '))
    wire.send(sending.encrypt_with_ad(b'', b'\x00key'))
    pieces = b''
    while True:
        record = receiving.decrypt_with_ad(b'', wire.receive())
        if record[0] == 0:
            say('message', text=(pieces + record[1:]).decode()[:80], length=len(pieces + record[1:]))
            pieces = b''
        elif record[0] == 2:
            rekey(receiving)
            say('rekey')
        elif record[0] == 3:
            return say('closed', reason=record[1:].decode())
        elif record[0] == 4:
            pieces += record[1:]


def main():
    mode, host, port = sys.argv[1:]
    peer = Peer(json.loads(sys.stdin.readline()))
    if mode == 'connect':
        connection = socket.create_connection((host, int(port)), timeout=20)
    else:
        server = socket.create_server((host, int(port)))
        say('listening', port=server.getsockname()[1])
        server.settimeout(20)
        connection = server.accept()[0]
        connection.settimeout(20)
    wire = Wire(connection)
    sending, receiving = peer.play(wire, mode == 'connect')
    talk(wire, sending, receiving, mode == 'connect')


if __name__ == '__main__':
    main()
