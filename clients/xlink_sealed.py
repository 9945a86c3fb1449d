#!/usr/bin/env python3
"""A sealed client of xLink in Python: an example of docs/PROTOCOL.md, whose sections are named below.

Seals requests, opens sealed answers, and needs `cryptography` only. Copy this file. Version 2 needs xlink_mlkem.py beside it, and
a service that has an ML-DSA key (version 3) xlink_mldsa.py, unless your `cryptography` has ML-DSA.

    python3 xlink_sealed.py https://api.example.com --key sk_test_1 POST /orders --type application/json --data '{"n":1}'

It discovers the service (12.6), enrolls its identity under the API key (12.7), seals the request (12.1) and opens the
sealed answer (12.5) or the signed refusal (12.4). The API key is never sent in the place of an envelope: where a client may
fall back to it (12.9), this one stops. State: identity.der (2.4, keep it secret) and memory.json (12.6).

--version 2 encrypts by X25519 and ML-KEM-768. That ML-KEM is plain Python: SLOW AND NOT CONSTANT-TIME, to be read and tried.
Not in it: GET and HEAD (the header form, 12.2), shares, succession and version 3 of its own identity.
"""

import argparse
import base64
import fcntl
import hashlib
import hmac
import http.client
import ipaddress
import json
import os
import re
import socket
import ssl
import struct
import sys
import time
import unicodedata
import urllib.parse
import zlib

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

try:  # only to verify records and documents of services of version 3
    from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PublicKey
except ImportError:
    MLDSA65PublicKey = None

try:  # only for version 2
    import xlink_mlkem as mlkem
except ImportError:
    mlkem = None
try:  # where `cryptography` has no ML-DSA
    import xlink_mldsa as mldsa
except ImportError:
    mldsa = None

MAX, WINDOW = 2**53 - 1, 30_000
SEALED, SIGNED = {1: 'X25519+A256GCM+Ed25519', 2: 'X25519+MLKEM768+A256GCM+Ed25519'}, 'Ed25519'
ENVELOPE, ANSWER = 'application/xlink-envelope', 'application/xlink-answer'


class XlinkError(Exception):
    """id: an error id of the protocol; cause: the one behind it; signed: a refusal that the service signed"""

    def __init__(self, id, detail='', cause=None):
        super().__init__(id + (f' ({detail})' if detail else '') + (f', because of {cause}' if cause else ''))
        self.id, self.cause = id, cause


def need(ok, id, detail=''):
    if not ok:
        raise XlinkError(id, detail)


# ---------------------------------------------------------------- 1: notation
def u8(n):
    return bytes([n])


def u32(n):
    return struct.pack('>I', n)


def u64(n):
    return struct.pack('>Q', n)


def LP(*parts):
    return b''.join(u32(len(p)) + p for p in parts)


def utf8(s):
    return s.encode('utf-8')


def sha(b):
    return hashlib.sha256(b).digest()


def hkdf(ikm, info, n):
    return HKDF(algorithm=hashes.SHA256(), length=n, salt=None, info=info).derive(ikm)


def raw_public(key):
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)


def now_ms():
    return time.time_ns() // 1_000_000


def b64e(b):
    return base64.urlsafe_b64encode(b).rstrip(b'=').decode()


def b64d(s, n=None):
    """the bytes, or None if the text is not canonical or not of n bytes"""
    if not isinstance(s, str) or not re.fullmatch('[A-Za-z0-9_-]*', s) or len(s) % 4 == 1:
        return None
    b = base64.urlsafe_b64decode(s + '=' * (-len(s) % 4))
    return b if b64e(b) == s and n in (None, len(b)) else None


def is_int(x, lo=0, hi=MAX):
    return isinstance(x, int) and not isinstance(x, bool) and lo <= x <= hi


def u16(s):
    return len(s.encode('utf-16-le', 'surrogatepass')) // 2


# ---------------------------------------------------------------- 2: identity
P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D25519 = -121665 * pow(121666, P - 2, P) % P


def _add(p, q):
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D25519 % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def _mul(s, p):
    r = (0, 1, 1, 0)
    while s:
        if s & 1:
            r = _add(r, p)
        p, s = _add(p, p), s >> 1
    return r


