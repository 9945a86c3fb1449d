"""Calls an API behind xLink: signs each request (RFC 9421) and checks the signature of the answer.

Needs `cryptography`, and `requests` or `httpx`. Copy this file.

    key = load_key('xlink-key.pem')                       # made if there is none; it is the identity, keep it secret
    enroll('https://api.example.com', service, key, api_key)
    requests.get('https://api.example.com/orders', auth=XlinkAuth(key, service))
    httpx.get('https://api.example.com/orders', auth=XlinkHttpxAuth(key, service))

`service` is the DID of the API. An answer that is not signed as it should be raises `AnswerNotSigned`, which has what the answer
says of itself: the status, and the code of a refusal. An API signs no refusal before it knows who asks. Pass `unsigned_ok=True` for calls
whose answers nobody can check: event streams and those longer than 64 KiB (they are signed in trailers, which neither library
shows), and paths that answer anybody, such as /health. What is signed is checked all the same.
Streams (`stream=True`) are read as a whole before they are checked. Redirects lead to targets that are not signed: follow them yourself.
"""
import base64
import hashlib
import json
import os
import re
import secrets
import time

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

try:
    import requests
except ImportError:
    requests = None
try:
    import httpx
except ImportError:
    httpx = None

ALPHABET = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'
REQUIRED = ['@method', '@path', '@query', 'xlink-to', 'xlink-scope']
OF_THE_BODY = ['content-digest', 'content-type']
# What an answer covers always, in this order.
FIXED = ['"@status"', '"@method";req', '"@path";req', '"@query";req', '"signature";req;key="xlink"', '"content-digest"']
# An API takes these away unless they are covered, for they change what a request does.
CHANGES_MEANING = re.compile(
    r'^(cookie|idempotency-key|if-.+|prefer|range|x-http-method|x-http-method-override|x-method-override)$'
)


class AnswerNotSigned(Exception):
    """The answer is not signed by the API, for this request. `status`, and of a problem document `code` (such as
    VERIFICATION_FAILED:DID_REVOKED) and `title`, are what it says, not verified: anybody on the way may have written it. They are for
    people and logs; give nothing up for them, and send no key."""

    def __init__(self, why, status=None, code=None, title=None):
        said = ' '.join(each for each in (code, title) if each)
        super().__init__(why + (' (not verified, it says: %s)' % said if said else ''))
        self.status, self.code, self.title = status, code, title


class EnrollmentRefused(Exception):
    """The API refused the enrollment, and signed that: `status`, `code` and `title` of its problem document."""

    def __init__(self, status, code=None, title=None):
        super().__init__('enrollment: %d %s' % (status, ' '.join(each for each in (code, title) if each)))
        self.status, self.code, self.title = status, code, title


def said_in(headers, body):
    """Code and title of a problem document (RFC 9457), as far as they look like some; else None and None."""
    if not headers.get('content-type', '').startswith('application/problem+json') or len(body) > 65536:
        return None, None
    try:
        problem = json.loads(body.decode())
        code, title = (':'.join(filter(None, (problem.get('code'), problem.get('subCode')))), problem.get('title'))
    except (AttributeError, TypeError, ValueError, RecursionError):
        return None, None
    is_text = isinstance(title, str) and title.isprintable() and len(title) <= 200
    return code if re.fullmatch('[A-Z0-9_:]{1,100}', code) else None, title if is_text else None


def load_key(file):
    """The private key in a PEM file, which is made if there is none."""
    if not os.path.exists(file):
        pem = Ed25519PrivateKey.generate().private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), 'wb') as out:
            out.write(pem)
    with open(file, 'rb') as pem:
        return serialization.load_pem_private_key(pem.read(), None)


def did_of(public_key):
    """did:key of an Ed25519 key: z, and in base58 the bytes ed 01 and the key."""
    raw = public_key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    number, text = int.from_bytes(b'\xed\x01' + raw, 'big'), ''
    while number:
        number, digit = divmod(number, 58)
        text = ALPHABET[digit] + text
    return 'did:key:z' + text


def public_key_of(did):
    number = 0
    for digit in did[len('did:key:z'):]:
        number = number * 58 + ALPHABET.index(digit)
    return Ed25519PublicKey.from_public_bytes(number.to_bytes(34, 'big')[2:])


def digest_of(body):
    return 'sha-256=:' + base64.b64encode(hashlib.sha256(body).digest()).decode() + ':'


def sign(key, service, method, target, headers, body, scope='*', covers=()):
    """The headers to add to a request, and what its answer must be to. `target`: path and query as they are sent; `headers`: those
    that it has, by name in lower case; `body`: bytes, or none."""
    path, _, query = target.partition('?')
    added = {'Xlink-To': service, 'Xlink-Scope': scope}
    if body:
        added['Content-Digest'] = digest_of(body)
    values = {**headers, **{name.lower(): value for name, value in added.items()}}
    values.update({'@method': method, '@path': path or '/', '@query': '?' + query})
    own = [name for name in headers if CHANGES_MEANING.match(name) or name in covers]
    names = REQUIRED + (OF_THE_BODY if body else []) + own
    nonce = secrets.token_urlsafe(16)
    params = '({});created={};keyid="{}";alg="ed25519";nonce="{}";tag="xlink"'.format(
        ' '.join('"%s"' % name for name in names), int(time.time()), did_of(key.public_key()), nonce
    )
    lines = ['"%s": %s' % (name, values[name].strip()) for name in names] + ['"@signature-params": ' + params]
    signature = ':' + base64.b64encode(key.sign('\n'.join(lines).encode())).decode() + ':'
    asked = {name: values[name] for name in ('@method', '@path', '@query')}
    asked.update(signature=signature, nonce=nonce, service=service)
    return {**added, 'Signature-Input': 'xlink=' + params, 'Signature': 'xlink=' + signature}, asked


