"""Sections 11, 12.1 (list of headers) and 12.2 (fields, contentType)."""

import re
from core import *


def _bytes_of(text, api=True):
    """characters up to U+00FF are one byte, others their UTF-8; half a pair is U+FFFD"""
    out, i = b'', 0
    while i < len(text):
        c = ord(text[i])
        if 0xD800 <= c < 0xDC00 and i + 1 < len(text) and 0xDC00 <= ord(text[i + 1]) < 0xE000:
            c = 0x10000 + ((c - 0xD800) << 10) + ord(text[i + 1]) - 0xDC00
            i += 1
        elif 0xD800 <= c < 0xE000:
            c = 0xFFFD
        out += bytes([c]) if c < 256 else chr(c).encode('utf-8')
        i += 1
    return out


def request(method, target):
    m = re.sub('[a-z]', lambda x: x[0].upper(), method)
    if not re.fullmatch('[A-Z][A-Z-]{0,31}', m):
        raise ValueError('method')
    t = ''.join(
        chr(b) if b == 0x21 or 0x23 <= b <= 0x5B or 0x5D <= b <= 0x7E else '%%%02X' % b for b in _bytes_of(target)
    )
    if not 1 <= len(t) <= 8192:
        raise ValueError('target')
    return m + ' ' + t


def check(signed, actual, required):
    if signed is None:
        if required:
            raise Err('REQUEST_BINDING_REQUIRED')
    elif signed != actual:
        raise Err('REQUEST_BINDING_MISMATCH')


def content_type(header):
    t = ''.join(
        chr(b) if b in (0x20, 0x21, 0x23, 0x24) or 0x26 <= b <= 0x5B or 0x5D <= b <= 0x7E else '%%%02X' % b
        for b in _bytes_of(header)
    )
    return t or None


EXACT = set(
    '''accept-encoding authorization connection content-encoding content-length content-type expect host keep-alive
proxy-authorization proxy-connection te trailer transfer-encoding upgrade xlink-envelope xlink-sealed forwarded via x-rewrite-url x-client-ip
x-cluster-client-ip true-client-ip remote-user x-remote-user'''.split()
)
PREFIX = (
    'x-forwarded-',
    'x-real-',
    'x-original-',
    'client-cert',
    'x-client-cert',
    'x-ssl-',
    'ssl-client-',
    'x-auth-request-',
    'x-envoy-',
    'x-arr-',
    'cf-',
    'fastly-',
    'x-amzn-',
    'x-azure-',
    'x-ms-client-principal',
    'x-goog-',
)


def coverable(name):
    return name not in EXACT and not name.startswith(PREFIX)


def fields(headers):
    d = {}
    for n, v in headers:
        n = n.lower()
        if coverable(n):
            d.setdefault(n, []).append(v)
    if not d:
        return '', None
    names = sorted(d)
    parts = []
    for n in names:
        parts += [utf8(n), utf8(', '.join(d[n]))]
    return ' '.join(names), b64e(sha(LP(*parts)))
