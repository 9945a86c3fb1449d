"""ML-KEM-768 (FIPS 203) in plain Python, for xlink_sealed.py.

SLOW (some 10 ms for each operation) and NOT CONSTANT-TIME: who can measure how long it takes may learn the key. It is here so
that version 2 of the protocol can be read and tried. For anything else take an ML-KEM of your platform.
"""

import functools
import hashlib

Q, N, K, DU, DV = 3329, 256, 3, 10, 4


def _brv7(i):
    return int(format(i, '07b')[::-1], 2)


ZETAS = [pow(17, _brv7(i), Q) for i in range(128)]
GAMMAS = [pow(17, 2 * _brv7(i) + 1, Q) for i in range(128)]


def ntt(f):
    f = list(f)
    i, ln = 1, 128
    while ln >= 2:
        for s in range(0, 256, 2 * ln):
            z = ZETAS[i]
            i += 1
            for j in range(s, s + ln):
                t = z * f[j + ln] % Q
                f[j + ln] = (f[j] - t) % Q
                f[j] = (f[j] + t) % Q
        ln //= 2
    return f


def intt(f):
    f = list(f)
    i, ln = 127, 2
    while ln <= 128:
        for s in range(0, 256, 2 * ln):
            z = ZETAS[i]
            i -= 1
            for j in range(s, s + ln):
                t = f[j]
                f[j] = (t + f[j + ln]) % Q
                f[j + ln] = z * (f[j + ln] - t) % Q
        ln *= 2
    return [x * 3303 % Q for x in f]


def mul(a, b):
    c = [0] * 256
    for i in range(128):
        a0, a1, b0, b1 = a[2 * i], a[2 * i + 1], b[2 * i], b[2 * i + 1]
        c[2 * i] = (a0 * b0 + a1 * b1 % Q * GAMMAS[i]) % Q
        c[2 * i + 1] = (a0 * b1 + a1 * b0) % Q
    return c


def add(a, b):
    return [(x + y) % Q for x, y in zip(a, b)]


def sub(a, b):
    return [(x - y) % Q for x, y in zip(a, b)]


def enc(d, f):
    v = 0
    for i, x in enumerate(f):
        v |= x << (d * i)
    return v.to_bytes(32 * d, 'little')


def dec(d, b):
    v, m = int.from_bytes(b, 'little'), (1 << d) - 1
    r = [(v >> (d * i)) & m for i in range(256)]
    return [x % Q for x in r] if d == 12 else r


def comp(d, f):
    return [((x << d) + Q // 2) // Q % (1 << d) for x in f]


def decomp(d, f):
    return [(x * Q + (1 << (d - 1))) >> d for x in f]


def sample_ntt(b):
    n = 840
    while True:
        o = hashlib.shake_128(b).digest(n)
        a, i = [], 0
        while len(a) < 256 and i + 3 <= n:
            d1 = o[i] + 256 * (o[i + 1] % 16)
            d2 = o[i + 1] // 16 + 16 * o[i + 2]
            i += 3
            if d1 < Q:
                a.append(d1)
            if d2 < Q and len(a) < 256:
                a.append(d2)
        if len(a) == 256:
            return a
        n *= 2


def cbd2(b):
    v = int.from_bytes(b, 'little')
    r = []
    for i in range(256):
        n = (v >> (4 * i)) & 15
        r.append(((n & 1) + (n >> 1 & 1) - (n >> 2 & 1) - (n >> 3 & 1)) % Q)
    return r


def prf(s, n):
    return hashlib.shake_256(s + bytes([n])).digest(128)


def H(b):
    return hashlib.sha3_256(b).digest()


def G(b):
    d = hashlib.sha3_512(b).digest()
    return d[:32], d[32:]


@functools.lru_cache(maxsize=16)
def matrix(rho):
    return [[sample_ntt(rho + bytes([j, i])) for j in range(K)] for i in range(K)]


def keygen(seed):
    """seed = d || z; returns (ek, dk)"""
    d, z = seed[:32], seed[32:]
    rho, sig = G(d + bytes([K]))
    A = matrix(rho)
    s = [ntt(cbd2(prf(sig, i))) for i in range(K)]
    e = [ntt(cbd2(prf(sig, K + i))) for i in range(K)]
    t = []
    for i in range(K):
        x = e[i]
        for j in range(K):
            x = add(x, mul(A[i][j], s[j]))
        t.append(x)
    ek = b''.join(enc(12, x) for x in t) + rho
    dk = b''.join(enc(12, x) for x in s) + ek + H(ek) + z
    return ek, dk


def check_ek(ek):
    return len(ek) == 1184 and all(
        enc(12, dec(12, ek[384 * i : 384 * i + 384])) == ek[384 * i : 384 * i + 384] for i in range(K)
    )


def _encrypt(ek, m, r):
    t = [dec(12, ek[384 * i : 384 * i + 384]) for i in range(K)]
    A = matrix(ek[1152:])
    y = [ntt(cbd2(prf(r, i))) for i in range(K)]
    e1 = [cbd2(prf(r, K + i)) for i in range(K)]
    e2 = cbd2(prf(r, 2 * K))
    out = b''
    for i in range(K):
        x = [0] * 256
        for j in range(K):
            x = add(x, mul(A[j][i], y[j]))
        out += enc(DU, comp(DU, add(intt(x), e1[i])))
    x = [0] * 256
    for j in range(K):
        x = add(x, mul(t[j], y[j]))
    v = add(add(intt(x), e2), decomp(1, dec(1, m)))
    return out + enc(DV, comp(DV, v))


def encaps(ek, m):
    """m = 32 random bytes; returns (secret, ciphertext)"""
    if not check_ek(ek):
        raise ValueError('encapsulation key check')
    k, r = G(m + H(ek))
    return k, _encrypt(ek, m, r)


def decaps(dk, c):
    """the secret; another one, and no error, if the ciphertext is wrong"""
    s = [dec(12, dk[384 * i : 384 * i + 384]) for i in range(K)]
    ek, h, z = dk[1152:2336], dk[2336:2368], dk[2368:]
    x = [0] * 256
    for i in range(K):
        u = decomp(DU, dec(DU, c[320 * i : 320 * i + 320]))
        x = add(x, mul(s[i], ntt(u)))
    v = decomp(DV, dec(DV, c[960:]))
    m = enc(1, comp(1, sub(v, intt(x))))
    k, r = G(m + h)
    if _encrypt(ek, m, r) != c:
        return hashlib.shake_256(z + c).digest(32)
    return k
