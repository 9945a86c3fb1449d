"""A caller of a service of the package, for the programs live_….py, which are given

    ORIGIN SEED VERSION SERVICE-SEED"""

import http.client, io, sys, time
from core import *
import answers as A, binding, discovery as D, envelope as E, session as S

origin, me = sys.argv[1], Identity(bytes.fromhex(sys.argv[2]), int(sys.argv[3]))
now = lambda: time.time_ns() // 1_000_000


def http_call(method, path, headers={}, body=None):
    connection = http.client.HTTPConnection(origin.removeprefix('http://'))
    connection.request(method, path, body, {**headers, 'Accept': A.ANSWER})
    answer = connection.getresponse()
    return answer.status, answer.headers['Content-Type'].split(';')[0], answer.read()


def problem(status, raw, vouched):
    code = json.loads(raw)
    return [status, vouched, ':'.join(code[n] for n in ('code', 'subCode') if n in code)]


service = D.Client(origin).check(json.loads(http_call('GET', '/.well-known/xlink.json')[2]), now())
record, did, endpoint = service['keyRecord'], service['did'], service['endpoints']['session']
receiver = E.Receiver(me, [], now())
receiver.services[did] = record


class Enveloped:
    """A request under an envelope. got: what came back; content: of a sealed answer; raw, answer: as they travel;
    hash: SHA-256 of the signature transcript of the envelope."""

    def __init__(self, method, path, scope, content, headers=()):
        request, steps = binding.request(method, path), {}
        more = {'request': request}
        self.raw = E.seal(me, record, now(), 'request', scope, content, 'application/json', headers, steps=steps, more=more)
        self.hash, self.nonce = sha(steps['signatureTranscript']), json.loads(self.raw)['nonce']
        status, ctype, self.answer = http_call(method, path, {'Content-Type': 'application/xlink-envelope'}, self.raw)
        self.content = None
        if ctype == 'application/xlink-envelope':
            refusal = receiver.receive(self.answer, 'refusal', None, self.nonce, request, True, now=now())
            self.got = problem(status, json.dumps(refusal['payload']), 'signed')
        elif ctype != A.ANSWER:
            self.got = problem(status, self.answer, 'nobody')
        else:
            receiver.now = now()
            message, body = A.open_answer(receiver, io.BytesIO(self.answer), self.nonce, request, did)
            self.got, self.content = [message['status'], 'signed'], b''.join(body)


class Session:
    """A session that was opened with the service."""

    def __init__(self):
        x, kem = os.urandom(32), mlkem.keygen(os.urandom(64))
        offer = dict(session=1, suites=[S.SUITE.decode()], x25519=b64e(x_pub(x)), mlKem768=b64e(kem[0]))
        sent = Enveloped('POST', endpoint, 'xlink:session', utf8(json.dumps(offer)))
        if sent.content is None:
            raise Err(str(sent.got))
        self.grant = json.loads(sent.content)
        if self.grant['session'] != 1 or self.grant['suite'] != S.SUITE.decode():
            raise Err(A.A)
        share = {n: b64d(self.grant[n]) for n in ('sid', 'x25519', 'kemCiphertext', 'offerHash')}
        self.keys = S.caller(me.did, did, sent.hash, share, x, kem)
        self.ticket = b64d(self.grant['ticket'])

    def sealed(self, seq, method, path, contents=None, scope='*', ctype='application/json', headers=()):
        request = S.Request(self.keys, seq, os.urandom(16), now(), scope, binding.request(method, path))
        return request, request.seal(self.ticket, ctype if contents else '', headers, contents)

    def send(self, made, method, path, own=False, plaintexts=None):
        """plaintexts: a list that gets those of the answer"""
        request, (text, body) = made
        headers = {'Xlink-Session': text} if own else {'Authorization': f'Xlink-Session {text}'}
        if body:
            headers['Content-Type'] = 'application/xlink-session'
        status, ctype, answer = http_call(method, path, headers, body or None)
        if ctype != A.ANSWER:
            return problem(status, answer, 'nobody')
        stream = io.BytesIO(answer)
        kind, status, _, _, pieces = S.open_answer(self.keys, request.digest, request.tag, stream, plaintexts)
        content = b''.join(pieces)
        return problem(status, content, 'sealed') if kind else [status, 'sealed', json.loads(content)]