def check(asked, status, headers, body):
    """Raises AnswerNotSigned unless the API signed this answer to this request. `headers`: by name in lower case; `body`: as it came."""
    match = re.match(r'xlink=(\(([^)]*)\);[^,]*)(, |$)', headers.get('signature-input', ''))
    signature = re.match(r'xlink=:([A-Za-z0-9+/=]+):', headers.get('signature', ''))
    if not match or not signature:
        may = '' if status >= 400 else ': if it is one that nobody can check, pass unsigned_ok=True'
        raise AnswerNotSigned('the answer (%d) is not signed%s' % (status, may), status, *said_in(headers, body))
    params, names = match[1], match[2].split(' ')
    tail = ';keyid="%s";alg="ed25519";nonce="%s";tag="xlink-answer"' % (asked['service'], asked['nonce'])
    if names[:6] != FIXED or not params.endswith(tail):
        raise AnswerNotSigned('the answer is not signed by the API, for this request', status)
    if headers.get('content-digest') != digest_of(body):
        raise AnswerNotSigned('the body is not the one that was signed', status)
    values = {'"%s";req' % name: asked[name] for name in ('@method', '@path', '@query')}
    values.update({'"@status"': str(status), FIXED[4]: asked['signature']})
    try:
        lines = ['%s: %s' % (name, values[name] if name in values else headers[name.strip('"')]) for name in names]
        base = '\n'.join(lines + ['"@signature-params": ' + params]).encode()
        public_key_of(asked['service']).verify(base64.b64decode(signature[1]), base)
    except (InvalidSignature, KeyError, ValueError):
        raise AnswerNotSigned('the signature of the answer does not verify', status) from None


def lower(headers):
    return {name.lower(): value for name, value in headers.items()}


if requests:

    class XlinkAuth(requests.auth.AuthBase):
        """For `auth=` of requests. `scope`: default all that the key was granted. `unsigned_ok`: takes answers without a signature, such as
        event streams, those longer than 64 KiB, and those of paths that answer anybody. `covers`: names of further headers to sign."""

        def __init__(self, key, service, scope='*', unsigned_ok=False, covers=()):
            self.key, self.service, self.scope = key, service, scope
            self.unsigned_ok, self.covers = unsigned_ok, covers

        def __call__(self, request):
            body = request.body or b''
            if isinstance(body, str):
                body = request.body = body.encode()
            elif not isinstance(body, bytes):
                body = request.body = body.read()  # its digest comes first
                request.headers.pop('Transfer-Encoding', None)
                request.headers['Content-Length'] = str(len(body))
            if body and 'Content-Type' not in request.headers:
                request.headers['Content-Type'] = 'application/octet-stream'
            request.headers['Accept-Encoding'] = 'identity'  # what is signed is what comes
            added, asked = sign(
                self.key, self.service, request.method, request.path_url, lower(request.headers), body, self.scope, self.covers
            )
            request.headers.update(added)

            def checked(response, **_):
                if not (self.unsigned_ok and 'signature-input' not in response.headers):
                    check(asked, response.status_code, lower(response.headers), response.content)

            request.register_hook('response', checked)
            return request


if httpx:

    class XlinkHttpxAuth(httpx.Auth):
        """For `auth=` of httpx; as `XlinkAuth`."""

        def __init__(self, key, service, scope='*', unsigned_ok=False, covers=()):
            self.key, self.service, self.scope = key, service, scope
            self.unsigned_ok, self.covers = unsigned_ok, covers

        def sync_auth_flow(self, request):
            request.read()
            asked = self.sign(request)
            response = yield request
            if self.is_checked(response):
                check(asked, response.status_code, lower(response.headers), response.read())

        async def async_auth_flow(self, request):
            await request.aread()
            asked = self.sign(request)
            response = yield request
            if self.is_checked(response):
                check(asked, response.status_code, lower(response.headers), await response.aread())

        def is_checked(self, response):
            return not (self.unsigned_ok and 'signature-input' not in response.headers)

        def sign(self, request):
            body = request.content
            if body and 'Content-Type' not in request.headers:
                request.headers['Content-Type'] = 'application/octet-stream'
            request.headers['Accept-Encoding'] = 'identity'
            target = request.url.raw_path.decode()
            added, asked = sign(
                self.key, self.service, request.method, target, lower(request.headers), body, self.scope, self.covers
            )
            request.headers.update(added)
            return asked


def enroll(origin, service, key, api_key, header=None):
    """Puts the DID of the key in the place of an API key, or of an invitation (xinv_...). Returns what the API says: did, client, scopes.
    `header`: the one that the key is sent in, default X-API-Key, or Xlink-Invitation. Raises EnrollmentRefused, and AnswerNotSigned where the
    refusal is not signed, as that of a wrong key: `code` says which it is, such as API_KEY_INVALID, XLINK_REQUIRED or INVITATION_REFUSED:USED."""
    if header is None:
        header = 'Xlink-Invitation' if api_key.startswith('xinv_') else 'X-API-Key'
    url = origin + '/.well-known/xlink/enroll'
    auth = dict(key=key, service=service, scope='xlink:enroll', covers=[header.lower()])
    if requests:
        answer = requests.post(url, headers={header: api_key}, auth=XlinkAuth(**auth))
    else:
        answer = httpx.post(url, headers={header: api_key}, auth=XlinkHttpxAuth(**auth))
    if answer.status_code != 200:
        raise EnrollmentRefused(answer.status_code, *said_in(lower(answer.headers), answer.content))
    return answer.json()
