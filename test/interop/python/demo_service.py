"""A small service on core.py and envelope.py, to try sealed_client.py against: not a product. Keys of version 3."""
import http.server, json, sys, time, os
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import envelope as E, discovery as D, answers as A
from core import *

me = Identity(sha(b'demo service'), int(os.environ.get('V', '3')))
KEY, PORT = 'sk_test_1', int(sys.argv[1])
now = lambda: int(time.time() * 1000)
rec = make_record(me, me.version, 1767225000)
R = E.Receiver(me, [], 0, receiveScopes=['orders:read', 'orders:write'])


class H(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    def log_message(self, *a): pass

    def send(self, status, ctype, body, chunked=False):
        self.send_response(status)
        self.send_header('Content-Type', ctype)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def problem(self, status, id):
        c, _, s = id.partition(':')
        return json.dumps({'type': '#' + id, 'title': id, 'status': status, 'code': c, **({'subCode': s} if s else {}), 'authMethod': 'xlink'}).encode()

    def do_GET(self):
        if not self.path.startswith('/.well-known/xlink.json'):
            return self.send(404, 'text/plain', b'')
        d = {'did': me.did, 'keyRecord': rec, 'versions': list(range(1, me.version + 1)), 'mode': 'hybrid', 'acceptsEnvelopes': True, 'hosts': [f'127.0.0.1:{PORT}'],
             'endpoints': {'enroll': '/.well-known/xlink/enroll'}, 'publicPaths': [], 'issuedAt': now(), 'notAfter': now() + 300000}
        self.send(200, 'application/json', json.dumps(D.make(me, d)).encode())

    def do_POST(self):
        body = self.rfile.read(int(self.headers['content-length']))
        line = 'POST ' + self.path
        want = A and 'application/xlink-answer' in self.headers.get('accept', '')
        R.now = now()
        try:
            if self.path == '/.well-known/xlink/enroll':
                R2 = E.Receiver(me, [{'did': json.loads(body)['from'], 'status': 'active'}], now(), allowCleartext=True)
                m = R2.receive(body, 'request', 'xlink:enroll', None, line, True)
                p = m['payload']
                if self.headers.get('x-api-key') != KEY: raise Err('API_KEY_INVALID')
                if p.get('keyProof') != b64e(sha(LP(b'xlink/1 enroll', utf8(m['sender']), utf8(KEY)))): raise Err('ENROLLMENT_REFUSED:KEY_PROOF')
                check_record(p['keyRecord'], m['sender'])
                R.registry[m['sender']] = {'did': m['sender'], 'status': 'active', 'sendScopes': ['orders:write'], 'keys': p['keyRecord']}
                out, st, ct, hs = json.dumps({'did': m['sender'], 'client': 'acme', 'scopes': ['orders:write']}).encode(), 200, 'application/json', []
                if os.environ.get('PLAIN'): return self.send(200, 'application/json', out)
            else:
                m = R.receive(body, 'request', None, None, line, True)
                if self.path == '/refuse':
                    e = E.sign_only(me, m['sender'], 1, now(), 'refusal', m['scope'], self.problem(403, 'FORBIDDEN'), more={'request': line, 'inReplyTo': m['envelopeId']})
                    return self.send(403, 'application/xlink-envelope', e)
                out = json.dumps({'got': m.get('payload'), 'type': m.get('contentType'), 'headers': m['headers'], 'scopes': m['scopes'], 'wire': self.headers.items()}).encode()
                st, ct, hs = 201, 'application/json', [['etag', '"1"'], ['set-cookie', 'a=1']]
        except Err as e:
            return self.send(401, 'application/problem+json', self.problem(401, e.id))
        n = 40 if self.path == '/orders' else len(out)
        parts = [out[i:i + n] for i in range(0, len(out), n)]
        fr = A.make_answer(me, R.registry[m['sender']]['keys'], now(), m['scope'], line, m['envelopeId'], st, ct, hs, parts, {})
        b = b''.join(A.frame_bytes(*f) for f in fr)
        if self.path == '/orders?cut': b = b[:-30]
        self.send(st, 'application/xlink-answer', b)


http.server.ThreadingHTTPServer(('127.0.0.1', PORT), H).serve_forever()
