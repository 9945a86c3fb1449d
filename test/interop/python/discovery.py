"""Section 12.6: discovery documents, checks 7 to 18, and the memory of a client."""

import unicodedata
from urllib.parse import urlsplit
from core import *

DL = b'xlink/1 discovery'
F = 'DISCOVERY_FAILED'
INV, OTHER = F + ':INVALID', F + ':OTHER_IDENTITY'
MODES = ('observe', 'hybrid', 'deprecation', 'xlink-only')


def u16(s):
    return len(s.encode('utf-16-le', 'surrogatepass')) // 2


def u16key(s):
    return s.encode('utf-16-be', 'surrogatepass')


def text(x, most=None):
    """a text without lone surrogates"""
    if not isinstance(x, str):
        return False
    try:
        x.encode('utf-8')
    except UnicodeEncodeError:
        return False
    return most is None or u16(x) <= most


def transcript(d):
    lst = lambda a: LP(*[utf8(x) for x in a])
    eps = d.get('endpoints', {})
    pairs = [x for n in sorted(eps, key=u16key) for x in (n, eps[n])]
    return LP(
        DL,
        lst(d['hosts']),
        utf8(d['did']),
        utf8(d.get('name', '')),
        sha(record_transcript(d['keyRecord'])),
        lst(str(int(v)) for v in d['versions']),
        utf8(d['mode']),
        b'\1' if d['acceptsEnvelopes'] else b'',
        lst(pairs),
        lst(d['publicPaths']),
        sha(LP(*[succ_transcript(s) for s in d['succession']])) if 'succession' in d else b'',
        u64(int(d['issuedAt'])),
        u64(int(d['notAfter'])),
    )


def make(me, d, rnd=bytes(32)):
    d = {k: v for k, v in d.items() if k not in ('signature', 'pqSignature')}
    t = transcript(d)
    d['signature'] = b64e(me.sign(t))
    if 'mlDsa65' in d['keyRecord']:
        d['pqSignature'] = b64e(me.pq(t, DL, rnd))
    return d


def host_of(origin):
    u = urlsplit(origin)
    p = u.port
    h = u.hostname if ':' not in (u.hostname or '') else f'[{u.hostname}]'
    return h if p in (None, 443 if u.scheme == 'https' else 80) else f'{h}:{p}'


def says(d):
    e = d.get('endpoints', {})
    return [
        d['did'],
        [int(v) for v in d['versions']],
        d['mode'],
        d['acceptsEnvelopes'],
        e.get('enroll'),
        e.get('key'),
        d['publicPaths'],
    ]


class Client:
    def __init__(self, origin, pinned=None):
        self.origin, self.pinned = origin, pinned
        self.did = self.record = None  # known of the origin
        self.issued, self.said = 0, None
        self.records = Memory()

    def check(self, d, now):
        def need(ok, e=INV):
            if not ok:
                raise Err(e)

        need(isinstance(d, dict))
        try:
            pk = did_key(d.get('did'))
        except Err:
            raise Err(INV)
        did, succ = d['did'], d.get('succession')
        # 8
        first = self.pinned if self.pinned is not None else self.did
        steps = [s.get('from') for s in succ if isinstance(s, dict)] if isinstance(succ, list) else []
        need(first is None or did == first or first in steps, OTHER)
        # 9
        try:
            check_record(d.get('keyRecord'), did)
        except Err:
            raise Err(INV)
        rec = d['keyRecord']
        # 10
        if 'name' in d:
            n = d['name']
            need(text(n) and 1 <= len(n) <= 256 and all(unicodedata.category(c) not in ('Cc', 'Cf') for c in n))
        # 11
        need(d.get('mode') in MODES and isinstance(d['mode'], str))
        need(isinstance(d.get('acceptsEnvelopes'), bool))
        need(
            isinstance(d.get('hosts'), list) and 1 <= len(d['hosts']) <= 64 and all(text(h, 1024) for h in d['hosts'])
        )
        need(
            isinstance(d.get('publicPaths'), list)
            and len(d['publicPaths']) <= 1000
            and all(text(h, 1024) for h in d['publicPaths'])
        )
        need(is_int(d.get('issuedAt')) and is_int(d.get('notAfter')) and 0 <= d['notAfter'] - d['issuedAt'] <= 300000)
        # 12
        v = d.get('versions')
        need(
            isinstance(v, list)
            and 1 <= len(v) <= 3
            and all(is_int(x, 1, 3) for x in v)
            and len(set(v)) == len(v)
            and max(v) <= rec_version(rec)
        )
        if 'succession' in d:
            try:
                chain_form(succ)
            except Err:
                raise Err(INV)
            need(succ[-1]['to'] == did)
        if 'endpoints' in d:
            e = d['endpoints']
            need(isinstance(e, dict) and len(e) <= 32 and all(text(a) and text(b) for a, b in e.items()))
        # 13
        need(is_b64(d.get('signature'), 64))
        t = transcript(d)
        need(ed.verify(pk, t, b64d(d['signature'])))
        if 'mlDsa65' in rec:
            need(
                is_b64(d.get('pqSignature'), 3309)
                and mldsa.verify(b64d(rec['mlDsa65']), t, b64d(d['pqSignature']), DL)
            )
        else:
            need('pqSignature' not in d)
        if first is not None and did != first:
            try:
                check_chain(
                    succ,
                    {
                        'did': first,
                        **(
                            {k: self.record[k] for k in ('mlDsa65', 'next') if k in self.record}
                            if self.record and self.record['did'] == first
                            else {}
                        ),
                    },
                    rec,
                )
            except Err as x:
                raise Err(OTHER, x.id)
        # 14
        need(host_of(self.origin) in d['hosts'], F + ':OTHER_HOST')
        # 15
        clock = max(now, self.issued)
        need(d['notAfter'] >= clock - 300000 and d['issuedAt'] <= clock + 300000, F + ':EXPIRED')
        # 16
        for n in ('enroll', 'key'):
            if n in d.get('endpoints', {}):
                p = d['endpoints'][n]
                need(u16(p) <= 2048 and p.startswith('/') and '#' not in p and not re.match(r'/[\t\r\n]*[/\\]', p))
        # 17
        new = says(d)
        need(d['issuedAt'] >= self.issued or new == self.said, F + ':ROLLED_BACK')
        # 18
        self.records.offer(did, rec)
        self.did, self.record = did, self.records.rec[did]
        if d['issuedAt'] >= self.issued:
            self.issued, self.said = d['issuedAt'], new
        return d
