"""Section 18: sessions. The handshake and its keys, tickets, requests and answers; checkpoints are in checkpoint.py."""

import io, os
from core import *
import answers as A, envelope as E

SUITE = b'XS+X25519+MLKEM768+A256GCM+SHA256'
BAD, FORGED, UNSEALED = 'SESSION_MALFORMED', 'SESSION_UNKNOWN:FORGED', 'SESSION_AUTHENTICATION_FAILED'
TICKET = 266


def hmac256(key, a):
    return hmac.digest(key, a, 'sha256')


def expand(key, info):
    return hmac256(key, info + b'\1')


def expand2(key, info):
    t1 = expand(key, info)
    return t1 + hmac256(key, t1 + info + b'\2')


# ---- 18.1, 18.2: the handshake ----
class Keys:
    """The keys of a session, which both sides have."""

    def __init__(self, frm, to, sid):
        self.frm, self.to, self.sid = frm, to, sid

    def agree(self, offerHash, callerX, callerKem, serviceX, kemCiphertext, ssX, ssK):
        self.salt = sha(LP(b'xlink/1 session', SUITE, offerHash, serviceX, kemCiphertext, self.sid))
        ikm = ssK + ssX + kemCiphertext + callerX + serviceX + callerKem + b'xlink/1 session'
        self.prk = hmac256(self.salt, ikm)
        info = LP(b'xlink/1 session master', SUITE, utf8(self.frm), utf8(self.to), self.sid)
        self.master = expand(self.prk, info)
        self.request = expand(self.master, LP(b'xlink/1 session request', self.sid))
        self.answer = expand(self.master, LP(b'xlink/1 session answer', self.sid))
        return self


def caller(frm, to, offerHash, grant, x, kem):
    """The caller's keys: x is its X25519 secret, kem its pair of ML-KEM keys, grant in bytes."""
    share, ciphertext = grant['x25519'], grant['kemCiphertext']
    ssX = x_dh(x, share)
    if grant['offerHash'] != offerHash or ssX == bytes(32):
        raise Err(A.A)
    ssK = mlkem.decaps(kem[1], ciphertext)
    return Keys(frm, to, grant['sid']).agree(offerHash, x_pub(x), kem[0], share, ciphertext, ssX, ssK)


# ---- 18.3: tickets ----
def key_id(secret):
    return sha(LP(b'xlink/1 session ticket key id', secret))[:8]


def _ticket_cipher(secret, head):
    return E.AESGCM(expand(secret, LP(b'xlink/1 session ticket key', head))), LP(b'xlink/1 session ticket', head)


def fresh_mark(issuedAt, offerHash):
    """What was signed: the next number, how many checkpoints, when, and the head of the last."""
    return dict(next=0, count=0, at=issuedAt, head=offerHash)


def ticket_state(version, sid, frm, to, master, issuedAt, notAfter, mark):
    state = u8(1) + u8(version) + sid + utf8(frm) + utf8(to) + master + u64(issuedAt) + u64(notAfter)
    return state + u32(mark['next']) + u32(mark['count']) + u64(mark['at']) + mark['head']


def make_ticket(secret, salt, state):
    head = key_id(secret) + salt
    cipher, aad = _ticket_cipher(secret, head)
    return head + cipher.encrypt(bytes(12), state, aad)


def open_ticket(secrets, ticket, service, now):
    """The state of a ticket as what ticket_state is given. secrets: ticket keys by their id."""
    secret = secrets.get(ticket[:8])
    if secret is None:
        raise Err('SESSION_UNKNOWN')
    cipher, aad = _ticket_cipher(secret, ticket[:24])
    try:
        s = cipher.decrypt(bytes(12), ticket[24:], aad)
    except E.InvalidTag:
        raise Err(FORGED)
    if s[0] != 1:
        raise Err(FORGED)
    got = dict(version=s[1], sid=s[2:18], frm=s[18:74].decode(), to=s[74:130].decode(), master=s[130:162])
    got['issuedAt'], got['notAfter'], after, count, at = struct.unpack('>QQIIQ', s[162:194])
    got['mark'] = dict(next=after, count=count, at=at, head=s[194:])
    if got['to'] != service:
        raise Err('RECIPIENT_MISMATCH')
    if got['notAfter'] < now:
        raise Err('SESSION_EXPIRED')
    return got


def open_kept(seed, name, text):
    """The ticket key that a service keeps under a name."""
    b = b64d(text)
    kek = hkdf(seed, LP(b'xlink/1 session ticket kek', b[:16]), 32)
    return E.AESGCM(kek).decrypt(bytes(12), b[16:], LP(b'xlink/1 session ticket kek', utf8(name)))


