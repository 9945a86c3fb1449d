"""Sections 1 to 4 and 8: encodings, identities, key records, memory of records, successions."""

import functools, hashlib, hmac, json, os, re, struct, sys
import ed

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../../clients'))
import xlink_mldsa as mldsa, xlink_mlkem as mlkem
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

MAX = 2**53 - 1


class Err(Exception):
    def __init__(self, id, cause=None):
        super().__init__(id)
        self.id, self.cause = id, cause


def u8(n):
    return bytes([n])


def u32(n):
    return struct.pack('>I', n)


def u64(n):
    return struct.pack('>Q', n)


def LP(*a):
    return b''.join(u32(len(x)) + x for x in a)


def utf8(s):
    return s.encode('utf-8')


def sha(b):
    return hashlib.sha256(b).digest()


def raw_public(key):
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)


def hkdf(ikm, info, n):
    return HKDF(algorithm=hashes.SHA256(), length=n, salt=None, info=info).derive(ikm)


B64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
B64V = {c: i for i, c in enumerate(B64)}


def b64e(b):
    import base64

    return base64.urlsafe_b64encode(b).rstrip(b'=').decode()


def b64d(s):
    """bytes, or None if the text is not canonical"""
    import base64

    if not re.fullmatch(r'[A-Za-z0-9_-]*', s):
        return None
    m = len(s) % 4
    if m == 1 or (m == 2 and s[-1] not in 'AQgw') or (m == 3 and s[-1] not in 'AEIMQUYcgkosw048'):
        return None
    return base64.urlsafe_b64decode(s + '=' * (-len(s) % 4))


B58 = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'
DIDRE = re.compile(r'did:key:z6Mk[1-9A-HJ-NP-Za-km-z]{44}')


def did_of(pk):
    v, s = int.from_bytes(b'\xed\x01' + pk, 'big'), ''
    while v:
        v, r = divmod(v, 58)
        s = B58[r] + s
    return 'did:key:z' + s


def did_shape(d):
    return isinstance(d, str) and DIDRE.fullmatch(d) is not None


_didkey = {}


def did_key(d):
    """raw public key; INVALID_DID / INVALID_DID:WEAK_KEY"""
    if not did_shape(d):
        raise Err('INVALID_DID')
    if d not in _didkey:
        v = 0
        for c in d[9:]:
            v = v * 58 + B58.index(c)
        b = v.to_bytes(35, 'big')
        _didkey[d] = b[1:] if b[0] == 0 else b
    b = _didkey[d]
    if len(b) != 34 or b[:2] != b'\xed\x01':
        raise Err('INVALID_DID')
    if ed.public(b[2:]) is None:
        raise Err('INVALID_DID:WEAK_KEY')
    return b[2:]


def is_int(x, lo=0, hi=MAX):
    return (isinstance(x, int) and not isinstance(x, bool) or isinstance(x, float) and x == int(x)) and lo <= x <= hi


def is_b64(x, n):
    return isinstance(x, str) and (b := b64d(x)) is not None and len(b) == n


PKCS8 = bytes.fromhex('302e020100300506032b657004220420')


def read_pkcs8(b):
    if len(b) != 48 or b[:16] != PKCS8:
        raise Err('INVALID_PKCS8')
    return Identity(b[16:])


kem_keys, dsa_keys = functools.cache(mlkem.keygen), functools.cache(mldsa.keygen)  # the same ones again and again


class Identity:
    def __init__(self, seed, version=3):
        self.seed, self.version = seed, version
        self.key = Ed25519PrivateKey.from_private_bytes(seed)
        self.pk = raw_public(self.key.public_key())
        self.did = did_of(self.pk)
        self.xs = hkdf(seed, b'xlink/1 identity x25519', 32)
        self.x = x_pub(self.xs)
        self.ms = hkdf(seed, b'xlink/1 identity ml-kem-768', 64)
        self.ds = hkdf(seed, b'xlink/1 identity ml-dsa-65', 32)

    @property
    def kem(self):
        return kem_keys(self.ms) if self.version >= 2 else None

    @property
    def dsa(self):
        return dsa_keys(self.ds) if self.version >= 3 else None

    def sign(self, m):
        return self.key.sign(m)

    def pq(self, m, ctx, rnd):
        return mldsa.sign(self.dsa[1], m, ctx, rnd)


