import { row, rows } from './row.js';

/** What policies refuse, and what is wrong with a policy. */
// biome-ignore format: a table reads best with one row per line
export const POLICY_ROWS = rows('agent', {
  POLICY_INVALID: row(500, 'The policy is not in form.', '`field` is the path of what is wrong.'),
  'POLICY_INVALID:UNREADABLE': row(500, 'The policy could not be read.', '`cause` says why: the file or document may be missing. The policy before stays in force.'),
  POLICY_DENIED: row(403, 'A rule of the service does not allow this.', 'Ask the operator of the service.'),
  POLICY_UNAVAILABLE: row(503, 'It could not be decided whether the rules of the service allow this.', 'Try again.'),
  'POLICY_UNMET:TWO_FACTOR': row(403, 'A second person or device has to approve this, and did not.', 'Have it approved; a request by API key cannot be.'),
  'POLICY_UNMET:AUDIT_LOG': row(503, 'This has to be written down first, and could not be.', 'Try again.'),
  'POLICY_UNMET:MUTUAL_TRUST': row(403, 'Either side has to be registered with the other, by xLink.', 'Enroll, or have the other side registered.'),
  'POLICY_UNMET:SIGNATURE_NOW': row(403, 'This needs a signature of its own, which a key or a session is not.', 'Send an envelope or a signed request.'),
  POLICY_LIMIT_EXCEEDED: row(429, 'As much of this was sent as the rules of the service allow.', 'Wait as long as Retry-After says.'),
  SCOPE_VIOLATION: row(403, 'The policy of this agent does not allow the scope.', 'Add it to `policy.allowedScopes`, or use another one.', { aliases: ['ScopeViolation'] }),
  MESSAGE_TOO_LARGE: row(413, 'The message is larger than the policy of this agent allows.', 'Send less, or raise `policy.maxMessageSize`.'),
  RECEIPT_INVALID: row(400, 'It is no receipt.', '`field` names what is wrong.'),
  'RECEIPT_INVALID:ALTERED': row(400, 'The receipt says something else than what was signed.', '`field` names it; the envelope of the receipt has what was signed.'),
  'RECEIPT_INVALID:OTHER_MESSAGE': row(400, 'The receipt is of another message.', 'It may have been replayed.'),
  'RECEIPT_INVALID:OTHER_SIGNER': row(400, 'The receipt is signed by another one than the recipient of the message.', 'Only the recipient can say that it has the message.'),
  'RECEIPT_INVALID:CHECKPOINT': row(400, 'The checkpoint in the receipt is not one of the log of its signer.', 'Another one signed it, or it was changed.'),
  'RECEIPT_INVALID:PROOF': row(400, 'The proof in the receipt does not lead to its checkpoint.', 'It is of another entry or another log.'),
  'RECEIPT_INVALID:OTHER_ENTRY': row(400, 'The entry that the receipt proves is not of this message.', 'Its signer wrote something else down.'),
  RECEIPT_MISSING: row(504, 'No receipt has come.', 'The message was delivered all the same. One may come later: `onReceipt` of `onMessage` is told of it.'),
  'RECEIPT_MISSING:NOT_RECEIVING': row(409, 'The receipt comes as a message, and this agent receives none.', 'Call `onMessage`, with `onReceipt`, before `send`.'),
  'RECEIPT_MISSING:CLOSED': row(503, 'The agent was disposed while it waited for a receipt.', 'It comes to the process that receives for this DID next.'),
  RATE_LIMIT_EXCEEDED: row(429, 'The agent sends or takes no more for now.', 'Wait; `retryAfterMs` says for how long. See `policy.rateLimits`.'),
});
