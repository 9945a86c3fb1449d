"""Sections 5 to 7, 9 and 10: envelopes, sending, receiving."""

import re
from core import *
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.exceptions import InvalidTag
import os

ENC = ('message', 'request', 'answer')
SGN = ('message', 'request', 'receipt', 'refusal')
_X = {1: 'X25519+A256GCM+Ed25519', 2: 'X25519+MLKEM768+A256GCM+Ed25519', 3: 'X25519+MLKEM768+A256GCM+Ed25519+MLDSA65'}
XCHANGE = 'Xchange+A256GCM+Ed25519'
SUITES = {}
for _v, _s in _X.items():
    SUITES[_v, _s] = ('enc', ENC)
    SUITES[_v, _s + '+Shares'] = ('shares', ('message',))
    SUITES[_v, 'Ed25519' if _v < 3 else 'Ed25519+MLDSA65'] = ('signed', SGN)
SUITES[2, XCHANGE] = ('xchange', ('message',))
KINDS = ('message', 'request', 'answer', 'receipt', 'refusal')

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
BYTES = {
    'nonce': 16,
    'fieldsDigest': 32,
    'contentDigest': 32,
    'inReplyTo': 16,
    'ephemeralPub': 32,
    'kemCiphertext': 1088,
    'signature': 64,
    'pqSignature': 3309,
}
BIN = set(BYTES) | {'payload'}
ASCII = r'!#-\[\]-~'
FNAME = r"[!#-'*+\-.0-9^-z|~]+"
PAT = {
    'from': DIDRE,
    'to': DIDRE,
    'scope': re.compile(r'[A-Za-z0-9][A-Za-z0-9:._/-]{0,127}|\*'),
    'request': re.compile(r'[A-Z][A-Z-]{0,31} [' + ASCII + ']{1,8192}'),
    'fields': re.compile(f'(?=.{{1,4096}}\\Z){FNAME}(?: {FNAME})*'),
    'contentType': re.compile('[ ' + ASCII + ']{1,256}'),
}


def label_of(kind, version, suite):
    return utf8(f'xlink/1 {kind} v{version} {suite}')


_TOK = re.compile(r'[ \t\r\n]*')
_NAME = re.compile(r'"([!#-\[\]-~]{1,64})"')
_TEXT = re.compile(r'"([ !#-\[\]-~]*)"')
_INT = re.compile(r'0|[1-9][0-9]{0,15}')


def parse_grammar(b):
    try:
        s = b.decode('utf-8')
    except UnicodeDecodeError:
        raise Err('PARSE_FAILED:SYNTAX')
    S = Err('PARSE_FAILED:SYNTAX')
    pos = 0

    def ws():
        nonlocal pos
        pos = _TOK.match(s, pos).end()

    def lit(c):
        nonlocal pos
        if s[pos : pos + 1] not in c or pos >= len(s):
            raise S
        pos += 1
        return s[pos - 1]

    ws()
    lit('{')
    ws()
    out = {}
    while True:
        m = _NAME.match(s, pos)
        if not m:
            raise S
        pos = m.end()
        name = m[1]
        ws()
        lit(':')
        ws()
        if m := _TEXT.match(s, pos):
            val = m[1]
        elif m := _INT.match(s, pos):
            val = int(m[0])
        else:
            raise S
        pos = m.end()
        ws()
        end = lit(',}')
        if name in out:
            raise Err('PARSE_FAILED:DUPLICATE_FIELD')
        out[name] = val
        if end == '}':
            break
        ws()
    ws()
    if pos != len(s):
        raise S
    return out