def x_pub(s):
    return raw_public(X25519PrivateKey.from_private_bytes(s).public_key())


def x_dh(s, p):
    """32 zero bytes in place of the exception of the library"""
    try:
        return X25519PrivateKey.from_private_bytes(s).exchange(X25519PublicKey.from_public_bytes(p))
    except ValueError:
        return bytes(32)


# ---- key records (3) ----
RL = b'xlink/1 key-record'


def opt(r, n):
    return b64d(r[n]) if n in r else b''


def record_transcript(r):
    return LP(
        RL,
        utf8(r['did']),
        u64(int(r['epoch'])),
        u64(int(r['keyEpoch'])),
        u64(int(r['notBefore'])),
        u64(int(r['notAfter'])),
        b64d(r['x25519']),
        opt(r, 'mlKem768'),
        opt(r, 'mlDsa65'),
        opt(r, 'next'),
    )


def record_form(r):
    """members by type, length, range and pairs; without did"""
    K = 'KEY_RECORD_INVALID'
    for n in ('epoch', 'keyEpoch', 'notBefore', 'notAfter'):
        if not is_int(r.get(n)):
            raise Err(K)
    if not is_b64(r.get('x25519'), 32) or not is_b64(r.get('signature'), 64):
        raise Err(K)
    for n, l in (('mlKem768', 1184), ('mlDsa65', 1952), ('next', 32), ('pqSignature', 3309)):
        if n in r and not is_b64(r[n], l):
            raise Err(K)
    if (
        'mlDsa65' in r
        and 'mlKem768' not in r
        or ('mlDsa65' in r) != ('pqSignature' in r)
        or r['notAfter'] < r['notBefore']
    ):
        raise Err(K)


def check_record(r, asked=None):
    K = 'KEY_RECORD_INVALID'
    if not isinstance(r, dict):
        raise Err(K)
    if asked is not None:
        if r.get('did') != asked:
            raise Err(K)
    if not isinstance(r.get('did'), str):
        raise Err(K if asked is not None else 'INVALID_DID')
    pk = did_key(r['did'])
    record_form(r)
    t = record_transcript(r)
    if not ed.verify(pk, t, b64d(r['signature'])):
        raise Err(K)
    if 'mlDsa65' in r and not mldsa.verify(b64d(r['mlDsa65']), t, b64d(r['pqSignature']), RL):
        raise Err(K)
    return r


def rec_version(r):
    return 3 if 'mlDsa65' in r else 2 if 'mlKem768' in r else 1


def make_record(i, version, epoch, keyEpoch=0, notBefore=0, notAfter=MAX, next=None, rnd=bytes(32), enc=None):
    e = enc or i
    r = {
        'did': i.did,
        'epoch': epoch,
        'keyEpoch': keyEpoch,
        'notBefore': notBefore,
        'notAfter': notAfter,
        'x25519': b64e(e.x),
    }
    if version >= 2:
        r['mlKem768'] = b64e(e.kem[0])
    if version >= 3:
        r['mlDsa65'] = b64e(i.dsa[0])
    if next:
        r['next'] = next
    t = record_transcript(r)
    r['signature'] = b64e(i.sign(t))
    if version >= 3:
        r['pqSignature'] = b64e(i.pq(t, RL, rnd))
    return r


SAY = ('keyEpoch', 'notBefore', 'notAfter', 'x25519', 'mlKem768', 'mlDsa65', 'next')


def same_record(a, b):
    return all(a.get(n) == b.get(n) for n in SAY)


