from core import *
from runner import *
import envelope as E, shares as S, play_envelopes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM


def run():
    d, t = load('shares.json'), T('shares.json')
    for c in d['good'] + d['bad']:

        def f(c=c):
            st = c.get('settings', {})
            R = play_envelopes.prepare(d, st, {})
            got, msg = [], None
            for x in c['envelopes']:
                try:
                    m = play_envelopes.meet(R, st, x.encode())
                    got.append('message')
                    msg = m
                except Err as e:
                    got.append(e.id)
            eq(got, c['results'], 'results')
            if 'message' in c:
                eq(msg, c['message'], 'message')

        t.case('good' if c in d['good'] else 'bad', c['name'], f)
    rec3 = Identity(bytes.fromhex(d['receiver']['seed']), 3)
    for c in d['good']:
        if 'randomness' not in c:
            if 'steps' in c:

                def h(c=c):
                    st, n, k = c['steps'], c['totalShares'], c['threshold']
                    sec, pcs = bytes.fromhex(st['secret']), [bytes.fromhex(p) for p in st['allPieces']]
                    eq(sec[32:].hex(), c['content'])
                    gid = b64d(c['message']['envelopeId'])
                    eq(
                        [
                            S.bundle(sec[:32], gid, n, k, len(sec) - 32, pcs, [int(x) for x in q.split(',')]).hex()
                            for q in c['routes']
                        ],
                        st['bundles'],
                        'bundles',
                    )

                t.case('good:steps', c['name'], h)
            continue

        def g(c=c):
            r, n, k, v = c['randomness'], c['totalShares'], c['threshold'], c['version']
            me = Identity(bytes.fromhex(c['senderSeed']), 2 if c['xchange'] else v)
            gid, key, ck = (bytes.fromhex(r[x]) if x in r else None for x in ('groupId', 'tagKey', 'contentKey'))
            content = bytes.fromhex(c['content'])
            data = ck if c['xchange'] else content
            secret = key + data
            pcs = [bytes.fromhex(x) for x in r['pieces']]
            if S.by_xor(n, k):
                pieces = S.all_pieces(secret, n, k, pcs)
            else:
                pieces = poly(secret, n, k, pcs)
            steps = c.get('steps', {})
            if 'secret' in steps:
                eq(secret.hex(), steps['secret'], 'secret')
            if 'allPieces' in steps:
                eq([p.hex() for p in pieces], steps['allPieces'], 'allPieces')
            routes = [[int(x) for x in q.split(',')] for q in c['routes']]
            bundles = [S.bundle(key, gid, n, k, len(data), pieces, q) for q in routes]
            if 'bundles' in steps:
                eq([b.hex() for b in bundles], steps['bundles'], 'bundles')
            made = []
            for b, rn, ex in zip(bundles, r['envelopes'], c['made']):
                rn = {a: bytes.fromhex(x) for a, x in rn.items()}
                e = json.loads(ex)
                more = {q: e[q] for q in ('request', 'inReplyTo') if q in e}
                if c['xchange']:
                    e2 = E.start(
                        me, e['to'], 2, E.XCHANGE, 'message', e['timestamp'], rn['nonce'], e['scope'], **more
                    )
                    label = E.label_of('message', 2, E.XCHANGE)
                    kk, com, iv, _ = E.schedule(ck, label, me.did, e['to'])
                    gh = E.header(e2, gid)
                    ct = com + AESGCM(kk).encrypt(iv, E.frame(me.did, c['contentType'], 'message') + content, gh)
                    if 'groupTranscript' in steps:
                        eq(gh.hex(), steps['groupTranscript'])
                    if 'ciphertext' in steps:
                        eq(ct.hex(), steps['ciphertext'])
                    made.append(E.finish(me, e2, b + ct, rn).decode())
                else:
                    made.append(
                        E.seal(
                            me,
                            make_record(rec3, 3, 1),
                            e['timestamp'],
                            'message',
                            e['scope'],
                            b,
                            c['contentType'],
                            (),
                            rn,
                            None,
                            E._X[v] + '+Shares',
                            more=more,
                        ).decode()
                    )
            eq(made, c['made'], 'made')

        t.case('good:make', c['name'], g)
    return t


def poly(secret, n, k, pcs):
    if len(pcs) == k - 1:
        return S.poly_pieces(secret, n, k, pcs, range(1, n + 1))
    raise AssertionError(f'polynomials: {len(pcs)} pieces of {[len(p) for p in pcs]} for n {n} k {k}')
