"""Opens a session with a service and calls it. Prints what came of each call, as JSON.

    python3 live_sessions.py ORIGIN SEED VERSION SERVICE-SEED

The service answers at /kept what it keeps of its ticket keys."""

import http.client, io, sys, time
from core import *
import answers as A, binding, discovery as D, envelope as E, session as S

origin, seed, version = sys.argv[1], bytes.fromhex(sys.argv[2]), int(sys.argv[3])
host = origin.removeprefix('http://')
me = Identity(seed, version)
now = lambda: time.time_ns() // 1_000_000
said = {}


def http_call(method, path, headers={}, body=None):
    connection = http.client.HTTPConnection(host)
    connection.request(method, path, body, {**headers, 'Accept': 'application/xlink-answer'})
    answer = connection.getresponse()
    return answer.status, answer.headers['Content-Type'].split(';')[0], answer.read()


def problem(status, raw, vouched):
    code = json.loads(raw)
    return [status, vouched, ':'.join(code[n] for n in ('code', 'subCode') if n in code)]


service = D.Client(origin).check(json.loads(http_call('GET', '/.well-known/xlink.json')[2]), now())
record, did = service['keyRecord'], service['did']
receiver = E.Receiver(me, [], now())
receiver.services[did] = record


def enveloped(method, path, scope, content, headers=()):
    """(what came back, content, SHA-256 of the signature transcript)"""
    request, steps = binding.request(method, path), {}
    more = {'request': request}
    raw = E.seal(me, record, now(), 'request', scope, content, 'application/json', headers, steps=steps, more=more)
    nonce = json.loads(raw)['nonce']
    status, ctype, answer = http_call(method, path, {'Content-Type': 'application/xlink-envelope'}, raw)
    offerHash = sha(steps['signatureTranscript'])
    if ctype == 'application/xlink-envelope':
        refusal = receiver.receive(answer, 'refusal', None, nonce, request, True, now=now())
        return problem(status, json.dumps(refusal['payload']), 'signed'), None, offerHash
    if ctype != A.ANSWER:
        return problem(status, answer, 'nobody'), None, offerHash
    receiver.now = now()
    message, body = A.open_answer(receiver, io.BytesIO(answer), nonce, request, did)
    return [message['status'], 'signed'], b''.join(body), offerHash


def open_session():
    x, kem = os.urandom(32), mlkem.keygen(os.urandom(64))
    offer = dict(session=1, suites=[S.SUITE.decode()], x25519=b64e(x_pub(x)), mlKem768=b64e(kem[0]))
    path = service['endpoints']['session']
    got, content, offerHash = enveloped('POST', path, 'xlink:session', json.dumps(offer).encode())
    if content is None:
        raise Err(str(got))
    grant = json.loads(content)
    if grant['session'] != 1 or grant['suite'] != S.SUITE.decode():
        raise Err(A.A)
    share = {n: b64d(grant[n]) for n in ('sid', 'x25519', 'kemCiphertext', 'offerHash')}
    return S.caller(me.did, did, offerHash, share, x, kem), grant


keys, grant = open_session()
said['opened'] = {n: grant[n] for n in ('lifetimeMs', 'never')}


def credential(seq, method, path, contents=None, scope='*', ctype='application/json', headers=()):
    request = S.Request(keys, seq, os.urandom(16), now(), scope, binding.request(method, path))
    return request, request.seal(b64d(grant['ticket']), ctype if contents else '', headers, contents)


def send(made, method, path, own=False):
    request, (text, body) = made
    headers = {'Xlink-Session': text} if own else {'Authorization': f'Xlink-Session {text}'}
    if body:
        headers['Content-Type'] = 'application/xlink-session'
    status, ctype, answer = http_call(method, path, headers, body or None)
    if ctype != A.ANSWER:
        return problem(status, answer, 'nobody')
    kind, status, _, _, pieces = S.open_answer(keys, request.digest, request.tag, io.BytesIO(answer))
    content = b''.join(pieces)
    return problem(status, content, 'sealed') if kind else [status, 'sealed', json.loads(content)]


POST = 'POST', '/orders?dry=1'
first = credential(0, *POST, [b'{"item":"tea"}'], headers=[['x-request-id', 'a1']])
said['with a body'] = send(first, *POST)
said['the same once more'] = send(first, *POST)
said['without a body'] = send(credential(65535, 'GET', '/orders'), 'GET', '/orders')
said['with an empty body'] = send(credential(3, *POST, [b'']), *POST)
said['in three chunks'] = send(credential(2, *POST, [b'{"item"', b':"tea"}', b'']), *POST, own=True)
said['under a number that was used'] = send(credential(2, *POST, [b'{}']), *POST)
said['moved'] = send(credential(4, *POST, [b'{}']), 'POST', '/other')
said['of a scope that needs a signature'] = send(credential(5, *POST, [b'{}'], scope='orders:pay'), *POST)

kept = send(credential(1, 'GET', '/kept'), 'GET', '/kept')[2]
secrets = [S.open_kept(bytes.fromhex(sys.argv[4]), name, text) for name, text in kept.items()]
state = S.open_ticket({S.key_id(one): one for one in secrets}, b64d(grant['ticket']), did, now())
good_for = state['notAfter'] - state['issuedAt'], state['issuedAt'] // 600_000
said['its ticket'] = {
    'version': state['version'],
    'is ours': (state['sid'], state['frm'], state['master']) == (keys.sid, me.did, keys.master),
    'lifetimeMs': good_for[0],
    'is kept': f'{did}:{good_for[1]}' in kept,
}


def superseding(seq):
    value = f'{b64e(keys.sid)}.{seq}.{now()}'
    got, content, _ = enveloped(*POST, '*', b'{}', [['xlink-supersedes', value]])
    return got if content is None else [*got, json.loads(content)]


said['an envelope in the place of a request that was carried out'] = superseding(0)
said['an envelope in the place of one that was not'] = superseding(6)
said['which comes later'] = send(credential(6, *POST, [b'{}']), *POST)
print(json.dumps(said))
