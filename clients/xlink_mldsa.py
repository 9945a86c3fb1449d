"""ML-DSA-65 (FIPS 204) in plain Python, for xlink_sealed.py, which verifies the records of services by it.

SLOW (some 50 ms to verify). NOT CONSTANT-TIME: verifying has no secrets, but do not sign by it with a key that matters.
"""

import functools
import hashlib

Q, D, TAU, G1, G2, K, L, ETA, BETA, OMEGA, CT = 8380417, 13, 49, 1 << 19, (8380417 - 1) // 32, 6, 5, 4, 196, 55, 48


def _brv8(i):
    return int(format(i, '08b')[::-1], 2)


ZETAS = [pow(1753, _brv8(i), Q) for i in range(256)]


def ntt(w):
    w = list(w)
    m, ln = 0, 128
    while ln >= 1:
        for s in range(0, 256, 2 * ln):
            m += 1
            z = ZETAS[m]
            for j in range(s, s + ln):
                t = z * w[j + ln] % Q
                w[j + ln] = (w[j] - t) % Q
                w[j] = (w[j] + t) % Q
        ln //= 2
    return w


def intt(w):
    w = list(w)
    m, ln = 256, 1
    while ln < 256:
        for s in range(0, 256, 2 * ln):
            m -= 1
            z = -ZETAS[m]
            for j in range(s, s + ln):
                t = w[j]
                w[j] = (t + w[j + ln]) % Q
                w[j + ln] = z * (t - w[j + ln]) % Q
        ln *= 2
    return [x * 8347681 % Q for x in w]


def pack(bits, f):
    v = 0
    for i, x in enumerate(f):
        v |= x << (bits * i)
    return v.to_bytes(32 * bits, 'little')


def unpack(bits, b):
    v, m = int.from_bytes(b, 'little'), (1 << bits) - 1
    return [(v >> (bits * i)) & m for i in range(256)]


def H(b, n):
    return hashlib.shake_256(b).digest(n)


def rej_ntt(b):
    n = 1200
    while True:
        o = hashlib.shake_128(b).digest(n)
        a = []
        for i in range(0, n - 2, 3):
            x = o[i] | o[i + 1] << 8 | (o[i + 2] & 127) << 16
            if x < Q:
                a.append(x)
                if len(a) == 256:
                    return a
        n *= 2


def rej_bounded(b):
    n = 512
    while True:
        o = H(b, n)
        a = []
        for z in o:
            for y in (z & 15, z >> 4):
                if y < 9 and len(a) < 256:
                    a.append(4 - y)
        if len(a) == 256:
            return a
        n *= 2


@functools.lru_cache(maxsize=16)
def matrix(rho):
    return [[rej_ntt(rho + bytes([s, r])) for s in range(L)] for r in range(K)]


def ball(seed):
    o = H(seed, 2048)
    h = int.from_bytes(o[:8], 'little')
    c, p, k = [0] * 256, 8, 0
    for i in range(256 - TAU, 256):
        while o[p] > i:
            p += 1
        j = o[p]
        p += 1
        c[i] = c[j]
        c[j] = -1 if h >> k & 1 else 1
        k += 1
    return c


def mod_pm(r, m):
    r %= m
    return r - m if r > m // 2 else r


def power2(r):
    r %= Q
    r0 = mod_pm(r, 1 << D)
    return (r - r0) >> D, r0


def decompose(r):
    r %= Q
    r0 = mod_pm(r, 2 * G2)
    if r - r0 == Q - 1:
        return 0, r0 - 1
    return (r - r0) // (2 * G2), r0


def _dot(row, v):
    acc = [0] * 256
    for a, b in zip(row, v):
        acc = [x + y * z for x, y, z in zip(acc, a, b)]
    return [x % Q for x in acc]


def pmul(a, b):
    return [x * y % Q for x, y in zip(a, b)]


def keygen(xi):
    """returns (pk, sk) where sk is a tuple"""
    o = H(xi + bytes([K, L]), 128)
    rho, rhop, key = o[:32], o[32:96], o[96:]
    A = matrix(rho)
    s1 = [rej_bounded(rhop + r.to_bytes(2, 'little')) for r in range(L)]
    s2 = [rej_bounded(rhop + (r + L).to_bytes(2, 'little')) for r in range(K)]
    s1h = [ntt(x) for x in s1]
    t = [[x + y for x, y in zip(intt(_dot(row, s1h)), s2[i])] for i, row in enumerate(A)]
    t1, t0 = [], []
    for p in t:
        hl = [power2(x) for x in p]
        t1.append([a for a, _ in hl])
        t0.append([b for _, b in hl])
    pk = rho + b''.join(pack(10, p) for p in t1)
    tr = H(pk, 64)
    sk = (rho, key, tr, s1h, [ntt(x) for x in s2], [ntt(x) for x in t0])
    return pk, sk