def strong_key(b):
    """2.3: canonical, on the curve, not of small order, in the prime-order subgroup"""
    v = int.from_bytes(b, 'little')
    y, sign = v & (2**255 - 1), v >> 255
    if y >= P:
        return False
    u, w = (y * y - 1) % P, (D25519 * y * y + 1) % P
    x = u * pow(w, 3, P) % P * pow(u * pow(w, 7, P) % P, (P - 5) // 8, P) % P
    if w * x * x % P != u:
        x = x * pow(2, (P - 1) // 4, P) % P
        if w * x * x % P != u:
            return False
    if x == 0 and sign:
        return False
    if x & 1 != sign:
        x = P - x
    a = (x, y, 1, x * y % P)
    ident = lambda p: p[0] % P == 0 and (p[1] - p[2]) % P == 0
    return not ident(_mul(8, a)) and ident(_mul(L, a))


def ed_ok(pk, msg, sig):
    """2.3. OpenSSL compares the encoding of [S]B - [h]A with R and refuses S >= L; the rest is here"""
    if sig is None or len(sig) != 64 or int.from_bytes(sig[32:], 'little') >= L or sig[:32] == b'\1' + bytes(31):
        return False
    try:
        Ed25519PublicKey.from_public_bytes(pk).verify(sig, msg)
        return True
    except (InvalidSignature, ValueError):
        return False


def dsa_ok(pk, msg, sig, ctx):
    if MLDSA65PublicKey is None:
        need(
            mldsa,
            'UNSUPPORTED',
            'the service has an ML-DSA key: that needs a newer `cryptography`, or xlink_mldsa.py',
        )
        return mldsa.verify(pk, msg, sig, ctx)
    try:
        MLDSA65PublicKey.from_public_bytes(pk).verify(sig, msg, ctx)
        return True
    except (InvalidSignature, ValueError):
        return False


ALPHABET = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'
DID = re.compile('did:key:z6Mk[1-9A-HJ-NP-Za-km-z]{44}')


def did_of(pk):
    v, s = int.from_bytes(b'\xed\x01' + pk, 'big'), ''
    while v:
        v, r = divmod(v, 58)
        s = ALPHABET[r] + s
    return 'did:key:z' + s


def did_key(did):
    need(isinstance(did, str) and DID.fullmatch(did), 'INVALID_DID')
    v = 0
    for c in did[9:]:
        v = v * 58 + ALPHABET.index(c)
    need(v < 1 << 272, 'INVALID_DID')
    b = v.to_bytes(34, 'big')
    need(b[:2] == b'\xed\x01', 'INVALID_DID')
    need(strong_key(b[2:]), 'INVALID_DID:WEAK_KEY')
    return b[2:]


PKCS8 = bytes.fromhex('302e020100300506032b657004220420')


class Identity:
    def __init__(self, seed, version=1):
        self.version = version
        need(version == 1 or mlkem, 'UNSUPPORTED', 'version 2 needs xlink_mlkem.py')
        self.key = Ed25519PrivateKey.from_private_bytes(seed)
        self.did = did_of(raw_public(self.key.public_key()))
        self.xkey = X25519PrivateKey.from_private_bytes(hkdf(seed, b'xlink/1 identity x25519', 32))
        self.x = raw_public(self.xkey.public_key())
        self.kem, self.dk = (
            mlkem.keygen(hkdf(seed, b'xlink/1 identity ml-kem-768', 64)) if version == 2 else (None, None)
        )

    @classmethod
    def load(cls, path, version=1):
        """(identity, whether it is new)"""
        try:
            fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            b = open(path, 'rb').read()
            need(len(b) == 48 and b[:16] == PKCS8, 'INVALID_PKCS8', path)
            return cls(b[16:], version), False
        with os.fdopen(fd, 'wb') as f:
            seed = os.urandom(32)
            f.write(PKCS8 + seed)
            f.flush()
            os.fsync(f.fileno())
        return cls(seed, version), True

    def record(self):
        """3: with the keys that are derived from the seed"""
        r = {
            'did': self.did,
            'epoch': int(time.time()),
            'keyEpoch': 0,
            'notBefore': 0,
            'notAfter': MAX,
            'x25519': b64e(self.x),
        }
        if self.kem:
            r['mlKem768'] = b64e(self.kem)
        r['signature'] = b64e(self.key.sign(record_transcript(r)))
        return r


# ---------------------------------------------------------------- 3: key records and successions
RECORD, SUCCESSION, DISCOVERY = b'xlink/1 key-record', b'xlink/1 succession', b'xlink/1 discovery'


def raw(o, name):
    return b64d(o[name]) if name in o else b''


def record_transcript(r):
    return LP(
        RECORD,
        utf8(r['did']),
        u64(r['epoch']),
        u64(r['keyEpoch']),
        u64(r['notBefore']),
        u64(r['notAfter']),
        raw(r, 'x25519'),
        raw(r, 'mlKem768'),
        raw(r, 'mlDsa65'),
        raw(r, 'next'),
    )


def check_record(r, did):
    K = 'KEY_RECORD_INVALID'
    need(isinstance(r, dict) and r.get('did') == did, K)
    pk = did_key(did)
    for n in ('epoch', 'keyEpoch', 'notBefore', 'notAfter'):
        need(is_int(r.get(n)), K, n)
    for n, size, must in (
        ('x25519', 32, True),
        ('signature', 64, True),
        ('mlKem768', 1184, False),
        ('mlDsa65', 1952, False),
        ('next', 32, False),
        ('pqSignature', 3309, False),
    ):
        need(b64d(r[n], size) is not None if n in r else not must, K, n)
    need('mlDsa65' not in r or 'mlKem768' in r, K)
    need(('mlDsa65' in r) == ('pqSignature' in r) and r['notAfter'] >= r['notBefore'], K)
    t = record_transcript(r)
    need(ed_ok(pk, t, b64d(r['signature'])), K, 'signature')
    need('mlDsa65' not in r or dsa_ok(b64d(r['mlDsa65']), t, b64d(r['pqSignature']), RECORD), K, 'pqSignature')


SAME = ('keyEpoch', 'notBefore', 'notAfter', 'x25519', 'mlKem768', 'mlDsa65', 'next')


def compare_record(old, new):
    """3.1, both valid; the record to remember"""
    same = all(old.get(n) == new.get(n) for n in SAME)
    if same:
        return new if new['epoch'] > old['epoch'] else old
    need(new['epoch'] > old['epoch'], 'KEY_RECORD_ROLLED_BACK')
    need(all(n in new for n in ('mlKem768', 'mlDsa65') if n in old), 'KEY_RECORD_DOWNGRADED')
    need('mlDsa65' not in old or old['mlDsa65'] == new['mlDsa65'], 'KEY_RECORD_INVALID')
    need('next' not in old or old['next'] == new.get('next'), 'KEY_RECORD_INVALID')
    need(new['keyEpoch'] >= old['keyEpoch'], 'KEY_RECORD_ROLLED_BACK')
    return new


def succession_form(s):
    S = 'SUCCESSION_INVALID'
    need(isinstance(s, dict), S)
    try:
        did_key(s.get('from')), did_key(s.get('to'))
    except XlinkError:
        raise XlinkError(S)
    need(s['from'] != s['to'] and is_int(s.get('issuedAt')) and is_int(s.get('overlapMs'), 0, 7_776_000_000), S)
    for n, size, must in (
        ('fromSignature', 64, True),
        ('toSignature', 64, True),
        ('fromMlDsa65', 1952, False),
        ('toMlDsa65', 1952, False),
        ('fromPqSignature', 3309, False),
        ('toPqSignature', 3309, False),
        ('next', 32, False),
    ):
        need(b64d(s[n], size) is not None if n in s else not must, S, n)
    need(all((w + 'MlDsa65' in s) == (w + 'PqSignature' in s) for w in ('from', 'to')), S)


def succession_transcript(s):
    return LP(
        SUCCESSION,
        utf8(s['from']),
        utf8(s['to']),
        u64(s['issuedAt']),
        u64(s['overlapMs']),
        raw(s, 'fromMlDsa65'),
        raw(s, 'toMlDsa65'),
        raw(s, 'next'),
    )


def chain_form(chain):
    S = 'SUCCESSION_INVALID'
    need(isinstance(chain, list) and 1 <= len(chain) <= 16, S)
    for s in chain:
        succession_form(s)
    need(all(a['to'] == b['from'] for a, b in zip(chain, chain[1:])), S)
    dids = [chain[0]['from']] + [s['to'] for s in chain]
    need(len(set(dids)) == len(dids), S)


def chain_leads(chain, known, record):
    """3.4: from known (a record, or only a DID) to record"""
    S = 'SUCCESSION_INVALID'
    at = next((i for i, s in enumerate(chain) if s['from'] == known['did']), None)
    need(at is not None, S)
    did, dsa, nxt = known['did'], known.get('mlDsa65'), known.get('next')
    for s in chain[at:]:
        need(s['from'] == did, S)
        need(dsa is None or s.get('fromMlDsa65') == dsa, S)
        need(nxt is None or b64e(sha(utf8(s['to']))) == nxt, 'SUCCESSION_INVALID:NOT_NEXT')
        t = succession_transcript(s)
        for w in ('from', 'to'):
            need(ed_ok(did_key(s[w]), t, b64d(s[w + 'Signature'])), S)
            need(
                w + 'MlDsa65' not in s or dsa_ok(b64d(s[w + 'MlDsa65']), t, b64d(s[w + 'PqSignature']), SUCCESSION), S
            )
        did, dsa, nxt = s['to'], s.get('toMlDsa65'), s.get('next')
    need(did == record['did'] and dsa in (None, record.get('mlDsa65')) and nxt in (None, record.get('next')), S)


# ---------------------------------------------------------------- 5 to 8: envelopes of versions 1 and 2
ORDER = [
    'version',
    'suite',
    'kind',
    'from',
    'to',
    'timestamp',
    'nonce',
    'keyEpoch',
    'scope',
    'request',
    'fields',
    'fieldsDigest',
    'contentDigest',
    'contentType',
    'inReplyTo',
    'ephemeralPub',
    'kemCiphertext',
    'payload',
    'signature',
    'pqSignature',
]
BINARY = {
    'nonce': 16,
    'fieldsDigest': 32,
    'contentDigest': 32,
    'inReplyTo': 16,
    'ephemeralPub': 32,
    'kemCiphertext': 1088,
    'signature': 64,
    'pqSignature': 3309,
}
HEADER_NAME = r"[!#-'*+\-.0-9^-z|~]+"
SHAPE = {
    'from': DID,
    'to': DID,
    'scope': re.compile(r'[A-Za-z0-9][A-Za-z0-9:._/-]{0,127}|\*'),
    'request': re.compile(r'[A-Z][A-Z-]{0,31} [!#-\[\]-~]{1,8192}'),
}


def label(e):
    return utf8(f"xlink/1 {e['kind']} v{e['version']} {e['suite']}")


def header(e):
    def part(n):
        x = e.get(n)
        return b'' if x is None else b64d(x) if n in BINARY else u64(x) if isinstance(x, int) else utf8(x)

    return LP(label(e), *[part(n) for n in ORDER[:17]])


def transcript(e, payload):
    return LP(label(e), sha(header(e)), sha(payload))


def write(e):
    return json.dumps({n: e[n] for n in ORDER if n in e}, separators=(',', ':')).encode()


def read_envelope(b, limit, kind, version):
    """5.2, 5.3 for an answer (its payload travels beside it) or a refusal"""
    need(len(b) <= limit, 'ENVELOPE_TOO_LARGE')
    X = 'PARSE_FAILED:SYNTAX'
    try:
        s = b.decode('utf-8')
    except UnicodeDecodeError:
        raise XlinkError(X)
    ws = r'[ \t\r\n]*'
    member = re.compile(
        rf'{ws}"([!#-\[\]-~]{{1,64}})"{ws}:{ws}(?:"([ !#-\[\]-~]*)"|(0|[1-9][0-9]{{0,15}}(?![0-9]))){ws}([,}}])'
    )
    m = re.compile(rf'{ws}\{{').match(s)
    need(m, X)
    pos, e, end = m.end(), {}, ','
    while end == ',':
        m = member.match(s, pos)
        need(m, X)
        need(m[1] not in e, 'PARSE_FAILED:DUPLICATE_FIELD')
        e[m[1]] = int(m[3]) if m[3] is not None else m[2]
        pos, end = m.end(), m[4]
    need(re.compile(ws).fullmatch(s, pos), X)
    need(all(n in ORDER for n in e), 'PARSE_FAILED:UNKNOWN_FIELD')
    M, F = 'PARSE_FAILED:MISSING_FIELD', 'PARSE_FAILED'
    need('version' in e, M)
    need(isinstance(e['version'], int), F)
    need(e['version'] in (1, 2, 3), 'PARSE_FAILED:UNKNOWN_VERSION')
    need('suite' in e, M)
    need(isinstance(e['suite'], str), F)
    # a client is answered in the version that its record and the one of the service have in common (4.3)
    need(e['version'] == version and e['suite'] in (SEALED[version], SIGNED), 'PARSE_FAILED:UNKNOWN_VERSION')
    need('kind' in e, M)
    need(
        e['kind']
        in (
            ('message', 'request', 'answer')
            if e['suite'] == SEALED[version]
            else ('message', 'request', 'receipt', 'refusal')
        ),
        F,
    )
    need(e['kind'] == kind, 'KIND_NOT_ACCEPTED')
    must = ['from', 'to', 'timestamp', 'nonce', 'scope', 'inReplyTo', 'signature'] + (
        ['keyEpoch', 'ephemeralPub'] + ['kemCiphertext'] * (version == 2) if kind == 'answer' else ['request']
    )
    may = ['request'] if kind == 'answer' else ['payload']
    for n in ORDER[3:]:
        if n not in e:
            need(n not in must, M, n)
            continue
        need(n in must or n in may, 'PARSE_FAILED:UNKNOWN_FIELD', n)
        x = e[n]
        if n in ('timestamp', 'keyEpoch'):
            need(is_int(x, 1 if n == 'timestamp' else 0), F, n)
        elif n == 'payload':
            need(b64d(x), F, n)
        elif n in BINARY:
            need(b64d(x, BINARY[n]) is not None, F, n)
        else:
            need(isinstance(x, str) and SHAPE[n].fullmatch(x), F, n)
    return e


def x25519(key, pub):
    try:
        return key.exchange(X25519PublicKey.from_public_bytes(pub))  # all zero: ValueError
    except ValueError:
        return None


def make_ikm(e, ss, recipient_x, kem_secret=b'', recipient_kem=b''):
    """7.1: what X25519 and ML-KEM agreed on, bound to the keys that they agreed by"""
    return (
        kem_secret + ss + raw(e, 'kemCiphertext') + b64d(e['ephemeralPub']) + recipient_kem + recipient_x + label(e)
    )


def key_schedule(e, ikm):
    okm = hkdf(ikm, LP(label(e), utf8(e['from']), utf8(e['to'])), 76)
    return okm[:32], okm[32:64], okm[64:]


def request_line(method, target):
    """11"""
    t = ''.join(
        chr(b) if b == 0x21 or 0x23 <= b <= 0x5B or 0x5D <= b <= 0x7E else '%%%02X' % b
        for b in target.encode('utf-8')
    )
    m = re.sub('[a-z]', lambda c: c[0].upper(), method)  # a to z and nothing else
    need(re.fullmatch('[A-Z][A-Z-]{0,31}', m) and 1 <= len(t) <= 8192, 'INVALID_REQUEST', 'method or target')
    return m, t, f'{m} {t}'


NOT_SEALED = set(
    '''accept-encoding authorization connection content-encoding content-length content-type expect host keep-alive
proxy-authorization proxy-connection te trailer transfer-encoding upgrade xlink-envelope xlink-sealed forwarded via x-rewrite-url x-client-ip
x-cluster-client-ip true-client-ip remote-user x-remote-user'''.split()
)
NOT_SEALED_PREFIX = (
    'x-forwarded-',
    'x-real-',
    'x-original-',
    'client-cert',
    'x-client-cert',
    'x-ssl-',
    'ssl-client-',
    'x-auth-request-',
    'x-envoy-',
    'x-arr-',
    'cf-',
    'fastly-',
    'x-amzn-',
    'x-azure-',
    'x-ms-client-principal',
    'x-goog-',
)
ALSO_IN_CLEAR = ('accept', 'baggage', 'traceparent', 'tracestate', 'user-agent')
CONTROL = re.compile('[\x00-\x08\x0a-\x1f\x7f]')


def sealed_headers(headers):
    """12.1: names in lower case, sorted; of one that comes twice each"""
    out = []
    for n, v in headers:
        n = n.lower()
        need(re.fullmatch(HEADER_NAME, n) and len(n) <= 256 and not CONTROL.search(v), 'INVALID_REQUEST', n)
        if n not in NOT_SEALED and not n.startswith(NOT_SEALED_PREFIX):
            out.append((n, v))
    return sorted(out, key=lambda p: p[0])


def seal_request(me, service, version, line, scope, content, ctype, headers, nonce, timestamp):
    """9 and 7, body form"""
    need(service['notAfter'] >= now_ms(), 'KEY_RECORD_EXPIRED')
    eph = X25519PrivateKey.generate()
    e = {
        'version': version,
        'suite': SEALED[version],
        'kind': 'request',
        'from': me.did,
        'to': service['did'],
        'timestamp': timestamp,
        'nonce': b64e(nonce),
        'keyEpoch': service['keyEpoch'],
        'scope': scope,
        'request': line,
        'ephemeralPub': b64e(raw_public(eph.public_key())),
    }
    rx = b64d(service['x25519'])
    ss = x25519(eph, rx)
    need(ss is not None, 'KEY_AGREEMENT_FAILED')
    secret = kem = b''
    if version == 2:
        kem = b64d(service['mlKem768'])
        need(mlkem.check_ek(kem), 'KEY_AGREEMENT_FAILED')
        secret, ciphertext = mlkem.encaps(kem, os.urandom(32))
        e['kemCiphertext'] = b64e(ciphertext)
    key, commitment, iv = key_schedule(e, make_ikm(e, ss, rx, secret, kem))
    frame = LP(utf8(me.did), utf8(ctype), LP(*[utf8(x) for p in headers for x in p]))
    payload = commitment + AESGCM(key).encrypt(iv, frame + content, header(e))
    e['payload'] = b64e(payload)
    e['signature'] = b64e(me.key.sign(transcript(e, payload)))
    return write(e)


def sign_request(me, to, line, scope, content):
    e = {
        'version': 1,
        'suite': SIGNED,
        'kind': 'request',
        'from': me.did,
        'to': to,
        'timestamp': now_ms(),
        'nonce': b64e(os.urandom(16)),
        'scope': scope,
        'request': line,
        'payload': b64e(content),
    }
    e['signature'] = b64e(me.key.sign(transcript(e, content)))
    return write(e), e['nonce']


def text_of(b):
    try:
        s = b.decode('utf-8')
    except UnicodeDecodeError:
        raise XlinkError('DECRYPT_FAILED:PARSE')
    need(not CONTROL.search(s), 'DECRYPT_FAILED:PARSE')
    return s


def open_frame(pt, sender):
    """7.3 of an answer: content type, headers, status, content"""
    f, F = LP(utf8(sender)), 'DECRYPT_FAILED:PARSE'
    need(pt[: len(f)] == f, 'DECRYPT_FAILED:SENDER_MISMATCH')

    def block(b, at):
        need(at + 4 <= len(b), F)
        end = at + 4 + int.from_bytes(b[at : at + 4], 'big')
        need(end <= len(b), F)
        return b[at + 4 : end], end

    c, pos = block(pt, len(f))
    ctype = text_of(c)
    h, pos = block(pt, pos)
    s, pos = block(pt, pos)
    headers, at = [], 0
    while at < len(h):
        n, at = block(h, at)
        v, at = block(h, at)
        n = text_of(n)
        need(len(n) <= 256 and re.fullmatch(HEADER_NAME, n), F)
        headers.append((n, text_of(v)))
    need(len(s) == 8 and 200 <= int.from_bytes(s, 'big') <= 599, F)
    need(pos <= 65536 and len(pt) - pos <= 65536, F)
    return ctype, headers, int.from_bytes(s, 'big'), pt[pos:]


# ---------------------------------------------------------------- 12.6: discovery
def check_origin(origin, local):
    """checks 1 and 2; (scheme, host for the connection, port, host as `hosts` has it)"""
    u = urllib.parse.urlsplit(origin)
    need(u.scheme == 'https' or local and u.scheme == 'http', 'DISCOVERY_FAILED:INSECURE')
    host, port = (u.hostname or '').rstrip('.'), u.port
    need(host and u.username is None and u.path in ('', '/') and not u.query, 'DISCOVERY_FAILED', 'not an origin')
    ip = None
    try:
        ip = ipaddress.ip_address(host)
    except ValueError:
        if re.fullmatch(
            r'(0x[0-9a-f]*|[0-9]+)(\.(0x[0-9a-f]*|[0-9]+)){0,3}', host, re.I
        ):  # 127.1, 0x7f000001, 017700000001 …
            try:
                ip = ipaddress.ip_address(socket.inet_aton(host))
            except OSError:
                raise XlinkError('DISCOVERY_FAILED:PRIVATE_ADDRESS', 'a number that is no address')
    if ip is not None and ip.version == 6:
        v4 = any(ip in ipaddress.ip_network(n) for n in ('::/96', '64:ff9b::/96'))
        inner = ip.ipv4_mapped or ip.sixtofour or (ipaddress.ip_address(int(ip) & 0xFFFFFFFF) if v4 else None)
        private = not ip.is_global or inner is not None and not inner.is_global
    else:
        private = ip is not None and not ip.is_global
    bad = host == 'localhost' or host.endswith('.localhost') or private or ip is not None and ip.is_multicast
    need(local or not bad, 'DISCOVERY_FAILED:PRIVATE_ADDRESS')
    usual = 443 if u.scheme == 'https' else 80
    shown = f'[{host}]' if ':' in host else host
    return u.scheme, host, port or usual, shown if port in (None, usual) else f'{shown}:{port}'


def good_text(x, most=None):
    if not isinstance(x, str):
        return False
    try:
        x.encode('utf-8')
    except UnicodeEncodeError:
        return False
    return most is None or u16(x) <= most


def check_document(d, host, known, pinned, now):
    """checks 7 to 17; known: what is kept of the origin"""
    INV, OTHER = 'DISCOVERY_FAILED:INVALID', 'DISCOVERY_FAILED:OTHER_IDENTITY'
    need(isinstance(d, dict), INV)
    try:
        pk = did_key(d.get('did'))
    except XlinkError:
        raise XlinkError(INV, 'did')
    did, chain = d['did'], d.get('succession')
    before = known['record'] if known else {'did': pinned} if pinned else None
    froms = [s.get('from') for s in chain if isinstance(s, dict)] if isinstance(chain, list) else []
    # what is kept counts before a pin that led to it; a pin on another DID than the kept one must hold as well
    for expected in filter(None, (before and before['did'], pinned)):
        need(did == expected or expected in froms, OTHER)
    try:
        check_record(d.get('keyRecord'), did)
    except XlinkError as x:
        if x.id == 'UNSUPPORTED':
            raise
        raise XlinkError(INV, 'keyRecord', x.id)
    rec = d['keyRecord']
    if 'name' in d:
        n = d['name']
        need(
            good_text(n) and 1 <= len(n) <= 256 and not any(unicodedata.category(c) in ('Cc', 'Cf') for c in n),
            INV,
            'name',
        )
    need(
        isinstance(d.get('mode'), str) and d['mode'] in ('observe', 'hybrid', 'deprecation', 'xlink-only'),
        INV,
        'mode',
    )
    need(isinstance(d.get('acceptsEnvelopes'), bool), INV, 'acceptsEnvelopes')
    for n, lo, hi in (('hosts', 1, 64), ('publicPaths', 0, 1000)):
        need(isinstance(d.get(n), list) and lo <= len(d[n]) <= hi and all(good_text(x, 1024) for x in d[n]), INV, n)
    need(
        is_int(d.get('issuedAt')) and is_int(d.get('notAfter')) and 0 <= d['notAfter'] - d['issuedAt'] <= 300_000,
        INV,
        'issuedAt',
    )
    top = 3 if 'mlDsa65' in rec else 2 if 'mlKem768' in rec else 1
    v = d.get('versions')
    need(
        isinstance(v, list) and 1 <= len(v) <= 3 and all(is_int(x, 1, top) for x in v) and len(set(v)) == len(v),
        INV,
        'versions',
    )
    if 'succession' in d:
        try:
            chain_form(chain)
        except XlinkError:
            raise XlinkError(INV, 'succession')
        need(chain[-1]['to'] == did, INV, 'succession')
    ends = d.get('endpoints', {})
    need(
        isinstance(ends, dict) and len(ends) <= 32 and all(good_text(a) and good_text(b) for a, b in ends.items()),
        INV,
        'endpoints',
    )
    texts = lambda a: LP(*[utf8(x) for x in a])
    order = sorted(ends, key=lambda n: n.encode('utf-16-be'))
    t = LP(
        DISCOVERY,
        texts(d['hosts']),
        utf8(did),
        utf8(d.get('name', '')),
        sha(record_transcript(rec)),
        texts(str(x) for x in v),
        utf8(d['mode']),
        b'\1' if d['acceptsEnvelopes'] else b'',
        texts(x for n in order for x in (n, ends[n])),
        texts(d['publicPaths']),
        sha(LP(*[succession_transcript(s) for s in chain])) if 'succession' in d else b'',
        u64(d['issuedAt']),
        u64(d['notAfter']),
    )
    need(ed_ok(pk, t, b64d(d.get('signature'), 64)), INV, 'signature')
    if 'mlDsa65' in rec:
        sig = b64d(d.get('pqSignature'), 3309)
        need(sig is not None and dsa_ok(b64d(rec['mlDsa65']), t, sig, DISCOVERY), INV, 'pqSignature')
    else:
        need('pqSignature' not in d, INV, 'pqSignature')
    if before and before['did'] != did:
        try:
            chain_leads(chain, before, rec)
        except XlinkError as x:
            raise XlinkError(OTHER, cause=x.id)
    need(host in d['hosts'], 'DISCOVERY_FAILED:OTHER_HOST')
    issued = known['issuedAt'] if known else 0
    clock = max(now, issued)
    need(d['notAfter'] >= clock - 300_000 and d['issuedAt'] <= clock + 300_000, 'DISCOVERY_FAILED:EXPIRED')
    for n in ('enroll', 'key'):
        if n in ends:
            p = ends[n]
            need(
                u16(p) <= 2048 and p.startswith('/') and '#' not in p and not re.match(r'/[\t\r\n]*[/\\]', p), INV, n
            )
    said = [did, v, d['mode'], d['acceptsEnvelopes'], ends.get('enroll'), ends.get('key'), d['publicPaths']]
    need(not known or d['issuedAt'] >= issued or said == known['said'], 'DISCOVERY_FAILED:ROLLED_BACK')
    return rec, said


class Memory:
    """what is known of services (12.6) and what was enrolled, in one file that several processes may share"""

    def __init__(self, path):
        self.path = path

    def _all(self):
        try:
            with open(self.path) as f:
                return json.load(f)
        except FileNotFoundError:
            return {}

    def get(self, origin):
        try:
            return self._all().get(origin)
        except (OSError, ValueError) as x:
            raise XlinkError('SERVICE_MEMORY_FAILED', str(x))

    def change(self, origin, f):
        try:
            with open(self.path + '.lock', 'w') as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                a = self._all()
                a[origin] = f(a.get(origin))
                fd = os.open(self.path + '.new', os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
                with os.fdopen(fd, 'w') as out:
                    json.dump(a, out)
                    out.flush()
                    os.fsync(out.fileno())
                os.replace(self.path + '.new', self.path)
                return a[origin]
        except (OSError, ValueError) as x:
            raise XlinkError('SERVICE_MEMORY_FAILED', str(x))


# ---------------------------------------------------------------- 12: HTTP
class Answer:
    """status, content_type and headers that the service sealed or signed; read() or pieces() for the body. signed: a refusal"""

    def __init__(self, status, ctype, headers, pieces, signed=False):
        self.status, self.content_type, self.headers, self.pieces, self.signed = (
            status,
            ctype,
            headers,
            pieces,
            signed,
        )

    def read(self):
        return b''.join(self.pieces)


class Frames:
    LIMIT = {1: 32768, 2: 131120, 3: 131120, 4: 3373}

    def __init__(self, response):
        self.r = response

    def _read(self, n):
        b = b''
        while len(b) < n:
            try:
                x = self.r.read(n - len(b))
            except (OSError, http.client.HTTPException):
                raise XlinkError('ANSWER_INVALID:BROKEN_OFF')
            need(x, 'ANSWER_INVALID:BROKEN_OFF')
            b += x
        return b

    def next(self, *types):
        t = self._read(1)[0]
        need(t in types, 'ANSWER_INVALID', f'frame of type {t}')
        n = int.from_bytes(self._read(4), 'big')
        need(n <= self.LIMIT[t], 'ANSWER_INVALID', 'length of a frame')
        return t, self._read(n)

    def end(self):
        try:
            x = self.r.read(1)
        except (OSError, http.client.HTTPException):
            raise XlinkError('ANSWER_INVALID:BROKEN_OFF')
        need(not x, 'ANSWER_INVALID', 'something behind the end')


class SealedClient:
    def __init__(
        self,
        origin,
        state,
        api_key=None,
        pinned=None,
        key_header='X-API-Key',
        max_bytes=None,
        local=False,
        timeout=30,
        version=1,
    ):
        self.origin = origin.rstrip('/')
        self.scheme, self.host, self.port, self.shown_host = check_origin(self.origin, local)
        os.makedirs(state, mode=0o700, exist_ok=True)
        self.me, _ = Identity.load(os.path.join(state, 'identity.der'), version)
        self.memory = Memory(os.path.join(state, 'memory.json'))
        self.api_key, self.pinned, self.key_header, self.max_bytes, self.timeout = (
            api_key,
            pinned,
            key_header,
            max_bytes,
            timeout,
        )
        self.nonces, self.shown, self.doc, self.doc_until = {}, 1, None, 0

    # -- plain HTTP, one connection a request
    def _http(self, method, target, headers, body=None, timeout=None):
        cls = http.client.HTTPSConnection if self.scheme == 'https' else http.client.HTTPConnection
        more = {'context': ssl.create_default_context()} if self.scheme == 'https' else {}
        c = cls(self.host, self.port, timeout=timeout or self.timeout, **more)
        c.putrequest(method, target, skip_accept_encoding=True)
        for n, v in headers:
            c.putheader(n, v.encode('utf-8'))
        if body is not None:
            c.putheader('Content-Length', str(len(body)))
        c.endheaders(body)
        return c.getresponse()

    # -- discovery
    def discover(self, fresh=False):
        if self.doc and not fresh and time.monotonic() < self.doc_until:
            return self.doc
        known = self.memory.get(self.origin)
        try:
            d, rec, said = self._document('/.well-known/xlink.json', known)
        except XlinkError as x:
            if x.id != 'DISCOVERY_FAILED:ROLLED_BACK':
                raise
            d, rec, said = self._document(f"/.well-known/xlink.json?issuedSince={known['issuedAt']}", known)

        def change(k):
            k = k or {'issuedAt': 0, 'said': None, 'record': None, 'proven': False, 'enrolled': None}
            if k['record'] and k['record']['did'] == rec['did']:
                k['record'] = compare_record(k['record'], rec)  # check 18
            elif k['record'] and (known is None or k['record']['did'] != known['record']['did']):
                raise XlinkError('DISCOVERY_FAILED:OTHER_IDENTITY', 'another client of this place knows another DID')
            else:
                k['record'] = rec
            if d['issuedAt'] >= k['issuedAt']:
                k['issuedAt'], k['said'] = d['issuedAt'], said
            return k

        self.known = self.memory.change(self.origin, change)
        self.doc = d
        life = min((d['notAfter'] - d['issuedAt']) / 2, max(0, rec['notAfter'] - now_ms()))
        self.doc_until = time.monotonic() + life / 1000
        return d

    def _document(self, target, known):
        deadline = time.monotonic() + 5
        for _ in range(4):
            left = deadline - time.monotonic()
            need(left > 0, 'DISCOVERY_FAILED:TIMEOUT')
            try:
                r = self._http('GET', target, [('Accept', 'application/json')], timeout=left)
                if r.status in (301, 302, 303, 307, 308):
                    u = urllib.parse.urlsplit(
                        urllib.parse.urljoin(self.origin + target, r.getheader('location') or '')
                    )
                    need(f'{u.scheme}://{u.netloc}' == self.origin, 'DISCOVERY_FAILED:REDIRECT')
                    target = u.path + ('?' + u.query if u.query else '')
                    continue
                body = b''
                while r.status == 200 and len(body) <= 327_680:
                    need(time.monotonic() < deadline, 'DISCOVERY_FAILED:TIMEOUT')
                    x = r.read(65536)
                    if not x:
                        break
                    body += x
            except (OSError, http.client.HTTPException) as x:
                raise XlinkError('DISCOVERY_FAILED', str(x))
            break
        else:
            raise XlinkError('DISCOVERY_FAILED:REDIRECT')
        if r.status in (404, 410):
            raise XlinkError(
                'DISCOVERY_FAILED:WITHHELD'
                if self.pinned or known and known['proven']
                else 'DISCOVERY_FAILED:NOT_SUPPORTED'
            )
        need(r.status == 200, 'DISCOVERY_FAILED', f'status {r.status}')
        need(
            re.fullmatch(
                r'application/([^;\s]+\+)?json', (r.getheader('content-type') or '').split(';')[0].strip(), re.I
            ),
            'DISCOVERY_FAILED:INVALID',
            'type',
        )
        need(
            (r.getheader('content-encoding') or 'identity').lower() == 'identity',
            'DISCOVERY_FAILED:INVALID',
            'coding',
        )  # none was asked for
        need(len(body) <= 327_680, 'DISCOVERY_FAILED:TOO_LARGE')
        try:
            d = json.loads(body.decode('utf-8'))
        except (ValueError, RecursionError):
            raise XlinkError('DISCOVERY_FAILED:INVALID', 'no JSON')
        rec, said = check_document(d, self.shown_host, known, self.pinned, now_ms())
        return d, rec, said

    # -- enrollment
    def enroll(self):
        d = self.discover()
        if self.known['enrolled'] and self.known['enrolled'].get('did') == self.me.did:
            return self.known['enrolled']
        need(
            d['mode'] != 'observe',
            'XLINK_NOT_SUPPORTED',
            'the service does not use envelopes yet; this client does not use the key',
        )
        path = d.get('endpoints', {}).get('enroll')
        need(path, 'ENROLLMENT_REFUSED', 'the service offers no enrollment')
        # at a proven service the key is not used (12.9); without a key a service that knows the DID answers as well (12.7)
        key = None if self.known['proven'] else self.api_key
        for last in (False, True):
            _, target, line = request_line('POST', path)
            payload = {'keyRecord': self.me.record()}
            if key is not None:
                payload['keyProof'] = b64e(sha(LP(b'xlink/1 enroll', utf8(self.me.did), utf8(key))))
            env, nonce = sign_request(
                self.me, d['did'], line, 'xlink:enroll', json.dumps(payload, separators=(',', ':')).encode()
            )
            head = [('Content-Type', ENVELOPE), ('Accept', ANSWER + ', application/json')]
            if key is not None:
                head.append((self.key_header, key))
            try:
                r = self._http('POST', target, head, env)
                ctype = (r.getheader('content-type') or '').split(';')[0].strip().lower()
            except (OSError, http.client.HTTPException) as x:
                raise XlinkError('ENROLLMENT_FAILED', str(x))
            if ctype == ANSWER:
                a = self._open(r, nonce, line, now_ms())
                status, body = a.status, a.read()
            elif ctype == ENVELOPE:
                a = self._refusal(r, nonce, line, now_ms())
                status, body = a.status, a.read()
            else:  # 12.5 says both that these answers are sealed for who asks and that they never are
                status, body = r.status, r.read(65537)
            try:
                o = json.loads(body.decode('utf-8'))
            except ValueError:
                o = None
            if status == 200:
                need(
                    isinstance(o, dict)
                    and o.get('did') == self.me.did
                    and isinstance(o.get('client'), str)
                    and isinstance(o.get('scopes'), list),
                    'ENROLLMENT_FAILED',
                    'malformed answer',
                )
                done = {k: o[k] for k in ('did', 'client', 'scopes', 'validUntil') if k in o}
                self.known = self.memory.change(self.origin, lambda k: {**k, 'enrolled': done})
                return done
            id = error_id(o)
            if id == 'NONCE_STORE_UNAVAILABLE:COLD_START' and not last:
                continue
            if id in ('XLINK_REQUIRED', 'API_KEY_BROWNOUT', 'API_KEY_LATCHED', 'API_KEY_SWITCHED_OFF') or key is None:
                return {
                    'did': self.me.did,
                    'client': None,
                    'scopes': [],
                }  # goes on with envelopes: the service may know the DID
            raise XlinkError(id or 'ENROLLMENT_FAILED', f'status {status}')

    # -- a request
    def request(self, method, target, content=b'', ctype='', headers=(), scope='*'):
        d = self.discover()
        self.enroll()
        version = self._version(self.known['record'])
        need(version in d['versions'], 'KEY_AGREEMENT_FAILED:NO_COMMON_VERSION')
        need(
            not (self.api_key and leaks(self.api_key, target, headers)),
            'API_KEY_IN_URL',
            'the API key is in the URL or a header',
        )
        method, target, line = request_line(method, target)
        need(method not in ('GET', 'HEAD'), 'INVALID_REQUEST', 'this client has the body form only')
        sealed = sealed_headers(headers)
        clear = [(n, v) for n, v in sealed if n in ALSO_IN_CLEAR and n != 'accept']
        clear += [
            (n, v) for n, v in headers if n.lower().startswith(NOT_SEALED_PREFIX) or n.lower() in ('forwarded', 'via')
        ]
        accept = ', '.join([ANSWER] + [v for n, v in sealed if n == 'accept'])
        nonce, at, cold = os.urandom(16), now_ms(), False
        for attempt in range(3):
            rec = self.known['record']
            env = seal_request(self.me, rec, self._version(rec), line, scope, content, ctype, sealed, nonce, at)
            try:
                r = self._http(method, target, [('Content-Type', ENVELOPE), ('Accept', accept)] + clear, env)
            except (OSError, http.client.HTTPException) as x:
                raise XlinkError('REQUEST_FAILED', f'{x}; a write may have happened')
            came = now_ms()
            kind = (r.getheader('content-type') or '').split(';')[0].strip().lower()
            if kind == ANSWER:
                return self._open(r, b64e(nonce), line, came)
            if kind == ENVELOPE:
                return self._refusal(r, b64e(nonce), line, came)
            id = None
            if kind == 'application/problem+json' and r.status >= 400:
                try:
                    id = error_id(json.loads(r.read(65536).decode('utf-8')))
                except (ValueError, OSError, http.client.HTTPException):
                    pass
            if (
                id
                and (id in ('KEY_EPOCH_UNKNOWN', 'RECIPIENT_MISMATCH') or id.startswith('DECRYPT_FAILED'))
                and attempt == 0
            ):
                self.discover(fresh=True)
                again = self.known['record']
                if again['did'] == rec['did'] and again['keyEpoch'] != rec['keyEpoch']:
                    continue  # sealed anew under the same nonce and timestamp: one claim covers both
                # for another DID there would be two claims: a write is not sent again (3.4)
            if (
                id == 'NONCE_STORE_UNAVAILABLE:COLD_START'
                and not cold
                and any(n == 'idempotency-key' for n, _ in sealed)
            ):
                cold, nonce, at = True, os.urandom(16), now_ms()
                continue
            if id == 'VERIFICATION_FAILED:DID_NOT_IN_REGISTRY':
                self.known = self.memory.change(self.origin, lambda k: {**k, 'enrolled': None})
            raise XlinkError('ANSWER_INVALID:NOT_SEALED', f'status {r.status}; a write may have happened', id)
        raise XlinkError('ANSWER_INVALID:NOT_SEALED', cause=id)

    def _version(self, record):
        """4.3: the highest that both records have"""
        return 2 if self.me.kem and 'mlKem768' in record else 1

    # -- what comes back
    def _receive(self, b, kind, nonce, line, came, first, limit):
        """10.1 with 10.5; first: (type, bytes) of the first chunk of an answer"""
        e = read_envelope(b, limit, kind, self._version(self.known['record']))
        need(e['to'] == self.me.did, 'RECIPIENT_MISMATCH')
        need(e['inReplyTo'] == nonce, 'ANSWER_INVALID')
        need('request' in e, 'REQUEST_BINDING_REQUIRED')
        need(e['request'] == line, 'REQUEST_BINDING_MISMATCH')
        need(e['timestamp'] >= came - WINDOW, 'TIMESTAMP_EXPIRED')
        need(e['timestamp'] <= came + WINDOW, 'TIMESTAMP_EXPIRED:FUTURE')
        use = (e['to'], e['from'], e['nonce'])
        need(use not in self.nonces, 'REPLAY_DETECTED')
        rec = self.known['record']
        need(e['from'] == rec['did'], 'VERIFICATION_FAILED:DID_NOT_IN_REGISTRY')
        # the floor (4.4): it is of the version that both have, or was not read
        payload = first[1] if first else b64d(e['payload']) if 'payload' in e else b''
        need(
            ed_ok(did_key(e['from']), transcript(e, payload), b64d(e['signature'])),
            'VERIFICATION_FAILED:SIGNATURE_MISMATCH',
        )
        if kind == 'answer':
            need(e['keyEpoch'] == 0, 'KEY_EPOCH_UNKNOWN')
        self.nonces = {u: t for u, t in self.nonces.items() if t > came}
        self.nonces[use] = came + 2 * WINDOW + 1000
        return e, payload

    def _prove(self):
        self.known = self.memory.change(self.origin, lambda k: {**k, 'proven': True})

    def _open(self, response, nonce, line, came):
        fr = Frames(response)
        _, head = fr.next(1)
        t, chunk = fr.next(2, 3)
        try:
            e, payload = self._receive(head, 'answer', nonce, line, came, (t, chunk), 32768)
            ss = x25519(self.me.xkey, b64d(e['ephemeralPub']))
            need(ss is not None, 'DECRYPT_FAILED:KEY_AGREEMENT')
            kem = (mlkem.decaps(self.me.dk, b64d(e['kemCiphertext'])), self.me.kem) if e['version'] == 2 else ()
            ikm = make_ikm(e, ss, self.me.x, *kem)
            commitment = key_schedule(e, ikm)[1]
            need(len(chunk) >= 48 and hmac.compare_digest(chunk[:32], commitment), 'DECRYPT_FAILED:DECRYPTION')
            digest = sha(header(e))
            aead = AESGCM(hkdf(ikm, LP(label(e), b'chunks', digest), 32))

            def open_chunk(i, final, c):
                try:
                    return aead.decrypt(u8(1 if final else 0) + bytes(3) + u64(i), c, digest)
                except InvalidTag:
                    raise XlinkError('DECRYPT_FAILED:DECRYPTION')

            ctype, headers, status, content = open_frame(open_chunk(0, t == 3, chunk[32:]), e['from'])
        except XlinkError as x:
            raise XlinkError('ANSWER_INVALID', cause=None if x.id == 'ANSWER_INVALID' else x.id)
        final = t == 3
        if final:
            fr.end()
        total = len(content)

        def count(n):
            need(self.max_bytes is None or n <= self.max_bytes, 'ANSWER_INVALID:TOO_LARGE')

        count(total)
        nobody = status in (204, 205, 304)
        codings = [
            c.strip().lower() for n, v in headers if n == 'content-encoding' for c in v.split(',') if c.strip()
        ]
        undo = not nobody and not (final and not content)
        need(
            not undo or all(c in ('gzip', 'x-gzip', 'deflate', 'identity') for c in codings),
            'ANSWER_INVALID',
            'content coding',
        )

        def pieces():
            nonlocal total
            yield content
            if final:
                self._prove()
                return
            digest_all, i = hashlib.sha256(chunk[32:]), 1
            while True:
                ty, c = fr.next(2, 3)
                try:
                    pt = open_chunk(i, ty == 3, c)
                except XlinkError as x:
                    raise XlinkError('ANSWER_INVALID', cause=x.id)
                digest_all.update(c)
                i += 1
                total += len(pt)
                count(total)
                if ty == 2:
                    yield pt
                    continue
                _, end = fr.next(4)
                el = utf8(f"xlink/1 answer end v{e['version']} {e['suite']}")
                if not ed_ok(did_key(e['from']), LP(el, digest, u64(i), digest_all.digest()), end):
                    raise XlinkError('ANSWER_INVALID', cause='VERIFICATION_FAILED:SIGNATURE_MISMATCH')
                fr.end()
                self._prove()
                yield pt
                return

        def decoded():
            if nobody:
                return
            ds = []
            for c in reversed(codings if undo else []):
                if c in ('gzip', 'x-gzip'):
                    ds.append(zlib.decompressobj(31))
                elif c == 'deflate':
                    ds.append(zlib.decompressobj())
            try:
                for p in pieces():
                    for z in ds:
                        p = z.decompress(p)
                    yield p
                p = b''
                for z in ds:
                    p = z.decompress(p) + z.flush() if p else z.flush()
                    need(z.eof, 'ANSWER_INVALID', 'content coding')
                yield p
            except zlib.error:
                raise XlinkError('ANSWER_INVALID', 'content coding')

        if final:
            self._prove()  # written before the answer is handed over
        return Answer(status, ctype, headers, decoded())

    def _refusal(self, r, nonce, line, came):
        limit = 10 * 1024 * 1024
        b = b''
        try:
            while len(b) <= limit and (x := r.read(65536)):
                b += x
        except (OSError, http.client.HTTPException):
            raise XlinkError('ANSWER_INVALID:BROKEN_OFF')
        need(len(b) <= limit, 'ANSWER_INVALID:TOO_LARGE')
        try:
            e, payload = self._receive(b, 'refusal', nonce, line, came, None, limit)
            need(payload[:3] != b'\xef\xbb\xbf', 'DECRYPT_FAILED:PARSE')
            try:
                o = json.loads(payload.decode('utf-8'))
            except ValueError:
                raise XlinkError('DECRYPT_FAILED:PARSE')
        except XlinkError as x:
            raise XlinkError('ANSWER_INVALID', cause=None if x.id == 'ANSWER_INVALID' else x.id)
        need(
            isinstance(o, dict) and o.get('status') == r.status and isinstance(o.get('code'), str),
            'ANSWER_INVALID',
            'problem document',
        )
        if o['code'] != 'XLINK_NOT_SUPPORTED':
            self._prove()
        drop = (
            'content-type',
            'content-length',
            'content-encoding',
            'transfer-encoding',
            'content-range',
            'content-digest',
            'repr-digest',
            'etag',
        )
        return Answer(
            r.status,
            'application/problem+json',
            [(n, v) for n, v in r.getheaders() if n.lower() not in drop],
            iter([payload]),
            signed=True,
        )


def error_id(o):
    if not isinstance(o, dict) or not isinstance(o.get('code'), str):
        return None
    return o['code'] + (':' + o['subCode'] if isinstance(o.get('subCode'), str) else '')


def leaks(key, target, headers):
    """12.9, the plain and the percent-encoded forms and Basic: this client refuses where the text takes the place out"""

    def found(s):
        for _ in range(4):
            if key in s:
                return True
            s = urllib.parse.unquote_plus(s)
        return False

    if found(target):
        return True
    for _, v in headers:
        if found(v):
            return True
        for w in re.findall(r'[A-Za-z0-9+/_=-]{8,}', v):
            try:
                if utf8(key) in base64.b64decode(w.rstrip('=').replace('-', '+').replace('_', '/') + '==='):
                    return True
            except ValueError:
                pass
    return False


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('origin')
    p.add_argument('method')
    p.add_argument('target')
    p.add_argument('--key', help='API key, to enroll with')
    p.add_argument('--key-header', default='X-API-Key')
    p.add_argument('--state', default='./xlink-state')
    p.add_argument('--did', help='the DID that the service must have')
    p.add_argument(
        '--version', type=int, choices=(1, 2), default=1, help='of envelopes; 2 is slow and not constant-time'
    )
    p.add_argument('--scope', default='*')
    p.add_argument('--type', default='')
    p.add_argument('--data', default='')
    p.add_argument('-H', action='append', default=[], metavar='NAME: VALUE')
    p.add_argument(
        '--local',
        action='store_true',
        help='for tests: takes http and private addresses (checks 1 and 2 of 12.6 left out)',
    )
    a = p.parse_args()
    headers = [tuple(x.strip() for x in h.split(':', 1)) for h in a.H]
    try:
        c = SealedClient(a.origin, a.state, a.key, a.did, a.key_header, local=a.local, version=a.version)
        r = c.request(a.method, a.target, a.data.encode(), a.type, headers, a.scope)
        print(r.status, r.content_type, '(signed refusal)' if r.signed else '(sealed)', file=sys.stderr)
        for n, v in r.headers:
            print(f'{n}: {v}', file=sys.stderr)
        for piece in r.pieces:
            sys.stdout.buffer.write(piece)
            sys.stdout.buffer.flush()
    except XlinkError as x:
        print('refused:', x, file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
