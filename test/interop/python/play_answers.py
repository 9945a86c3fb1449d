from core import *
from runner import *
import envelope as E, answers as A, io


def run():
    d, t = load('answers.json'), T('answers.json')
    me = Identity(bytes.fromhex(d['receiver']['seed']), d['receiver']['maxVersion'])
    services = {s['did']: s for s in d['services']}
    asked = d['asked']
    goods = {c['name']: c for c in d['good']}
    made = {}

    def make(c):
        if c['name'] not in made:
            s = Identity(bytes.fromhex(c['senderSeed']), c['version'])
            rec = make_record(me, 3, 1) if c['version'] < 9 else None
            pos, cont = 0, []
            for n in c['contentLengths']:
                cont.append(bytes(i % 251 for i in range(pos, pos + n)))
                pos += n
            rnd = {k: bytes.fromhex(v) for k, v in c['randomness'].items()}
            steps = {}
            made[c['name']] = (
                A.make_answer(
                    s,
                    rec,
                    c['timestamp'],
                    c['scope'],
                    asked['request'],
                    asked['nonce'],
                    c['status'],
                    c['contentType'],
                    c['headers'],
                    cont,
                    rnd,
                    steps,
                ),
                steps,
                b''.join(cont),
            )
        return made[c['name']]

    def own(f):
        b = (f['text'] + ' ' * f.get('spaces', 0)).encode() if 'text' in f else bytes.fromhex(f['bytes'])
        return f['type'], b

    def gframes(name):
        c = goods[name]
        return [own(f) for f in c['frames']] if 'frames' in c else make(c)[0]

    def travels(c):
        out = b''
        for f in c['frames']:
            if 'raw' in f:
                out += bytes.fromhex(f['raw'])
                continue
            if 'frame' in f:
                ty, b = gframes(f.get('of') or c['of'])[f['frame']]
                ty = f.get('type', ty)
            else:
                ty, b = own(f)
            if 'keep' in f:
                b = b[: f['keep']]
            if 'cut' in f:
                b = b[: len(b) - f['cut']]
            if 'append' in f:
                b += bytes(f['append'])
            if 'flip' in f:
                b = bytearray(b)
                b[f['flip']] ^= 1
                b = bytes(b)
            x = A.frame_bytes(ty, b)
            if 'short' in f:
                x = x[: len(x) - f['short']]
            if 'leave' in f:
                x = x[: f['leave']]
            out += x
        return out

    def client(c):
        R = E.Receiver(me, [], d['now'], window=d['receiver']['timestampWindowMs'])
        st = c.get('settings', {})
        assert not set(st) - {'maxBytes', 'knows', 'before'}, st
        for did in [c['service']] + ([st['knows']] if 'knows' in st else []):
            R.services[did] = services[did]
        b = st.get('before')
        if b:
            fr = gframes(b['of'])[: b.get('count')]
            try:
                m, body = A.open_answer(
                    R,
                    io.BytesIO(b''.join(A.frame_bytes(*f) for f in fr)),
                    b.get('inReplyTo', asked['nonce']),
                    asked['request'],
                    goods[b['of']]['service'],
                )
                for _ in body:
                    pass
            except Err:
                pass
        return R, st

    for c in d['good']:

        def f(c=c):
            R, st = client(c)
            raw = b''.join(A.frame_bytes(*x) for x in gframes(c['name']))
            if 'length' in c:
                eq(len(raw), c['length'])
                eq(sha(raw).hex(), c['sha256'])
            m, body = A.open_answer(
                R, io.BytesIO(raw), asked['nonce'], asked['request'], c['service'], maxBytes=st.get('maxBytes')
            )
            parts = list(body)
            eq(m['status'], c['status'])
            eq(m['contentType'], c['contentType'])
            eq(m['headers'], c['headers'])
            eq([len(p) for p in parts], c['contentLengths'])
            eq(b''.join(parts), make(c)[2])

        t.case('good', c['name'], f)
        if not any('spaces' in x for x in c.get('frames', [])):

            def g(c=c):
                fr, steps, _ = make(c)
                if 'frames' in c:
                    eq([(a, b.hex()) for a, b in fr], [(a, b.hex()) for a, b in map(own, c['frames'])], 'frames')
                if 'steps' in c:
                    eq({k: v.hex() for k, v in steps.items()}, c['steps'], 'steps')

            t.case('good:make', c['name'], g)
    for c in d['bad']:

        def f(c=c):
            R, st = client(c)
            got = None
            try:
                m, body = A.open_answer(
                    R,
                    io.BytesIO(travels(c)),
                    asked['nonce'],
                    asked['request'],
                    c['service'],
                    maxBytes=st.get('maxBytes'),
                )
                got = 0
                for p in body:
                    got += len(p)
            except Err as e:
                eq((e.id, e.cause, got), (c['error'], c.get('cause'), c.get('handedOver')))
                return
            raise AssertionError('accepted')

        t.case('bad', c['name'], f)
    return t