def _mprime(msg, ctx):
    if len(ctx) > 255:
        raise ValueError('context')
    return bytes([0, len(ctx)]) + ctx + msg


def norm(v):
    return max(abs(mod_pm(x, Q)) for p in v for x in p)


def w1enc(w1):
    return b''.join(pack(4, p) for p in w1)


def sign(sk, msg, ctx, rnd):
    rho, key, tr, s1, s2, t0 = sk
    A = matrix(rho)
    mu = H(tr + _mprime(msg, ctx), 64)
    rpp = H(key + rnd + mu, 64)
    kappa = 0
    while True:
        y = []
        for r in range(L):
            v = H(rpp + (kappa + r).to_bytes(2, 'little'), 640)
            y.append([G1 - x for x in unpack(20, v)])
        kappa += L
        yh = [ntt(p) for p in y]
        w = [intt(_dot(row, yh)) for row in A]
        w1 = [[decompose(x)[0] for x in p] for p in w]
        ct = H(mu + w1enc(w1), CT)
        ch = ntt(ball(ct))
        z = [[a + b for a, b in zip(y[i], intt(pmul(ch, s1[i])))] for i in range(L)]
        if norm(z) >= G1 - BETA:
            continue
        r = [[a - b for a, b in zip(w[i], intt(pmul(ch, s2[i])))] for i in range(K)]
        if max(abs(decompose(x)[1]) for p in r for x in p) >= G2 - BETA:
            continue
        c0 = [intt(pmul(ch, t0[i])) for i in range(K)]
        if norm(c0) >= G2:
            continue
        h = [[int(decompose(a + b)[0] != decompose(a)[0]) for a, b in zip(r[i], c0[i])] for i in range(K)]
        if sum(map(sum, h)) > OMEGA:
            continue
        zb = b''.join(pack(20, [G1 - mod_pm(x, Q) for x in p]) for p in z)
        hb, idx = bytearray(OMEGA + K), 0
        for i in range(K):
            for j in range(256):
                if h[i][j]:
                    hb[idx] = j
                    idx += 1
            hb[OMEGA + i] = idx
        return ct + zb + bytes(hb)


_memo = {}


def verify(pk, msg, sig, ctx):
    k = hashlib.sha256(b''.join(len(x).to_bytes(4, 'big') + x for x in (pk, msg, sig, ctx))).digest()
    if k not in _memo:
        _memo[k] = _verify(pk, msg, sig, ctx)
    return _memo[k]


def _verify(pk, msg, sig, ctx):
    if len(pk) != 1952 or len(sig) != 3309 or len(ctx) > 255:
        return False
    ct, zb, hb = sig[:CT], sig[CT : CT + 640 * L], sig[CT + 640 * L :]
    h, idx = [[0] * 256 for _ in range(K)], 0
    for i in range(K):
        e = hb[OMEGA + i]
        if e < idx or e > OMEGA:
            return False
        first = idx
        while idx < e:
            if idx > first and hb[idx - 1] >= hb[idx]:
                return False
            h[i][hb[idx]] = 1
            idx += 1
    if any(hb[idx:OMEGA]):
        return False
    z = [[G1 - x for x in unpack(20, zb[640 * i : 640 * i + 640])] for i in range(L)]
    if norm(z) >= G1 - BETA:
        return False
    rho = pk[:32]
    A = matrix(rho)
    t1 = [unpack(10, pk[32 + 320 * i : 352 + 320 * i]) for i in range(K)]
    mu = H(H(pk, 64) + _mprime(msg, ctx), 64)
    ch = ntt(ball(ct))
    zh = [ntt(p) for p in z]
    w1 = []
    for i in range(K):
        az = _dot(A[i], zh)
        ct1 = pmul(ch, ntt([x << D for x in t1[i]]))
        w = intt([a - b for a, b in zip(az, ct1)])
        p = []
        for j in range(256):
            r1, r0 = decompose(w[j])
            if h[i][j]:
                r1 = (r1 + 1) % 16 if r0 > 0 else (r1 - 1) % 16
            p.append(r1)
        w1.append(p)
    return H(mu + w1enc(w1), CT) == ct