def parse(b, limit=1572864, beside=False):
    """envelope as a dict; beside: a payload travels beside it"""
    if len(b) > limit:
        raise Err('ENVELOPE_TOO_LARGE')
    e = parse_grammar(b)
    if any(n not in ORDER for n in e):
        raise Err('PARSE_FAILED:UNKNOWN_FIELD')
    P, MISS, UNK = 'PARSE_FAILED', 'PARSE_FAILED:MISSING_FIELD', 'PARSE_FAILED:UNKNOWN_FIELD'
    if 'version' not in e:
        raise Err(MISS)
    v = e['version']
    if not isinstance(v, int):
        raise Err(P)
    if v not in (1, 2, 3):
        raise Err('PARSE_FAILED:UNKNOWN_VERSION')
    if 'suite' not in e:
        raise Err(MISS)
    if not isinstance(e['suite'], str):
        raise Err(P)
    if (v, e['suite']) not in SUITES:
        raise Err('PARSE_FAILED:UNKNOWN_VERSION')
    if 'kind' not in e:
        raise Err(MISS)
    typ, kinds = SUITES[v, e['suite']]
    kind = e['kind']
    if kind not in KINDS or kind not in kinds:
        raise Err(P)
    must = {'from', 'to', 'timestamp', 'nonce', 'scope', 'signature'}
    may = set()
    if typ in ('enc', 'shares'):
        must |= {'keyEpoch', 'ephemeralPub', 'payload'}
        if v >= 2:
            must.add('kemCiphertext')
    elif typ == 'xchange':
        must.add('payload')
    else:
        may.add('payload')
    if v == 3:
        must.add('pqSignature')
    signed = typ == 'signed'
    if kind == 'message':
        may |= {'request', 'inReplyTo'}
    elif kind == 'request':
        must.add('request')
        if signed:
            may |= {'fields', 'fieldsDigest'}
    elif kind == 'answer':
        must.add('inReplyTo')
        may.add('request')
        must.discard('payload')
    elif kind == 'receipt':
        must.add('inReplyTo')
    else:
        must |= {'inReplyTo', 'request'}
    if signed and kind in ('message', 'request'):
        may |= {'contentDigest', 'contentType'}
    for n in ORDER[3:]:
        if n not in e:
            if n in must:
                raise Err('PARSE_FAILED:PQ_SIGNATURE_MISSING' if n == 'pqSignature' else MISS)
            continue
        if n not in must and n not in may:
            raise Err(UNK)
        x = e[n]
        if n in ('timestamp', 'keyEpoch'):
            if not isinstance(x, int) or not (1 if n == 'timestamp' else 0) <= x <= MAX:
                raise Err(P)
        elif not isinstance(x, str) or x == '':
            raise Err(P)
        elif n in BYTES:
            if not is_b64(x, BYTES[n]):
                raise Err(P)
        elif n == 'payload':
            if not b64d(x):
                raise Err(P)
        elif not PAT[n].fullmatch(x):
            raise Err(P)
    if 'contentType' in e and 'contentDigest' not in e:
        raise Err(MISS)
    if ('fields' in e) != ('fieldsDigest' in e):
        raise Err(MISS)
    if e['scope'] == '*' and kind in ('message', 'receipt'):
        raise Err(P)
    if kind == 'answer' and not beside:
        raise Err(MISS)
    return e


def header(e, nonce=None):
    def f(n):
        if n not in e:
            return b''
        if n == 'nonce' and nonce is not None:
            return nonce
        return b64d(e[n]) if n in BIN else u64(e[n]) if isinstance(e[n], int) else utf8(e[n])

    return LP(label_of(e['kind'], e['version'], e['suite']), *[f(n) for n in ORDER[:17]])


def transcript(e, payload, hdr=None):
    return LP(label_of(e['kind'], e['version'], e['suite']), sha(hdr or header(e)), sha(payload))


def make_ikm(version, ssx, ssk, e, kem, x, label):
    if version == 1:
        return ssx + b64d(e['ephemeralPub']) + x + label
    return ssk + ssx + b64d(e['kemCiphertext']) + b64d(e['ephemeralPub']) + kem + x + label


def schedule(ikm, label, frm, to):
    o = hkdf(ikm, LP(label, utf8(frm), utf8(to)), 76)
    return o[:32], o[32:64], o[64:], o