def compare_record(old, new):
    """3.1 for a verified record new against old, which says something else or has a higher epoch"""
    if not same_record(old, new) and new['epoch'] <= old['epoch']:
        raise Err('KEY_RECORD_ROLLED_BACK')
    if 'mlKem768' in old and 'mlKem768' not in new or 'mlDsa65' in old and 'mlDsa65' not in new:
        raise Err('KEY_RECORD_DOWNGRADED')
    if 'mlDsa65' in old and old['mlDsa65'] != new['mlDsa65']:
        raise Err('KEY_RECORD_INVALID')
    if 'next' in old and old['next'] != new.get('next'):
        raise Err('KEY_RECORD_INVALID')
    if new['keyEpoch'] < old['keyEpoch']:
        raise Err('KEY_RECORD_ROLLED_BACK')


class Memory:
    def __init__(self):
        self.rec, self.shown = {}, {}

    def offer(self, did, r):
        """table of 3.1; the record that counts from now on, or None"""
        old = self.rec.get(did)
        if r is None:
            if old:
                raise Err('KEY_RECORD_DOWNGRADED')
            return None
        if (
            old
            and isinstance(r, dict)
            and r.get('did') == did
            and same_record(old, r)
            and is_int(r.get('epoch'))
            and r['epoch'] <= old['epoch']
        ):
            return old
        check_record(r, did)
        if old:
            compare_record(old, r)
        self.rec[did] = r
        return r

    def forget(self, did):
        self.rec.pop(did, None)
        self.shown.pop(did, None)


# ---- successions (3.4) ----
SL = b'xlink/1 succession'
SI = 'SUCCESSION_INVALID'


def succ_form(s):
    """form only: no signature"""
    if not isinstance(s, dict):
        raise Err(SI)
    for n in ('from', 'to'):
        try:
            did_key(s.get(n))
        except Err:
            raise Err(SI)
    if s['from'] == s['to'] or not is_int(s.get('issuedAt')) or not is_int(s.get('overlapMs'), 0, 7776000000):
        raise Err(SI)
    if not is_b64(s.get('fromSignature'), 64) or not is_b64(s.get('toSignature'), 64):
        raise Err(SI)
    for n, l in (
        ('fromMlDsa65', 1952),
        ('toMlDsa65', 1952),
        ('next', 32),
        ('fromPqSignature', 3309),
        ('toPqSignature', 3309),
    ):
        if n in s and not is_b64(s[n], l):
            raise Err(SI)
    for w in ('from', 'to'):
        if (w + 'MlDsa65' in s) != (w + 'PqSignature' in s):
            raise Err(SI)


def succ_transcript(s):
    return LP(
        SL,
        utf8(s['from']),
        utf8(s['to']),
        u64(int(s['issuedAt'])),
        u64(int(s['overlapMs'])),
        opt(s, 'fromMlDsa65'),
        opt(s, 'toMlDsa65'),
        opt(s, 'next'),
    )


def succ_sigs(s):
    t = succ_transcript(s)
    for w in ('from', 'to'):
        if not ed.verify(did_key(s[w]), t, b64d(s[w + 'Signature'])):
            raise Err(SI)
        if w + 'MlDsa65' in s and not mldsa.verify(b64d(s[w + 'MlDsa65']), t, b64d(s[w + 'PqSignature']), SL):
            raise Err(SI)


def check_succ(s):
    succ_form(s)
    succ_sigs(s)


def make_succ(a, av, b, bv, issuedAt, overlapMs, next=None, rnd=bytes(32)):
    s = {'from': a.did, 'to': b.did, 'issuedAt': issuedAt, 'overlapMs': overlapMs}
    if av >= 3:
        s['fromMlDsa65'] = b64e(a.dsa[0])
    if bv >= 3:
        s['toMlDsa65'] = b64e(b.dsa[0])
    if next:
        s['next'] = next
    t = succ_transcript(s)
    s['fromSignature'], s['toSignature'] = b64e(a.sign(t)), b64e(b.sign(t))
    if av >= 3:
        s['fromPqSignature'] = b64e(a.pq(t, SL, rnd))
    if bv >= 3:
        s['toPqSignature'] = b64e(b.pq(t, SL, rnd))
    return s


