"""Opens a session with a service that asks for checkpoints, and signs what it sent. Prints what came of it, as JSON. Arguments: see live.py."""

import checkpoint as C
from live import *

session, said, leaves = Session(), {}, []
limits = session.grant['checkpoint']
POST = 'POST', '/orders'


def order():
    """sends the next request and keeps its leaf"""
    made, answer = session.sealed(len(leaves), *POST, [b'{"item"', b':"tea"}']), []
    got = session.send(made, *POST, plaintexts=answer)
    leaves.append(C.leaf(made[0].digest, made[0].plaintext, b''.join(answer) if got[1] == 'sealed' else None))
    return got


def sign(frm, head):
    """(content, what came back)"""
    content = C.make(session.keys.sid, session.ticket, head, frm, leaves[frm:])
    return content, Enveloped('POST', C.target(endpoint, content), C.SCOPE, content)


def shown(content, sent):
    """What others see of it who have no key."""
    own = make_record(me, me.version, 1)
    caller, countersigned_by, what = C.show(sent.raw, content, sent.answer, endpoint, own, record)
    assert (caller, countersigned_by, what['sid']) == (me.did, did, session.keys.sid)
    return what['leaves']


got = [order() for _ in range(limits['requests'] - 1)]
said['orders'] = all(one[:2] == [201, 'sealed'] for one in got) and len(got)
said['one too many'] = order()
content, sent = sign(0, b64d(session.grant['offerHash']))
said['signed'] = [*sent.got, json.loads(sent.content)['compared']]
said['shown'] = shown(content, sent)
said['signed again'] = Enveloped('POST', C.target(endpoint, content), C.SCOPE, content).got
session.ticket = C.take_reply(sent.content, session.keys.sid, len(leaves), sent.hash)
said['goes on'] = order()[:2]
leaves[-1] = bytes(32)
said['a leaf that is not true'] = sign(len(leaves) - 1, sent.hash)[1].got


def without_the_service():
    """A checkpoint that it never saw: with its answer to something else under the same nonce, at a target that ends alike."""
    path = f'{POST[1]}?x={endpoint}'
    content = C.make(os.urandom(16), session.ticket, bytes(32), 0, [bytes(32)])
    target = C.target(path, content)
    answered = Enveloped('POST', target, '*', b'{}')
    assert answered.got == [201, 'signed']
    more, rnd = {'request': binding.request('POST', target)}, {'nonce': b64d(answered.nonce)}
    raw = E.seal(me, record, now(), 'request', C.SCOPE, content, 'application/json', rnd=rnd, more=more)
    own = make_record(me, me.version, 1)
    try:
        C.show(raw, content, answered.answer, path, own, record)
    except Err as e:
        return {'code': e.id, 'envelope': b64e(raw), 'content': b64e(content), 'countersignature': b64e(answered.answer)}


said['forged'] = without_the_service()
print(json.dumps(said))