def frame(frm, ctype, kind, headers=(), status=None):
    a = [utf8(frm), utf8(ctype)]
    if kind in ('request', 'answer'):
        a.append(LP(*[utf8(x) for p in headers for x in p]))
    if kind == 'answer':
        a.append(u64(status))
    return LP(*a)


JSONTYPE = re.compile(r'application/(?:[a-z0-9.+_-]+\+)?json[ \t]*(?:;.*)?', re.I | re.S | re.A)
CTRL = re.compile('[\x00-\x08\x0a-\x1f\x7f]')
HNAME = re.compile(FNAME)


def is_json(ct):
    return JSONTYPE.fullmatch(ct) is not None


def _bad_const(x):
    raise ValueError(x)


def parse_json(b):
    if b == b'' or b[:3] == b'\xef\xbb\xbf':
        raise ValueError('json')
    return json.loads(b.decode('utf-8'), parse_constant=_bad_const)


def _text(b):
    P = Err('DECRYPT_FAILED:PARSE')
    try:
        s = b.decode('utf-8')
    except UnicodeDecodeError:
        raise P
    if CTRL.search(s):
        raise P
    return s


def open_frame(pt, frm, kind):
    """content type, headers, status, content"""
    S, P = Err('DECRYPT_FAILED:SENDER_MISMATCH'), Err('DECRYPT_FAILED:PARSE')
    f = utf8(frm)
    if pt[: 4 + len(f)] != u32(len(f)) + f:
        raise S
    pos = 4 + len(f)

    def block(buf, at):
        if at + 4 > len(buf):
            raise P
        n = int.from_bytes(buf[at : at + 4], 'big')
        if at + 4 + n > len(buf):
            raise P
        return buf[at + 4 : at + 4 + n], at + 4 + n

    c, pos = block(pt, pos)
    ctype, headers, status = _text(c), None, None
    if kind in ('request', 'answer'):
        h, pos = block(pt, pos)
        headers, i, items = [], 0, []
        while i < len(h):
            x, i = block(h, i)
            items.append(x)
        if len(items) % 2 or len(items) > 512:
            raise P
        for n, v in zip(items[::2], items[1::2]):
            n = _text(n)
            if not 1 <= len(n) <= 256 or not HNAME.fullmatch(n):
                raise P
            headers.append([n, _text(v)])
    if kind == 'answer':
        s, pos = block(pt, pos)
        if len(s) != 8:
            raise P
        status = int.from_bytes(s, 'big')
        if not 200 <= status <= 599:
            raise P
    return ctype, headers, status, pt[pos:], pos


def allows(scopes, scope):
    return bool(scopes) and (scope in scopes or '*' in scopes)


# ---- sending (9) ----
def choose(me, rec, exact=None, minimum=1):
    v = min(me.version, rec_version(rec)) if rec else me.version
    if exact is not None:
        if exact > v:
            raise Err('KEY_AGREEMENT_FAILED:NO_COMMON_VERSION')
        v = exact
    if v < minimum:
        raise Err('KEY_AGREEMENT_FAILED:NO_COMMON_VERSION')
    return v


def write(e):
    return json.dumps({n: e[n] for n in ORDER if n in e}, separators=(',', ':')).encode()


def start(me, to, version, suite, kind, now, nonce, scope, **more):
    e = {
        'version': version,
        'suite': suite,
        'kind': kind,
        'from': me.did,
        'to': to,
        'timestamp': now,
        'nonce': b64e(nonce),
        'scope': scope,
    }
    e.update({k: v for k, v in more.items() if v is not None})
    return e


def agree(e, rec, rnd, steps=None):
    """adds ephemeralPub and kemCiphertext; gives ikm"""
    v, label = e['version'], label_of(e['kind'], e['version'], e['suite'])
    es = rnd.get('ephemeralSecret') or os.urandom(32)
    x = b64d(rec['x25519'])
    ssx = x_dh(es, x)
    if ssx == bytes(32):
        raise Err('KEY_AGREEMENT_FAILED')
    e['ephemeralPub'] = b64e(rnd.get('ephemeralPub') or x_pub(es))
    ssk = kem = b''
    if v >= 2:
        kem = b64d(rec['mlKem768'])
        try:
            ssk, c = mlkem.encaps(kem, rnd.get('kemCoins') or os.urandom(32))
        except ValueError:
            raise Err('KEY_AGREEMENT_FAILED')
        e['kemCiphertext'] = b64e(c)
    ikm = make_ikm(v, ssx, ssk, e, kem, x, label)
    if steps is not None:
        steps.update(label=label, x25519Secret=ssx, ikm=ikm)
        if v >= 2:
            steps['kemSecret'] = ssk
    return ikm


