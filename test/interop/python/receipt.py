"""Section 10.7: receipts."""

from core import *
import envelope as E

SCOPE = 'xlink:receipt'
STATUSES = ('received', 'processed', 'failed')


def message_hash(message):
    e = E.parse(message)
    return b64e(sha(E.transcript(e, b64d(e['payload']) if 'payload' in e else b'')))


def read(raw, keys=None):
    """What a receipt says, once its form and its signatures are good. keys: ML-DSA-65 keys of signers by DID, for version 3."""
    bad = Err('RECEIPT_INVALID')
    e = E.parse(raw)
    if e['kind'] != 'receipt' or e['scope'] != SCOPE:
        raise bad
    payload = b64d(e['payload']) if 'payload' in e else b''
    try:
        said = E.parse_json(payload)
        digest, at, status = said['messageHash'], said['receivedAt'], said['status']
    except (ValueError, KeyError, TypeError):
        raise bad
    if not (isinstance(digest, str) and is_b64(digest, 32) and is_int(at) and status in STATUSES):
        raise bad
    transcript = E.transcript(e, payload)
    if not ed.verify(did_key(e['from']), transcript, b64d(e['signature'])):
        raise Err('VERIFICATION_FAILED:SIGNATURE_MISMATCH')
    if e['version'] == 3:
        key = (keys or {}).get(e['from'])
        if key is None:
            raise Err('VERIFICATION_FAILED:NO_PQ_KEY')
        label = E.label_of('receipt', 3, e['suite'])
        if not mldsa.verify(key, transcript, b64d(e['pqSignature']), label):
            raise Err('VERIFICATION_FAILED:PQ_SIGNATURE_MISMATCH')
    return e, {'messageHash': digest, 'receivedAt': at, 'status': status}


def verify(raw, message, keys=None):
    e, said = read(raw, keys)
    of = E.parse(message)
    if e['from'] != of['to']:
        raise Err('RECEIPT_INVALID:OTHER_SIGNER')
    if (e['to'], e['inReplyTo']) != (of['from'], of['nonce']) or said['messageHash'] != message_hash(message):
        raise Err('RECEIPT_INVALID:OTHER_MESSAGE')
    return said


def make(me, message, now, status, received_at, nonce=None):
    of = E.parse(message)
    said = {'messageHash': message_hash(message), 'receivedAt': received_at, 'status': status}
    content = json.dumps(said, separators=(',', ':')).encode()
    rnd = {'nonce': nonce} if nonce else {}
    more = {'inReplyTo': of['nonce']}
    return E.sign_only(me, of['from'], of['version'], now, 'receipt', SCOPE, content, rnd, more=more)
