from core import *
from runner import *
import receipt as R


def run():
    d, t = load('receipts.json'), T('receipts.json')
    me = Identity(bytes(range(32)))
    for c in d['cases']:
        name, message = f'version {c["version"]}', c['message'].encode()
        t.case('hash', name, lambda m=message, c=c: eq(R.message_hash(m), c['messageHash']))
        for g in c['good']:
            want = {'messageHash': c['messageHash'], 'receivedAt': c['receivedAt'], 'status': g['status']}
            t.case('good', f'{name}, {g["status"]}', lambda g=g, m=message, w=want: eq(R.verify(g['receipt'].encode(), m), w))
        for n, b in enumerate(c['bad']):
            t.case(
                'bad',
                f'{name}, {n}',
                lambda b=b, m=message: refused(lambda: R.verify(b['receipt'].encode(), m), b['error']),
            )

        def made(c=c, m=message):
            raw = R.make(me, m, c['receivedAt'] + 2, 'processed', c['receivedAt'])
            _, said = R.read(raw)
            eq(said, {'messageHash': c['messageHash'], 'receivedAt': c['receivedAt'], 'status': 'processed'})
            refused(lambda: R.verify(raw, m), 'RECEIPT_INVALID:OTHER_SIGNER')

        t.case('make', name, made)
    return t
