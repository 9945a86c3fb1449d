"""Opens a session with a service and calls it. Prints what came of each call, as JSON. The service answers at /kept what it keeps of
its ticket keys. Arguments: see live.py."""

from live import *

session, said = Session(), {}
said['opened'] = {n: session.grant[n] for n in ('lifetimeMs', 'never')}

POST = 'POST', '/orders?dry=1'
first = session.sealed(0, *POST, [b'{"item":"tea"}'], headers=[['x-request-id', 'a1']])
said['with a body'] = session.send(first, *POST)
said['the same once more'] = session.send(first, *POST)
said['without a body'] = session.send(session.sealed(65535, 'GET', '/orders'), 'GET', '/orders')
said['with an empty body'] = session.send(session.sealed(3, *POST, [b'']), *POST)
said['in three chunks'] = session.send(session.sealed(2, *POST, [b'{"item"', b':"tea"}', b'']), *POST, own=True)
said['under a number that was used'] = session.send(session.sealed(2, *POST, [b'{}']), *POST)
said['moved'] = session.send(session.sealed(4, *POST, [b'{}']), 'POST', '/other')
said['of a scope that needs a signature'] = session.send(session.sealed(5, *POST, [b'{}'], scope='orders:pay'), *POST)

kept = session.send(session.sealed(1, 'GET', '/kept'), 'GET', '/kept')[2]
secrets = [S.open_kept(bytes.fromhex(sys.argv[4]), name, text) for name, text in kept.items()]
state = S.open_ticket({S.key_id(one): one for one in secrets}, session.ticket, did, now())
good_for = state['notAfter'] - state['issuedAt'], state['issuedAt'] // 600_000
said['its ticket'] = {
    'version': state['version'],
    'is ours': (state['sid'], state['frm'], state['master']) == (session.keys.sid, me.did, session.keys.master),
    'lifetimeMs': good_for[0],
    'is kept': f'{did}:{good_for[1]}' in kept,
}


def superseding(seq):
    value = f'{b64e(session.keys.sid)}.{seq}.{now()}'
    sent = Enveloped(*POST, '*', b'{}', [['xlink-supersedes', value]])
    return sent.got if sent.content is None else [*sent.got, json.loads(sent.content)]


said['an envelope in the place of a request that was carried out'] = superseding(0)
said['an envelope in the place of one that was not'] = superseding(6)
said['which comes later'] = session.send(session.sealed(6, *POST, [b'{}']), *POST)
print(json.dumps(said))
