from core import *
from runner import *
import discovery as D


def run():
    d, t = load('discovery.json'), T('discovery.json')
    at = lambda c: c.get('now', d['now'])
    org = lambda c: c.get('origin', d['origin'])
    for c in d['good']:

        def f(c=c):
            D.Client(org(c), c.get('pinnedDid')).check(c['document'], at(c))
            eq(D.transcript(c['document']).hex(), c['transcript'], 'transcript')
            me = Identity(bytes.fromhex(c['seed']), c['version'])
            m = D.make(me, c['document'], bytes.fromhex(c.get('randomness', {}).get('mlDsaRandom', '')))
            eq(
                {k: m.get(k) for k in ('signature', 'pqSignature')},
                {k: c['document'].get(k) for k in ('signature', 'pqSignature')},
            )

        t.case('good', c['name'], f)
    for c in d['bad']:
        t.case(
            'bad',
            c['name'],
            lambda c=c: refused(lambda: D.Client(org(c), c.get('pinnedDid')).check(c['document'], at(c)), c['error']),
        )
    for c in d['sequences']:

        def f(c=c):
            k = D.Client(org(c))
            for i, s in enumerate(c['steps']):
                go = lambda: k.check(s['document'], s.get('now', at(c)))
                try:
                    refused(go, s['error']) if 'error' in s else go()
                except (AssertionError, Err) as e:
                    raise AssertionError(f'step {i}: {e}')

        t.case('sequences', c['name'], f)
    return t
