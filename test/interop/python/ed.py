"""Ed25519 with the rules of section 2.3, in plain integers."""

import hashlib

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
Dc = -121665 * pow(121666, P - 2, P) % P
SQ = pow(2, (P - 1) // 4, P)
ID = (0, 1, 1, 0)


def padd(p, q):
    a = (p[1] - p[0]) * (q[1] - q[0]) % P
    b = (p[1] + p[0]) * (q[1] + q[0]) % P
    c = 2 * p[3] * q[3] * Dc % P
    d = 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def pmul(s, p):
    r = ID
    while s:
        if s & 1:
            r = padd(r, p)
        p = padd(p, p)
        s >>= 1
    return r


def is_id(p):
    return p[0] % P == 0 and (p[1] - p[2]) % P == 0


def encode(p):
    zi = pow(p[2], P - 2, P)
    x, y = p[0] * zi % P, p[1] * zi % P
    return (y | (x & 1) << 255).to_bytes(32, 'little')


def decode(b):
    """point, or None; the y must be canonical"""
    v = int.from_bytes(b, 'little')
    y, sign = v & (2**255 - 1), v >> 255
    if y >= P:
        return None
    u, w = (y * y - 1) % P, (Dc * y * y + 1) % P
    x = u * pow(w, 3, P) % P * pow(u * pow(w, 7, P) % P, (P - 5) // 8, P) % P
    if w * x * x % P != u:
        x = x * SQ % P
        if w * x * x % P != u:
            return None
    if x == 0 and sign:
        return None
    if x & 1 != sign:
        x = P - x
    return x, y, 1, x * y % P


B = decode((4 * pow(5, P - 2, P) % P).to_bytes(32, 'little'))
_pk = {}


def public(b):
    """the point of a good public key, else None"""
    if b not in _pk:
        a = decode(b) if len(b) == 32 else None
        if a and (is_id(pmul(8, a)) or not is_id(pmul(L, a))):
            a = None
        _pk[b] = a
    return _pk[b]


_memo = {}


def verify(pk, msg, sig):
    k = (pk, msg, sig)
    if k not in _memo:
        _memo[k] = _verify(pk, msg, sig)
    return _memo[k]


def _verify(pk, msg, sig):
    a = public(pk)
    if a is None or len(sig) != 64:
        return False
    r, s = sig[:32], int.from_bytes(sig[32:], 'little')
    if s >= L or r == b'\1' + bytes(31):
        return False
    h = int.from_bytes(hashlib.sha512(r + pk + msg).digest(), 'little') % L
    return encode(padd(pmul(s, B), pmul(h, (-a[0] % P, a[1], a[2], -a[3] % P)))) == r