def did_hash(d):
    return b64e(sha(utf8(d)))


def chain_form(chain):
    if not isinstance(chain, list) or not 1 <= len(chain) <= 16:
        raise Err(SI)
    for s in chain:
        succ_form(s)
    for a, b in zip(chain, chain[1:]):
        if a['to'] != b['from']:
            raise Err(SI)
    dids = [chain[0]['from']] + [s['to'] for s in chain]
    if len(set(dids)) != len(dids):
        raise Err(SI)


def check_chain(chain, frm, record):
    """does chain lead from frm {did, mlDsa65?, next?} to the DID of the (valid) record"""
    chain_form(chain)
    start = next((i for i, s in enumerate(chain) if s['from'] == frm['did']), None)
    if start is None:
        raise Err(SI)
    at, key, nxt = frm['did'], frm.get('mlDsa65'), frm.get('next')
    s = None
    for s in chain[start:]:
        if s['from'] != at:
            raise Err(SI)
        if key is not None and s.get('fromMlDsa65') != key:
            raise Err(SI)
        if nxt is not None and did_hash(s['to']) != nxt:
            raise Err('SUCCESSION_INVALID:NOT_NEXT')
        succ_sigs(s)
        at, key, nxt = s['to'], s.get('toMlDsa65'), s.get('next')
    if at != record.get('did'):
        raise Err(SI)
    for a, b in (('toMlDsa65', 'mlDsa65'), ('next', 'next')):
        if a in s and s[a] != record.get(b):
            raise Err(SI)


class Registry:
    """3.4, a registry that takes statements"""

    def __init__(self, records):
        self.e = {r['did']: {'keys': r, 'status': 'active', 'predecessors': []} for r in records}

    def revoke(self, did):
        self.e.setdefault(did, {'predecessors': []})['status'] = 'revoked'

    def succeed(self, s, rec, now):
        succ_form(s)
        if not isinstance(rec, dict) or rec.get('did') != s['to']:
            raise Err('KEY_RECORD_INVALID')
        if not now - 3600000 <= s['issuedAt'] <= now + 300000:
            raise Err('SUCCESSION_INVALID:EXPIRED')
        check_record(rec, s['to'])
        if s.get('toMlDsa65') != rec.get('mlDsa65') or s.get('next') != rec.get('next'):
            raise Err(SI)
        succ_sigs(s)

        def same(x):
            return all(
                x.get(n) == s.get(n)
                for n in ('from', 'to', 'issuedAt', 'overlapMs', 'fromMlDsa65', 'toMlDsa65', 'next')
            )

        e = self.e.get(s['from'])
        done = e is not None and 'succeededBy' in e and same(e['succeededBy'])
        if s['to'] in self.e and (self.e[s['to']].get('by') or {}).get('from') != s['from']:
            raise Err('SUCCESSION_INVALID:IN_USE')
        if e is None:
            raise Err('LOOKUP_FAILED:DID_NOT_IN_REGISTRY')
        if 'succeededBy' in e and not done:
            raise Err('SUCCESSION_CONFLICT')
        if e['status'] != 'active':
            raise Err('LOOKUP_FAILED:DID_REVOKED')
        k = e.get('keys') or {}
        if 'mlDsa65' in k and s.get('fromMlDsa65') != k['mlDsa65']:
            raise Err(SI)
        if 'next' in k and did_hash(s['to']) != k['next']:
            raise Err('SUCCESSION_INVALID:NOT_NEXT')
        if len(e['predecessors']) >= 16:
            raise Err('SUCCESSION_INVALID:CHAIN_TOO_LONG')
        e['succeededBy'] = s
        if s['to'] not in self.e:
            self.e[s['to']] = {
                'keys': rec,
                'status': 'active',
                'predecessors': e['predecessors'] + [s['from']],
                'by': s,
            }
