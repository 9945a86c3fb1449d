import io
from core import *
from runner import *
import session as S


def hexed(d, *names):
    return [bytes.fromhex(d[n]) for n in names]


def cut(c):
    """the contents of the chunks of a case"""
    content, at, out = bytes.fromhex(c['content']), 0, []
    for n in c['contentLengths']:
        out.append(content[at : at + n])
        at += n
    return out


def stood(given, steps):
    eq({k: v.hex() for k, v in given.items()}, steps, 'steps')


def keys_of(d):
    sid, request, answer = hexed(d, 'sid', 'requestKey', 'answerKey')
    k = S.Keys(d['from'], d['to'], sid)
    k.request, k.answer = request, answer
    return k


def handshake():
    d, t = load('session/handshake.json'), T('session/handshake.json')
    xs, kemSeed, sx, coins, transcript = hexed(
        d, 'callerX25519Secret', 'callerMlKemSeed', 'serviceX25519Secret', 'kemCoins', 'offerTranscript'
    )
    kem, offerHash, sid = mlkem.keygen(kemSeed), sha(transcript), bytes.fromhex(d['sid'])
    ssK, ct = mlkem.encaps(kem[0], coins)
    ssX = x_dh(sx, x_pub(xs))
    service = S.Keys(d['from'], d['to'], sid).agree(offerHash, x_pub(xs), kem[0], x_pub(sx), ct, ssX, ssK)
    members = lambda g: {n: bytes.fromhex(v) for n, v in g.items()}
    opened = lambda g: S.caller(d['from'], d['to'], offerHash, members(g), xs, kem)

    def steps():
        given = dict(callerX25519=x_pub(xs), callerMlKem768=kem[0], serviceX25519=x_pub(sx), kemCiphertext=ct)
        given.update(offerHash=offerHash, x25519Secret=ssX, kemSecret=ssK, salt=service.salt, prk=service.prk)
        given.update(master=service.master, requestKey=service.request, answerKey=service.answer)
        stood(given, d['steps'])
        eq(opened(d['grant']).master, service.master, 'master')

    t.case('keys', 'both sides', steps)
    for c in d['badGrants']:
        t.case('badGrants', c['name'], lambda c=c: refused(lambda: opened(c['grant']), c['error']))
    for c in d['otherKeys']:

        def other(c=c):
            k = opened(c['grant'])
            assert k.request != service.request and k.answer != service.answer, 'the same keys'

        t.case('otherKeys', c['name'], other)

    secret, salt = hexed(d, 'ticketSecret', 'ticketSalt')
    did = Identity(bytes.fromhex(d['serviceSeed'])).did
    read = lambda ticket: S.open_ticket({S.key_id(secret): secret}, bytes.fromhex(ticket), did, d['now'])

    def ticket():
        eq(S.key_id(secret).hex(), d['ticketKeyId'])
        got = read(d['ticket'])
        eq((got['frm'], got['to'], got['sid'], got['master']), (d['from'], d['to'], sid, service.master))
        eq(got['mark'], S.fresh_mark(got['issuedAt'], offerHash), 'mark')
        state = S.ticket_state(**got)
        eq(state.hex(), d['ticketState'])
        eq(S.make_ticket(secret, salt, state).hex(), d['ticket'])

    t.case('tickets', 'good', ticket)
    for c in d['badTickets']:
        t.case('badTickets', c['name'], lambda c=c: refused(lambda: read(c['ticket']), c['error']))
    return t


def requests(name='session/requests.json', kind=b'request'):
    d, t = load(name), T(name)
    k, ticket = keys_of(d), bytes.fromhex(d['ticket'])

    def opened(c):
        got = S.read_credential(c['credential'])
        r = S.Request(k, got['seq'], got['salt'], got['timestamp'], got['scope'], c['request'], kind)
        return got, r, r.open(got, bytes.fromhex(c['body']))

    for c in d['good']:

        def f(c=c):
            got, r, said = opened(c)
            eq(got['ticket'], ticket)
            eq({**got, 'salt': got['salt'].hex()}, {**got, **{n: c[n] for n in ('seq', 'salt', 'timestamp', 'scope')}})
            eq(said, (c['contentType'], c['headers'], cut(c)))
            eq({'digest': r.digest.hex(), 'tag': r.tag.hex()}, c['tie'])

        def g(c=c):
            r = S.Request(k, c['seq'], bytes.fromhex(c['salt']), c['timestamp'], c['scope'], c['request'], kind)
            credential, body = r.seal(ticket, c['contentType'], c['headers'], None if c.get('inHeader') else cut(c))
            eq((credential, body.hex()), (c['credential'], c['body']))
            given = dict(transcript=r.transcript, digest=r.digest, key=r.key, commitment=r.commitment)
            stood({**given, 'frame': r.frame, 'firstChunk': r.first}, c['steps'])

        t.case('good', c['name'], f)
        t.case('good:make', c['name'], g)
    for c in d['bad']:
        t.case('bad', c['name'], lambda c=c: refused(lambda: opened(c), c['error']))
    return t


def messages():
    return requests('session/messages.json', b'message')


def replies():
    d, t = load('session/replies.json'), T('session/replies.json')
    k, (digest, tag) = keys_of(d), hexed(d['tie'], 'digest', 'tag')
    opened = lambda c: S.open_answer(k, digest, tag, io.BytesIO(bytes.fromhex(c['body'])))
    for c in d['good']:

        def f(c=c):
            kind, status, ctype, headers, body = opened(c)
            eq((kind, status, ctype, headers), (c['kind'] == 'refusal', c['status'], c['contentType'], c['headers']))
            eq(list(body), cut(c))

        def g(c=c):
            a = S.Answer(k, c['kind'] == 'refusal', digest, tag, bytes.fromhex(c['salt']))
            eq(a.seal(c['status'], c['contentType'], c['headers'], cut(c)).hex(), c['body'])
            given = dict(transcript=a.transcript, digest=a.digest, key=a.key, commitment=a.commitment)
            stood({**given, 'frame': a.frame}, c['steps'])

        t.case('good', c['name'], f)
        t.case('good:make', c['name'], g)
    for c in d['bad']:
        t.case('bad', c['name'], lambda c=c: refused(lambda: opened(c), c['error']))
    for c in d['broken']:

        def broken(c=c):
            body = opened(c)[4]
            next(body)
            refused(lambda: list(body), c['error'])

        t.case('broken', c['name'], broken)
    return t
