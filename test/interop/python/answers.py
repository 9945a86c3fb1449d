"""Section 12.5: sealed answers."""

import io, os
from core import *
import envelope as E

LIMIT = {1: 32768, 2: 131120, 3: 131120, 4: 3373, 5: 17}
A = 'ANSWER_INVALID'
ANSWER = 'application/xlink-answer'


def frame_bytes(t, b):
    return u8(t) + u32(len(b)) + b


class Reader:
    def __init__(self, stream):
        self.s = stream

    def exact(self, n):
        b = b''
        while len(b) < n:
            x = self.s.read(n - len(b))
            if not x:
                raise Err(A + ':BROKEN_OFF')
            b += x
        return b

    def frame(self, *types):
        t = self.exact(1)[0]
        if t not in types:
            raise Err(A)
        n = int.from_bytes(self.exact(4), 'big')
        if n > LIMIT[t]:
            raise Err(A)
        return t, self.exact(n)

    def ends(self):
        if self.s.read(1):
            raise Err(A)


def open_answer(
    R, stream, nonce, request, service, now=None, maxBytes=None, undo=('gzip', 'x-gzip', 'deflate', 'identity', '')
):
    """(message, iterator over pieces of content). R: a Receiver that knows the service"""
    r = Reader(stream)
    _, head = r.frame(1)
    first = r.frame(2, 3)
    try:
        msg, content, chunks = R.receive(head, 'answer', None, nonce, request, True, 32768, first, now)
    except Err as e:
        raise Err(A, None if e.id.startswith(A) else e.id)
    if msg['sender'] != service:
        raise Err(A)
    final = first[0] == 3
    if final:
        r.ends()
    total = len(content)
    if maxBytes is not None and total > maxBytes:
        raise Err(A + ':TOO_LARGE')
    nobody = msg['status'] in (204, 205, 304)
    codings = [c.strip().lower() for n, v in msg['headers'] if n.lower() == 'content-encoding' for c in v.split(',')]
    if not nobody and not (final and content == b'') and any(c not in undo for c in codings):
        raise Err(A)

    def body():
        nonlocal total
        yield content
        if final:
            return
        while True:
            t, b = r.frame(2, 3)
            try:
                c = chunks.open(b, t == 3)
            except Err as e:
                raise Err(A, e.id)
            total += len(c)
            if maxBytes is not None and total > maxBytes:
                raise Err(A + ':TOO_LARGE')
            if t == 2:
                yield c
                continue
            _, end = r.frame(4)
            l, tr = chunks.end()
            if not ed.verify(did_key(service), tr, end[:64]):
                raise Err(A, 'VERIFICATION_FAILED:SIGNATURE_MISMATCH')
            v = msg['version']
            if v < 3 and len(end) != 64:
                raise Err(A, 'VERIFICATION_FAILED:SIGNATURE_MISMATCH')
            if v == 3:
                k = b64d(R.memory.rec[service]['mlDsa65'])
                if not mldsa.verify(k, tr, end[64:], l):
                    raise Err(A, 'VERIFICATION_FAILED:PQ_SIGNATURE_MISMATCH')
            r.ends()
            yield c
            return

    return msg, body()


def make_answer(me, rec, now, scope, request, inReplyTo, status, ctype, headers, contents, rnd, steps=None):
    """list of (type, bytes)"""
    v = E.choose(me, rec)
    e = E.start(
        me,
        rec['did'],
        v,
        E._X[v],
        'answer',
        now,
        rnd.get('nonce') or os.urandom(16),
        scope,
        keyEpoch=rec['keyEpoch'],
        request=request,
        inReplyTo=inReplyTo,
    )
    ikm = E.agree(e, rec, rnd)
    label = E.label_of('answer', v, e['suite'])
    com = E.schedule(ikm, label, me.did, rec['did'])[1]
    h = E.header(e)
    ch = E.Chunks(e, hkdf(ikm, LP(label, b'chunks', sha(h)), 32), sha(h))
    fr = E.frame(me.did, ctype, 'answer', headers, status)
    one = len(contents) == 1
    first = com + ch.seal(fr + contents[0], one)
    head = E.finish(me, e, first, rnd, inside=False)
    if steps is not None:
        steps.update(
            label=label,
            headerTranscript=h,
            ikm=ikm,
            commitment=com,
            headerDigest=sha(h),
            chunkKey=ch.key,
            frame=fr,
            signatureTranscript=E.transcript(e, first, h),
        )
    out = [(1, head), (3 if one else 2, first)]
    for i, c in enumerate(contents[1:], 1):
        last = i == len(contents) - 1
        out.append((3 if last else 2, ch.seal(c, last)))
    if not one:
        l, t = ch.end()
        s = me.sign(t)
        if v == 3:
            s += me.pq(t, l, rnd.get('endMlDsaRandom') or os.urandom(32))
        out.append((4, s))
        if steps is not None:
            steps.update(endLabel=l, endTranscript=t)
    return out
