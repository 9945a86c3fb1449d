"""The examples in PROTOCOL.md itself."""

import re
from core import *
from runner import *
import envelope as E


def run():
    t = T('PROTOCOL.md examples')
    text = open(os.path.join(V, '../../docs/PROTOCOL.md')).read()
    did = Identity(bytes(range(32))).did
    t.case('examples', '2.2 DID', lambda: eq(did, 'did:key:z6MkehRgf7yJbgaGfYsdoAsKdBPE3dj2CYhowQdcjqSJgvVd'))
    t.case(
        'examples',
        '12.7 keyProof',
        lambda: eq(
            b64e(sha(LP(b'xlink/1 enroll', utf8(did), b'sk_test_1'))), 'NM0J971ARonk47F1UBpR1dE5SOD9rsDr34kd1Dd8tCY'
        ),
    )
    blocks = re.findall(r'```text\n(.*?)```', text, re.S)
    hexes = lambda b: bytes.fromhex(
        ''.join(
            ''.join(re.findall(r'^(?:[0-9a-f]{8})(?: [0-9a-f]+)?', l)).replace(' ', '')
            for l in b.splitlines()
            if re.match(r'[0-9a-f]{8}', l)
        )
    )
    d = load('v1.json')
    e = json.loads(d['good'][0]['envelope'])
    hd = next(b for b in blocks if 'keyEpoch 0' in b)
    t.case('examples', '6.1 header', lambda: (eq(hexes(hd).hex(), E.header(e).hex()), eq(len(E.header(e)), 337)))
    tr = next(b for b in blocks if '989cdd14' in b)
    t.case('examples', '6.2 transcript', lambda: eq(hexes(tr).hex(), E.transcript(e, b64d(e['payload'])).hex()))
    row = re.search(r'\| characters \|(.*)\|', text)[1].split('|')
    b = re.search(r'\| bytes \|(.*)\|', text)[1].split('|')
    t.case('examples', '1 lengths', lambda: [eq(len(b64e(bytes(int(x)))), int(y)) for x, y in zip(b, row)])
    for k, n in (('b', 1),):
        t.case('examples', '4.2 label', lambda: eq(len(E.label_of('message', 1, 'X25519+A256GCM+Ed25519')), 41))
        longest = max(len(E.label_of(kd, v, s)) for (v, s), (_, ks) in E.SUITES.items() for kd in ks)
        t.case('examples', '6.2 transcript at most 141', lambda: eq(longest + 76, 141))
    return t
