from core import *
from runner import *
import checkpoint as C, session as S


def run():
    d, t = load('session/checkpoints.json'), T('session/checkpoints.json')
    secret, state = (bytes.fromhex(d[n]) for n in ('ticketSecret', 'ticketState'))
    did = Identity(bytes.fromhex(d['serviceSeed'])).did
    transcript = bytes.fromhex(d['transcript'])
    content = utf8(d['content'])
    ticket = C.read(content)['ticket']
    read = lambda: S.open_ticket({S.key_id(secret): secret}, ticket, did, d['now'])
    service = lambda: C.Service(did, {S.key_id(secret): secret}, d['limits'])

    def take(at, content=content, target=None, sender=d['from'], version=2):
        target = target or C.target('/.well-known/xlink/session', content)
        return at.take(sender, version, target, content, transcript, d['now'])

    for c in d['leaves']:

        def leaf(c=c):
            answer = bytes.fromhex(c['answer']) if 'answer' in c else None
            eq(C.leaf(bytes.fromhex(c['digest']), bytes.fromhex(c['plaintext']), answer).hex(), c['leaf'])

        t.case('leaves', c['name'], leaf)

    def opened():
        got = read()
        eq((got['frm'], got['to'], got['sid'].hex()), (d['from'], d['to'], d['sid']))
        eq(S.ticket_state(**got).hex(), state.hex())
        eq(S.make_ticket(secret, ticket[8:24], state).hex(), ticket.hex())

    def made():
        got = read()
        leaves = [bytes.fromhex(c['leaf']) for c in d['leaves']]
        eq([c['seq'] for c in d['leaves']], list(range(got['mark']['next'], got['mark']['next'] + len(leaves))))
        eq(C.make(got['sid'], ticket, got['mark']['head'], got['mark']['next'], leaves), content)
        eq(C.target('/.well-known/xlink/session', content), d['target'])

    def taken():
        at = service()
        reply, after = take(at, target=d['target'])
        eq({n: v.hex() if isinstance(v, bytes) else v for n, v in reply.items()}, d['reply'])
        eq(after.hex(), d['nextState'])
        sid, seq = C.place(bytes.fromhex(d['sid']), read()['mark']['count'])
        eq({'sid': b64e(sid), 'seq': seq}, d['place'])
        eq(at.places, {(d['from'], sid, seq)})
        refused(lambda: take(at, target=d['target']), C.BAD + ':REPEATED')

    t.case('tickets', 'good', opened)
    t.case('good:make', 'content', made)
    t.case('good', 'taken, and not twice', taken)
    for c in d['bad']:
        t.case('bad', c['name'], lambda c=c: refused(lambda: take(service(), utf8(c['content'])), c['error']))
    for c in d['elsewhere']:
        other = {n: c[n] for n in ('sender', 'version') if n in c}
        t.case('elsewhere', c['name'], lambda c=c, o=other: refused(lambda: take(service(), **o), c['error']))
    named = 'the target names another content'
    t.case('bad:make', named, lambda: refused(lambda: take(service(), content + b' ', d['target']), C.BAD))
    return t
