"""Section 16: shares and Xchange."""

import itertools, math
from core import *
import envelope as E
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.exceptions import InvalidTag

IC = 'INCONSISTENT_SHARES'
EXP, LOG = [0] * 512, [0] * 256
_x = 1
for _i in range(255):
    EXP[_i] = EXP[_i + 255] = _x
    LOG[_x] = _i
    _x ^= (_x << 1) ^ (0x11B if _x & 0x80 else 0)
    _x &= 0xFF


def gmul(a, b):
    return EXP[LOG[a] + LOG[b]] if a and b else 0


def ginv(a):
    return EXP[255 - LOG[a]]


def by_xor(n, k):
    return math.comb(n - 1, k - 1) <= 10


def subsets(n, k):
    return list(itertools.combinations(range(n), k - 1))


def holds(n, k, i):
    return [j for j, s in enumerate(subsets(n, k)) if i not in s]


def xor(*a):
    r = 0
    for b in a:
        r ^= int.from_bytes(b, 'big')
    return r.to_bytes(len(a[0]), 'big')


def tag(key, gid, i, n, k, ln, pieces):
    facts = f"{b64e(gid)} {i} {n} {k} {'xor' if by_xor(n, k) else 'shamir'} {ln}"
    return hmac.new(key, LP(b'xlink/1 share', utf8(facts), *[sha(p) for p in pieces]), 'sha256').digest()


def all_pieces(secret, n, k, pieces):
    """XOR: the given random ones and the last. Polynomials: those that the random input makes (see run)"""
    return pieces + [xor(secret, *pieces)]


def poly_pieces(secret, n, k, coeffs, coords):
    """coeffs: k - 1 strings of the length of secret, of x^1 …"""
    out = []
    for c in coords:
        r = bytearray(secret)
        p = 1
        for co in coeffs:
            p = gmul(p, c)
            for j, b in enumerate(co):
                r[j] ^= gmul(b, p)
        out.append(bytes(r) + u8(c))
    return out


def share_pieces(n, k, pieces, i):
    return [pieces[j] for j in holds(n, k, i)] if by_xor(n, k) else [pieces[i]]


def bundle(key, gid, n, k, ln, pieces, idx):
    out = u8(1) + gid + u8(n) + u8(k) + u32(ln) + u8(len(idx))
    for i in idx:
        out += u8(i) + tag(key, gid, i, n, k, ln, share_pieces(n, k, pieces, i))
    if by_xor(n, k):
        out += b''.join(pieces[j] for j in sorted({j for i in idx for j in holds(n, k, i)}))
    else:
        out += b''.join(pieces[i] for i in idx)
    return out


def parse_bundle(b, most=67108864, rest=False):
    """(facts, {i: (tag, {piece number: bytes})}, what is behind)"""
    X = Err(IC)
    if len(b) < 24 or b[0] != 1:
        raise X
    gid, n, k, ln, m = b[1:17], b[17], b[18], int.from_bytes(b[19:23], 'big'), b[23]
    if not 2 <= n <= 16 or not 2 <= k <= n or not 1 <= m <= n or ln > most:
        raise X
    pos, tags, last = 24, [], -1
    for _ in range(m):
        if pos + 33 > len(b):
            raise X
        i = b[pos]
        if i <= last or i >= n:
            raise X
        tags.append((i, b[pos + 1 : pos + 33]))
        last, pos = i, pos + 33
    if by_xor(n, k):
        nums = sorted({j for i, _ in tags for j in holds(n, k, i)})
        size = ln + 32
    else:
        nums = [i for i, _ in tags]
        size = ln + 33
    if pos + size * len(nums) > len(b):
        raise X
    pc = {}
    for j in nums:
        pc[j] = b[pos : pos + size]
        pos += size
    if not rest and pos != len(b):
        raise X
    sh = {i: (t, {j: pc[j] for j in (holds(n, k, i) if by_xor(n, k) else [i])}) for i, t in tags}
    return (gid, n, k, ln), sh, b[pos:], b[:pos]


def combine(facts, chosen):
    """data, or None if they do not fit together or a tag is wrong. chosen: {i: (tag, pieces)}"""
    gid, n, k, ln = facts
    if by_xor(n, k):
        have = {}
        for _, (_, ps) in chosen.items():
            for j, p in ps.items():
                if have.setdefault(j, p) != p:
                    return None
        if len(have) != math.comb(n, k - 1):
            return None
        secret = xor(*have.values())
    else:
        pts = [ps[i] for i, (_, ps) in chosen.items()]
        xs = [p[-1] for p in pts]
        if 0 in xs or len(set(xs)) != len(xs):
            return None
        r = bytearray(ln + 32)
        for a, p in zip(xs, pts):
            l = 1
            for c in xs:
                if c != a:
                    l = gmul(l, gmul(c, ginv(c ^ a)))
            for q in range(ln + 32):
                r[q] ^= gmul(p[q], l)
        secret = bytes(r)
    key, data = secret[:32], secret[32:]
    for i, (t, ps) in chosen.items():
        if not hmac.compare_digest(t, tag(key, gid, i, n, k, ln, [ps[j] for j in sorted(ps)])):
            return None
    return data


def group_header(e, blank):
    """the header transcript but for nonce, keyEpoch, ephemeralPub, kemCiphertext"""
    x = {n: v for n, v in e.items() if n not in blank}
    return E.header(x)


def take(R, e, msg, content, ctype):
    """content: the bundle, or for Xchange the whole payload; ctype None for Xchange"""
    xch = ctype is None
    facts, sh, behind, _ = parse_bundle(content, rest=xch)
    gid, n, k, ln = facts
    use = (e['to'], e['from'], b64e(gid))
    if use in R.nonces:
        raise Err('REPLAY_DETECTED:GROUP_COMPLETE')
    same = (
        n,
        k,
        ln,
        group_header(e, ('nonce', 'keyEpoch', 'ephemeralPub', 'kemCiphertext')),
        ctype,
        behind if xch else None,
    )
    g = R.groups.get(use)
    if g:
        if g['same'] != same or any(i in g['shares'] and g['shares'][i] != s for i, s in sh.items()):
            raise Err(IC)
    else:
        g = R.groups[use] = {'same': same, 'shares': {}}
    g['shares'].update(sh)
    PEND = Err('INSUFFICIENT_SHARES:PENDING')
    if len(g['shares']) < k:
        raise PEND
    data = None
    for idx in itertools.combinations(sorted(g['shares']), k):
        data = combine(facts, {i: g['shares'][i] for i in idx})
        if data is not None:
            break
    if data is None:
        if len(g['shares']) < n:
            raise PEND
        del R.groups[use]
        raise Err('HMAC_VERIFICATION_FAILED')
    D = Err('DECRYPT_FAILED:DECRYPTION')
    body = data
    if xch:
        if len(data) != 32 or len(behind) < 48:
            raise D
        label = E.label_of('message', 2, E.XCHANGE)
        key, com, iv, _ = E.schedule(data, label, e['from'], e['to'])
        if not hmac.compare_digest(com, behind[:32]):
            raise D
        try:
            pt = AESGCM(key).decrypt(iv, behind[32:], E.header(e, gid))
        except InvalidTag:
            raise D
        ctype, _, _, body, _ = E.open_frame(pt, e['from'], 'message')
    R.nonces.add(use)
    R.groups.pop(use)
    msg['envelopeId'] = b64e(gid)
    msg['shares'] = {'total': n, 'threshold': k}
    if xch:
        msg['xchange'] = True
    return R.content(msg, e, body, ctype)