def finish(me, e, payload, rnd, steps=None, inside=True):
    h = header(e)
    t = transcript(e, payload, h)
    if payload and inside:
        e['payload'] = b64e(payload)
    sig = me.sign(t)
    e['signature'] = b64e(sig)
    label = label_of(e['kind'], e['version'], e['suite'])
    if e['version'] == 3:
        e['pqSignature'] = b64e(me.pq(t, label, rnd.get('mlDsaRandom') or os.urandom(32)))
    if steps is not None:
        steps.update(label=label, headerTranscript=h, signatureTranscript=t, signature=sig)
        if payload:
            steps['payload'] = payload
    return write(e)


def seal(
    me,
    rec,
    now,
    kind,
    scope,
    content,
    ctype,
    headers=(),
    rnd={},
    steps=None,
    suite=None,
    asked=None,
    more={},
    exact=None,
):
    if rec is None:
        raise Err('KEY_AGREEMENT_FAILED:NO_KEY_RECORD')
    check_record(rec, asked or rec.get('did'))
    v = choose(me, rec, exact)
    if rec['notAfter'] < now:
        raise Err('KEY_RECORD_EXPIRED')
    e = start(
        me,
        rec['did'],
        v,
        suite or _X[v],
        kind,
        now,
        rnd.get('nonce') or os.urandom(16),
        scope,
        keyEpoch=rec['keyEpoch'],
        **more,
    )
    ikm = agree(e, rec, rnd, steps)
    label = label_of(kind, v, e['suite'])
    key, com, iv, okm = schedule(ikm, label, me.did, rec['did'])
    pt = frame(me.did, ctype, kind, headers) + content
    payload = com + AESGCM(key).encrypt(iv, pt, header(e))
    if steps is not None:
        steps.update(
            info=LP(label, utf8(me.did), utf8(rec['did'])), okm=okm, key=key, commitment=com, iv=iv, plaintext=pt
        )
    return finish(me, e, payload, rnd, steps)


def sign_only(me, to, version, now, kind, scope, content, rnd={}, steps=None, more={}):
    e = start(
        me,
        to,
        version,
        'Ed25519' if version < 3 else 'Ed25519+MLDSA65',
        kind,
        now,
        rnd.get('nonce') or os.urandom(16),
        scope,
        **more,
    )
    return finish(me, e, content or b'', rnd, steps)


