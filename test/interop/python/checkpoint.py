"""Section 18.9: checkpoints of sessions."""

import io
from urllib.parse import parse_qs, urlsplit
from core import *
import answers as A, binding, envelope as E, session as S

SCOPE, BAD = 'xlink:session-checkpoint', 'SESSION_CHECKPOINT_INVALID'
REQUESTS = 4096


# ---- the caller ----
def leaf(digest, request, answer=None):
    """request and answer are plaintexts. Of a request whose answer is not whole there is none."""
    hashes = [sha(request)] + ([] if answer is None else [sha(answer)])
    return sha(LP(b'xlink/1 session leaf', digest, *hashes))


def make(sid, ticket, previous, frm, leaves):
    """The content of a checkpoint over the numbers from frm on. Leaves in order."""
    said = dict(checkpoint=1, sid=b64e(sid), ticket=b64e(ticket), previous=b64e(previous))
    said.update({'from': frm, 'to': frm + len(leaves), 'leaves': [[frm + n, b64e(one)] for n, one in enumerate(leaves)]})
    return utf8(json.dumps(said, separators=(',', ':')))


def target(path, content):
    """path: that of the endpoint session"""
    return f'{path}/checkpoint?content={b64e(sha(content))}'


def take_reply(content, sid, to, head):
    """The ticket from now on."""
    said = E.parse_json(content)
    if (said['checkpoint'], said['sid'], said['to'], said['head']) != (1, b64e(sid), to, b64e(head)):
        raise Err(A.A)
    return b64d(said['ticket'])


# ---- the service ----
def place(sid, count):
    """What is claimed for the checkpoint after `count` others: id of a session and number."""
    return sha(LP(b'xlink/1 session checkpoint', sid))[:16], count


def _names(content, target):
    return parse_qs(urlsplit(target).query).get('content') == [b64e(sha(content))]


def read(content):
    """What a content says, its byte strings decoded. Whether it is true is another matter."""
    try:
        said = E.parse_json(content)
    except (ValueError, UnicodeDecodeError):
        raise Err(BAD)
    number = lambda x: is_int(x, 0, 65536)
    is_leaf = lambda x: isinstance(x, list) and len(x) == 2 and number(x[0]) and is_b64(x[1], 32)
    if not isinstance(said, dict) or said.get('checkpoint') != 1:
        raise Err(BAD)
    sid, ticket, previous, frm, to, leaves = map(said.get, ('sid', 'ticket', 'previous', 'from', 'to', 'leaves'))
    if not (is_b64(sid, 16) and is_b64(previous, 32) and isinstance(ticket, str) and b64d(ticket) is not None):
        raise Err(BAD)
    if not (number(frm) and number(to) and isinstance(leaves, list) and len(leaves) <= REQUESTS):
        raise Err(BAD)
    if not all(map(is_leaf, leaves)):
        raise Err(BAD)
    return dict(sid=b64d(sid), ticket=b64d(ticket), previous=b64d(previous), frm=frm, to=to, leaves=leaves)


def _each_once(frm, to, leaves):
    return [seq for seq, _ in leaves] == list(range(int(frm), int(to)))


class Service:
    """Takes checkpoints. secrets: ticket keys by their id; limits: those of the grant."""

    def __init__(self, did, secrets, limits):
        self.did, self.secrets, self.limits, self.places = did, secrets, limits, set()

    def take(self, sender, version, target, content, transcript, now):
        """(what is answered, state of the next ticket). transcript: what the signatures of the envelope cover"""
        if version < 2:
            raise Err('VERSION_TOO_LOW')
        if not _names(content, target):
            raise Err(BAD)
        said = read(content)
        state = S.open_ticket(self.secrets, said['ticket'], self.did, now)
        mark, frm, to = state['mark'], said['frm'], said['to']
        if (sender, said['sid']) != (state['frm'], state['sid']):
            raise Err(BAD + ':OTHER_SESSION')
        if version < state['version']:
            raise Err('VERSION_TOO_LOW')
        if frm != mark['next'] or not frm <= to <= frm + self.limits['requests']:
            raise Err(BAD + ':NUMBERS')
        if not _each_once(frm, to, said['leaves']) or mark['count'] >= 65536:
            raise Err(BAD + ':NUMBERS')
        if said['previous'] != mark['head']:
            raise Err(BAD + ':PREVIOUS')
        claim = sender, *place(state['sid'], mark['count'])
        if claim in self.places:
            raise Err(BAD + ':REPEATED')
        self.places.add(claim)
        head = sha(transcript)
        after = dict(next=to, count=mark['count'] + 1, at=now, head=head)
        return dict(sid=said['sid'], to=to, head=head), S.ticket_state(**{**state, 'mark': after})


# ---- others ----
def _verified(e, payload, record):
    """Checks the signatures of an envelope, as 10.1 does. record: for version 3"""
    t = E.transcript(e, payload)
    if not ed.verify(did_key(e['from']), t, b64d(e['signature'])):
        raise Err('VERIFICATION_FAILED:SIGNATURE_MISMATCH')
    if e['version'] == 3:
        key, label = check_record(record, e['from']).get('mlDsa65'), E.label_of(e['kind'], 3, e['suite'])
        if key is None:
            raise Err('VERIFICATION_FAILED:NO_PQ_KEY')
        if not mldsa.verify(b64d(key), t, b64d(e['pqSignature']), label):
            raise Err('VERIFICATION_FAILED:PQ_SIGNATURE_MISMATCH')
    return e


def show(envelope, content, answer, path, caller=None, service=None):
    """What both sides have signed, to whom has no key of theirs: (caller, service, what read says). The last two are key records."""
    e = E.parse(envelope)
    _verified(e, b64d(e['payload']), caller)
    request = binding.request('POST', target(path, content))
    if (e['kind'], e['scope'], e.get('request')) != ('request', SCOPE, request):
        raise Err(BAD)
    r = A.Reader(io.BytesIO(answer))
    (_, head), (_, first) = r.frame(1), r.frame(2, 3)
    reply = _verified(E.parse(head, 32768, True), first, service)
    said = read(content)
    about = tuple(map(reply.get, ('kind', 'from', 'to', 'scope', 'inReplyTo', 'request')))
    if about != ('answer', e['to'], e['from'], SCOPE, e['nonce'], request):
        raise Err(BAD)
    if not _each_once(said['frm'], said['to'], said['leaves']):
        raise Err(BAD)
    return e['from'], e['to'], said
