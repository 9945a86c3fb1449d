from core import *
from runner import *
import binding


def identity():
    d, t = load('identity.json'), T('identity.json')
    for c in d['identities']:

        def f(c=c):
            i = Identity(bytes.fromhex(c['seed']))
            eq(i.pk.hex(), c['ed25519'])
            eq(i.did, c['did'])
            eq((PKCS8 + i.seed).hex(), c['pkcs8'])
            eq(read_pkcs8(bytes.fromhex(c['pkcs8'])).did, c['did'])
            eq(i.xs.hex(), c['x25519Secret'])
            eq(i.x.hex(), c['x25519'])
            eq(i.ms.hex(), c['mlKem768Seed'])
            eq(i.kem[0].hex(), c['mlKem768'])
            eq(i.ds.hex(), c['mlDsa65Seed'])
            eq(i.dsa[0].hex(), c['mlDsa65'])
            eq(did_key(i.did), i.pk)
            extra = set(c) - {
                'seed',
                'ed25519',
                'did',
                'pkcs8',
                'x25519Secret',
                'x25519',
                'mlKem768Seed',
                'mlKem768',
                'mlDsa65Seed',
                'mlDsa65',
                'name',
            }
            eq(extra, set())

        t.case('identities', c['did'], f)
    for c in d['badDids']:
        t.case('badDids', c['name'], lambda c=c: refused(lambda: did_key(c['did']), c['error']))
    for c in d['badPkcs8']:
        t.case('badPkcs8', c['name'], lambda c=c: refused(lambda: read_pkcs8(bytes.fromhex(c['pkcs8'])), c['error']))
    for c in d['signatures']:
        t.case(
            'signatures',
            c['name'],
            lambda c=c: eq(
                ed.verify(bytes.fromhex(c['publicKey']), bytes.fromhex(c['message']), bytes.fromhex(c['signature'])),
                c['valid'],
            ),
        )
    return t


def key_record():
    d, t = load('key-record.json'), T('key-record.json')
    for c in d['good']:

        def f(c=c):
            r = c['record']
            check_record(r)
            check_record(r, r['did'])
            eq(record_transcript(r).hex(), c['transcript'])
            eq(rec_version(r), c['version'])
            i = Identity(bytes.fromhex(c['seed']), c['version'])
            e = Identity(bytes.fromhex(c['encryptionSeed'])) if 'encryptionSeed' in c else None
            rnd = bytes.fromhex(c.get('randomness', {}).get('mlDsaRandom', ''))
            m = make_record(
                i, c['version'], r['epoch'], r['keyEpoch'], r['notBefore'], r['notAfter'], r.get('next'), rnd, e
            )
            eq({k: r[k] for k in m}, m, 'made')

        t.case('good', c['name'], f)
    for c in d['bad']:
        t.case('bad', c['name'], lambda c=c: refused(lambda: check_record(c['record']), c['error']))
    for c in d['sequences']:

        def f(c=c):
            m = Memory()
            for i, s in enumerate(c['steps']):
                if 'forget' in s:
                    m.forget(c['did'])
                    continue
                go = lambda: m.offer(c['did'], s['record'])
                refused(go, s['error']) if 'error' in s else go()

        t.case('sequences', c['name'], f)
    import envelope

    me = Identity(bytes.fromhex(d['good'][0]['seed']), 3)
    for c in d['recipients']:

        def f(c=c):
            go = lambda: envelope.seal(
                me,
                c['record'],
                c['now'],
                kind='message',
                scope='orders:read',
                content=b'{}',
                ctype='application/json',
                asked=c['record']['did'],
            )
            if 'error' in c:
                return refused(go, c['error'])
            env = json.loads(go())
            eq(env['version'], rec_version(c['record']))
            eq(env['keyEpoch'], c['record']['keyEpoch'])

        t.case('recipients', c['name'], f)
    return t


def succession():
    d, t = load('succession.json'), T('succession.json')
    for c in d['good']:

        def f(c=c):
            s = c['succession']
            check_succ(s)
            eq(succ_transcript(s).hex(), c['transcript'])
            a, b = (Identity(bytes.fromhex(c[w + 'Seed']), c[w + 'Version']) for w in ('from', 'to'))
            m = make_succ(
                a,
                c['fromVersion'],
                b,
                c['toVersion'],
                s['issuedAt'],
                s['overlapMs'],
                s.get('next'),
                bytes.fromhex(c.get('randomness', {}).get('mlDsaRandom', '')),
            )
            eq({k: s[k] for k in m}, m)

        t.case('good', c['name'], f)
    for c in d['bad']:
        t.case('bad', c['name'], lambda c=c: refused(lambda: check_succ(c['succession']), c['error']))
    for c in d['chains']:
        go = lambda c=c: check_chain(c['chain'], c['from'], c['to'])
        t.case('chains', c['name'], lambda c=c, go=go: refused(go, c['error']) if 'error' in c else go())
    for c in d['registry']:

        def f(c=c):
            r = Registry(c['entries'])
            for i, s in enumerate(c['steps']):
                if 'revoke' in s:
                    r.revoke(s['revoke'])
                    continue
                go = lambda: r.succeed(s['succession'], s['keys'], s.get('at', d['now']))
                try:
                    refused(go, s['error']) if 'error' in s else go()
                except (AssertionError, Err) as e:
                    raise AssertionError(f'step {i}: {e}')

        t.case('registry', c['name'], f)
    return t


def request_binding():
    d, t = load('request-binding.json'), T('request-binding.json')
    for c in d['canonical']:
        t.case('canonical', c['target'], lambda c=c: eq(binding.request(c['method'], c['target']), c['request']))
    for c in d['checks']:

        def f(c=c):
            go = lambda: binding.check(c.get('signed'), c.get('actual'), c['required'])
            refused(go, c['error']) if 'error' in c else go()

        t.case('checks', c['name'], f)
    for c in d['contentTypes']:
        t.case('contentTypes', c['header'], lambda c=c: eq(binding.content_type(c['header']), c.get('contentType')))
    for c in d['headers']:

        def f(c=c):
            n, g = binding.fields(c['headers'])
            eq(n, c['fields'])
            eq(b64d(g).hex() if g else None, c.get('fieldsDigest'))

        t.case('headers', c['name'], f)
    return t