# ---- 18.4: requests ----
class Request:
    """What one request or message is made from: number, salt, timestamp, scope and binding."""

    def __init__(self, keys, seq, salt, timestamp, scope, request, kind=b'request'):
        self.keys, self.seq, self.salt, self.timestamp, self.scope = keys, seq, salt, timestamp, scope
        k, number = keys, u64(seq)
        self.transcript = LP(
            b'xlink/1 session ' + kind,
            SUITE,
            *(utf8(k.frm), utf8(k.to), k.sid, number, salt, u64(timestamp), utf8(scope), utf8(request)),
        )
        self.digest = sha(self.transcript)
        okm = expand2(k.request, LP(b'xlink/1 session ' + kind + b' key', self.digest))
        self.key, self.commitment = okm[:32], okm[32:]

    def seal(self, ticket, ctype, headers, contents=None):
        """(credential, body); contents None: without a body"""
        inside = contents is None
        first, *later = [b''] if inside else contents
        chunks = E.Chunks(None, self.key, self.digest)
        self.frame = E.frame(self.keys.frm, ctype, 'request', headers)
        self.plaintext = self.frame + b''.join(contents or [])
        self.first = self.commitment + chunks.seal(self.frame + first, not later)
        self.tag = self.first[-16:]
        parts = [self.first] + [chunks.seal(c, c is later[-1]) for c in later]
        body = b''.join(A.frame_bytes(3 if p is parts[-1] else 2, p) for p in parts)
        scope = utf8(self.scope)
        credential = u8(1) + u8(inside) + struct.pack('>H', len(scope)) + ticket + u32(self.seq) + self.salt
        credential += u64(self.timestamp) + scope + (self.first if inside else b'')
        return b64e(credential), b'' if inside else body

    def open(self, credential, body):
        """content type, headers, contents"""
        try:
            frames = [(3, credential['sealed'])] if credential['inside'] else list(_frames(body))
            if credential['inside'] and body or len(frames) > 16 + len(body) // 16384:
                raise Err(BAD)
        except Err:
            raise Err(BAD)
        chunks, contents = E.Chunks(None, self.key, self.digest), []
        if not hmac.compare_digest(frames[0][1][:32], self.commitment):
            raise Err(UNSEALED)
        self.tag = frames[0][1][-16:]
        for n, (kind, chunk) in enumerate(frames):
            try:
                contents.append(chunks.open(chunk[32:] if n == 0 else chunk, kind == 3))
            except Err:
                raise Err(UNSEALED)
        ctype, headers, _, contents[0], _ = E.open_frame(contents[0], self.keys.frm, 'request')
        return ctype, headers, contents


def _frames(body):
    r = A.Reader(io.BytesIO(body))
    kind = 2
    while kind == 2:
        kind, chunk = r.frame(2, 3)
        yield kind, chunk
    r.ends()


def read_credential(text):
    b = b64d(text)
    at = 4 + TICKET + 28
    if len(text) > 32768 or b is None or len(b) < at or b[0] != 1 or b[1] > 1:
        raise Err(BAD)
    end = at + int.from_bytes(b[2:4], 'big')
    scope, sealed = b[at:end].decode('latin-1'), b[end:]
    if len(b) < end or not E.PAT['scope'].fullmatch(scope) or sealed and not b[1]:
        raise Err(BAD)
    salt, timestamp = b[8 + TICKET : 24 + TICKET], int.from_bytes(b[24 + TICKET : at], 'big')
    if timestamp > MAX:
        raise Err(BAD)
    seq = int.from_bytes(b[4 + TICKET : 8 + TICKET], 'big')
    if seq > 65535:
        raise Err('SESSION_SEQUENCE_INVALID')
    got = dict(inside=b[1] == 1, ticket=b[4 : 4 + TICKET], seq=seq, salt=salt, timestamp=timestamp)
    return {**got, 'scope': scope, 'sealed': sealed}


# ---- 18.5: answers ----
class Answer:
    """What one answer to a request is made from. digest and tag are those of the request."""

    def __init__(self, keys, kind, digest, tag, salt):
        self.keys, self.kind, self.salt = keys, kind, salt
        label = b'xlink/1 session refusal' if kind else b'xlink/1 session answer'
        self.transcript = LP(label, SUITE, digest, tag, salt)
        self.digest = sha(self.transcript)
        okm = expand2(keys.answer, LP(b'xlink/1 session answer key', self.digest))
        self.key, self.commitment = okm[:32], okm[32:]

    def seal(self, status, ctype, headers, contents):
        chunks, last = E.Chunks(None, self.key, self.digest), len(contents) - 1
        self.frame = E.frame(self.keys.to, ctype, 'answer', headers, status)
        out = A.frame_bytes(5, u8(self.kind) + self.salt)
        for n, content in enumerate(contents):
            chunk = chunks.seal(content if n else self.frame + content, n == last)
            out += A.frame_bytes(3 if n == last else 2, chunk if n else self.commitment + chunk)
        return out


def open_answer(keys, digest, tag, stream, plaintexts=None):
    """(kind, status, content type, headers, iterator over pieces of content). plaintexts: a list that gets what is in each chunk"""
    plaintexts = [] if plaintexts is None else plaintexts
    r = A.Reader(stream)
    _, head = r.frame(5)
    if len(head) != 17 or head[0] > 1:
        raise Err(A.A)
    a = Answer(keys, head[0], digest, tag, head[1:])
    chunks = E.Chunks(None, a.key, a.digest)
    kind, first = r.frame(2, 3)
    if not hmac.compare_digest(first[:32], a.commitment):
        raise Err(A.A)
    try:
        plaintexts.append(chunks.open(first[32:], kind == 3))
        ctype, headers, status, content, _ = E.open_frame(plaintexts[0], keys.to, 'answer')
    except Err as e:
        raise Err(A.A, e.id)
    if kind == 3:
        r.ends()

    def body(kind, content):
        while kind == 2:
            yield content
            kind, chunk = r.frame(2, 3)
            try:
                content = chunks.open(chunk, kind == 3)
            except Err as e:
                raise Err(A.A, e.id)
            plaintexts.append(content)
            if kind == 3:
                r.ends()
        yield content

    return a.kind, status, ctype, headers, body(kind, content)
