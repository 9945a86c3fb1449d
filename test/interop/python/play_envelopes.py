from core import *
from runner import *
import envelope as E


def text_of(c, good):
    if 'envelope' in c:
        return c['envelope'].encode('utf-8')
    if 'envelopeHex' in c:
        return bytes.fromhex(c['envelopeHex'])
    s = good[c['of']]
    if 'at' in c:
        s = s[: c['at']] + c['insert'] + s[c['at'] + c['cut'] :]
    return s.encode('utf-8', 'surrogatepass')


def receiver(d, st):
    r = d['receiver']
    g = lambda n, dflt=None: st[n] if n in st else r.get(n, dflt)
    reg = d['registry']
    if 'sendScopes' in st:
        reg = [
            {k: v for k, v in x.items() if k != 'sendScopes'}
            | ({'sendScopes': st['sendScopes']} if st['sendScopes'] is not None else {})
            for x in reg
        ]
    R = E.Receiver(
        Identity(bytes.fromhex(r['seed']), g('maxVersion')),
        reg,
        st.get('now', d['now']),
        g('minVersion', 1),
        g('versionFloor', 'record'),
        g('timestampWindowMs'),
        g('receiveScopes'),
        g('allowCleartext', False),
        g('xchange', False),
    )
    for s in st.get('services', []):
        R.services[s['did']] = s
    return R


KNOWN = {
    'now',
    'maxVersion',
    'minVersion',
    'versionFloor',
    'receiveScopes',
    'allowCleartext',
    'sendScopes',
    'kind',
    'ownScope',
    'inReplyTo',
    'services',
    'request',
    'requireRequestBinding',
    'maxEnvelopeBytes',
    'before',
    'revoked',
    'xchange',
}


def meet(R, st, raw, kind=None, now=None):
    return R.receive(
        raw,
        kind or st.get('kind', 'message'),
        st.get('ownScope'),
        st.get('inReplyTo'),
        st.get('request'),
        st.get('requireRequestBinding', False),
        st.get('maxEnvelopeBytes', 1572864),
        now=now,
    )


def prepare(d, st, good):
    assert not set(st) - KNOWN, set(st) - KNOWN
    R = receiver(d, st)
    for b in st.get('before', []):
        if 'did' in b:
            R.registry[b['did']]['keys'] = b['record']
            continue
        go = lambda: meet(R, st, text_of(b, good), b.get('kind'), b.get('now'))
        refused(go, b['error']) if 'error' in b else go()
    if 'revoked' in st:
        R.registry[st['revoked']]['status'] = 'revoked'
    return R


def run(name):
    d, t = load(name), T(name)
    good = {c['name']: c['envelope'] for c in d['good'] if 'envelope' in c}
    for c in d['good']:

        def f(c=c):
            st = c.get('settings', {})
            R = prepare(d, st, good)
            eq(meet(R, st, text_of(c, good)), c['message'], 'message')

        t.case('good', c['name'], f)
        if 'senderSeed' in c:

            def g(c=c):
                e = json.loads(text_of(c, good))
                rnd = {k: bytes.fromhex(v) for k, v in c.get('randomness', {}).items()}
                me = Identity(bytes.fromhex(c['senderSeed']), e['version'])
                steps = {}
                if not c.get('reproducible') and 'ephemeralPub' in e:
                    rnd['ephemeralPub'] = b64d(e['ephemeralPub'])  # the case with the top bit set
                more = {
                    n: e[n]
                    for n in ('request', 'fields', 'fieldsDigest', 'contentDigest', 'contentType', 'inReplyTo')
                    if n in e
                }
                content = bytes.fromhex(c['content']) if 'content' in c else None
                if 'ephemeralPub' in e:
                    i = R0
                    rec = (
                        make_record(Identity(i.seed, max(2, e['version'])), e['version'], 1)
                        if e['version'] < 4
                        else None
                    )
                    made = E.seal(
                        me,
                        rec,
                        e['timestamp'],
                        e['kind'],
                        e['scope'],
                        content,
                        c.get('contentType', ''),
                        c.get('headers', []),
                        rnd,
                        steps,
                        more=more,
                    )
                else:
                    made = E.sign_only(
                        me, e['to'], e['version'], e['timestamp'], e['kind'], e['scope'], content, rnd, steps, more
                    )
                if c.get('reproducible'):
                    eq(made.decode(), text_of(c, good).decode(), 'made')
                else:
                    eq(json.loads(made), e, 'made (members)')
                if 'steps' in c:
                    eq({k: v.hex() for k, v in steps.items()}, c['steps'], 'steps')

            R0 = Identity(bytes.fromhex(d['receiver']['seed']))
            t.case('good:make', c['name'], g)
    for c in d['bad']:

        def f(c=c):
            st = c.get('settings', {})
            R = prepare(d, st, good)
            refused(lambda: meet(R, st, text_of(c, good)), c['error'])

        t.case('bad', c['name'], f)
    return t