# ---- receiving (10) ----
class Receiver:
    def __init__(
        self,
        me,
        registry,
        now,
        minVersion=1,
        versionFloor='record',
        window=30000,
        receiveScopes=None,
        allowCleartext=False,
        xchange=False,
    ):
        self.me, self.now, self.minVersion, self.floor, self.W = me, now, minVersion, versionFloor, window
        self.receiveScopes, self.cleartext, self.xchange = receiveScopes, allowCleartext, xchange
        self.registry = {e['did']: dict(e) for e in registry}
        self.memory, self.nonces, self.services = Memory(), set(), {}
        self.groups = {}

    def lookup(self, did, services):
        if services and did in self.services:
            return {'did': did, 'status': 'active', 'keys': self.services[did]}
        return self.registry.get(did)

    def receive(
        self,
        raw,
        kind='message',
        ownScope=None,
        inReplyTo=None,
        request=None,
        required=False,
        limit=1572864,
        beside=None,
        now=None,
    ):
        """beside: the first chunk of an answer, (type, bytes)"""
        now = self.now if now is None else now
        e = parse(raw, limit, beside is not None)
        typ = SUITES[e['version'], e['suite']][0]
        v, frm, to, k = e['version'], e['from'], e['to'], e['kind']
        if to != self.me.did:
            raise Err('RECIPIENT_MISMATCH')
        if k != kind:
            raise Err('KIND_NOT_ACCEPTED')
        if v < self.minVersion:
            raise Err('VERSION_TOO_LOW')
        if typ == 'signed' and not self.cleartext and k != 'refusal':
            raise Err('CLEARTEXT_NOT_ALLOWED')
        waits = k in ('answer', 'refusal')
        if waits and e['inReplyTo'] != inReplyTo:
            raise Err('ANSWER_INVALID')
        if typ == 'xchange' and not self.xchange:
            raise Err('XCHANGE_REFUSED')
        if typ in ('shares', 'xchange') and request is not None:
            raise Err('SHARES_NOT_ACCEPTED')
        sg = e.get('request')
        if sg is None:
            if required:
                raise Err('REQUEST_BINDING_REQUIRED')
        elif sg != request and (request is not None or k != 'request'):
            raise Err('REQUEST_BINDING_MISMATCH')
        if e['timestamp'] < now - self.W:
            raise Err('TIMESTAMP_EXPIRED')
        if e['timestamp'] > now + self.W:
            raise Err('TIMESTAMP_EXPIRED:FUTURE')
        use = (to, frm, e['nonce'])
        if use in self.nonces:
            raise Err('REPLAY_DETECTED')
        entry = self.lookup(frm, waits)
        if entry is None:
            raise Err('VERIFICATION_FAILED:DID_NOT_IN_REGISTRY')
        if entry['status'] == 'revoked':
            raise Err('VERIFICATION_FAILED:DID_REVOKED')
        try:
            pk = did_key(frm)
        except Err:
            raise Err('INVALID_DID:WEAK_KEY')
        rec = self.memory.offer(frm, entry.get('keys'))
        s = entry.get('succeededBy')
        if s and now > s['issuedAt'] + s['overlapMs']:
            raise Err('VERIFICATION_FAILED:DID_SUCCEEDED')
        if typ != 'xchange':
            fl = self.memory.shown.get(frm, 1)
            if rec and self.floor == 'record':
                fl = max(fl, min(rec_version(rec), self.me.version))
            if v < fl:
                raise Err('VERSION_TOO_LOW')
        payload = beside[1] if beside else b64d(e['payload']) if 'payload' in e else b''
        h = header(e)
        label = label_of(k, v, e['suite'])
        t = transcript(e, payload, h)
        if not ed.verify(pk, t, b64d(e['signature'])):
            raise Err('VERIFICATION_FAILED:SIGNATURE_MISMATCH')
        if v == 3:
            if not rec or 'mlDsa65' not in rec:
                raise Err('VERIFICATION_FAILED:NO_PQ_KEY')
            if not mldsa.verify(b64d(rec['mlDsa65']), t, b64d(e['pqSignature']), label):
                raise Err('VERIFICATION_FAILED:PQ_SIGNATURE_MISMATCH')
        scopes = None
        if k in ('message', 'request'):
            scopes = self.scopes(k, e['scope'], entry.get('sendScopes'), ownScope)
        if typ in ('enc', 'shares') and e['keyEpoch'] != 0:
            raise Err('KEY_EPOCH_UNKNOWN')
        self.nonces.add(use)
        if typ != 'xchange':
            self.memory.shown[frm] = max(self.memory.shown.get(frm, 1), v)
        msg = {
            'kind': k,
            'sender': frm,
            'scope': e['scope'],
            'version': v,
            'encrypted': typ != 'signed',
            'timestamp': e['timestamp'],
            'envelopeId': e['nonce'],
        }
        for n in ('request', 'fields', 'fieldsDigest', 'contentDigest', 'inReplyTo'):
            if n in e:
                msg[n] = e[n]
        if k == 'request':
            msg['scopes'] = scopes
        if typ == 'signed':
            return self.content(
                msg, e, payload if 'payload' in e else None, 'application/json' if 'payload' in e else ''
            )
        if typ == 'xchange':
            import shares

            return shares.take(self, e, msg, payload, None)
        ikm = self.ikm(e, label)
        key, com, iv, _ = schedule(ikm, label, frm, to)
        D = Err('DECRYPT_FAILED:DECRYPTION')
        if len(payload) < 48 or not hmac.compare_digest(payload[:32], com):
            raise D
        if k == 'answer':
            ck = hkdf(ikm, LP(label, b'chunks', sha(h)), 32)
            chunks = Chunks(e, ck, sha(h))
            pt = chunks.open(payload[32:], beside[0] == 3)
        else:
            try:
                pt = AESGCM(key).decrypt(iv, payload[32:], h)
            except InvalidTag:
                raise D
        ctype, headers, status, content, flen = open_frame(pt, frm, k)
        if k == 'answer':
            if flen > 65536 or len(content) > 65536:
                raise Err('DECRYPT_FAILED:PARSE')
            msg.update(status=status, headers=headers, contentType=ctype)
            return msg, content, chunks
        if typ == 'shares':
            import shares

            return shares.take(self, e, msg, content, ctype)
        if k == 'request':
            msg['headers'] = headers
        return self.content(msg, e, content, ctype)

    def content(self, msg, e, content, ctype):
        k = msg['kind']
        if content is not None:
            if not msg['encrypted'] or is_json(ctype):
                try:
                    msg['payload'] = parse_json(content)
                except (ValueError, UnicodeDecodeError):
                    if k != 'request':
                        raise Err('DECRYPT_FAILED:PARSE')
                    msg['bytes'] = b64e(content)
            else:
                msg['bytes'] = b64e(content)
        ct = e.get('contentType') or ctype
        if ct:
            msg['contentType'] = ct
        return msg

    def ikm(self, e, label):
        v = e['version']
        K = Err('DECRYPT_FAILED:KEY_AGREEMENT')
        ssx = x_dh(self.me.xs, b64d(e['ephemeralPub']))
        if ssx == bytes(32):
            raise K
        ssk = kem = b''
        if v >= 2:
            if self.me.kem is None:
                raise K
            kem, dk = self.me.kem
            ssk = mlkem.decaps(dk, b64d(e['kemCiphertext']))
        return make_ikm(v, ssx, ssk, e, kem, self.me.x, label)

    def scopes(self, k, scope, send, own):
        N = Err('SCOPE_NOT_ALLOWED')
        if own is not None:
            if scope != own:
                raise N
            return [scope]
        if scope.startswith('xlink:'):
            raise N
        send = send or []
        if k == 'request' and scope == '*':
            rs = self.receiveScopes
            if rs is None or '*' in rs:
                r = send
            elif '*' in send:
                r = rs
            else:
                r = [s for s in send if s in rs]
            return [s for s in r if not s.startswith('xlink:')]
        if not allows(send, scope):
            raise Err('SCOPE_DENIED')
        if self.receiveScopes is not None and not allows(self.receiveScopes, scope):
            raise N
        return [scope]


class Chunks:
    def __init__(self, e, key, hd):
        self.e, self.key, self.hd, self.n, self.hash = e, key, hd, 0, hashlib.sha256()

    def iv(self, final):
        return u8(1 if final else 0) + bytes(3) + u64(self.n)

    def open(self, c, final):
        try:
            pt = AESGCM(self.key).decrypt(self.iv(final), c, self.hd)
        except InvalidTag:
            raise Err('DECRYPT_FAILED:DECRYPTION')
        self.hash.update(c)
        self.n += 1
        return pt

    def seal(self, pt, final):
        c = AESGCM(self.key).encrypt(self.iv(final), pt, self.hd)
        self.hash.update(c)
        self.n += 1
        return c

    def end(self):
        l = utf8(f"xlink/1 answer end v{self.e['version']} {self.e['suite']}")
        return l, LP(l, self.hd, u64(self.n), self.hash.digest())
