import { row, rows } from './row.js';

/** Errors of asking an agent what it can do. */
// biome-ignore format: a table reads best with one row per line
export const CAPABILITY_ROWS = rows('agent', {
  'CAPABILITIES_UNAVAILABLE:NO_ANSWER': row(504, 'The agent did not say in time what it can do.', 'It may be away, or know no discovery; try again, or raise timeoutMs.'),
  'CAPABILITIES_UNAVAILABLE:NOT_SUPPORTED': row(404, 'The question what the agent can do was not answered.', 'The agent knows no discovery, or nothing takes messages for it there.'),
  'CAPABILITIES_UNAVAILABLE:NOT_RECEIVING': row(500, 'Over this transport answers come as messages, and this agent takes none.', 'Call onMessage() or receive() before discover().'),
  'CAPABILITIES_UNAVAILABLE:REFUSED': row(403, 'The agent does not say what it can do.', 'It is not discoverable, or takes no messages from this DID.'),
  CAPABILITIES_INVALID: row(502, 'What the agent says of itself is malformed.', '`field` names the member; tell its operator.'),
  'CAPABILITIES_INVALID:OTHER_DID': row(502, 'The answer is from another DID than the one that was asked.', 'Somebody else answers at that address.'),
  'CAPABILITIES_INVALID:TOO_LARGE': row(502, 'The agent says more than is taken.', '`field` names what; see maxTools, maxSchemaDepth and maxBytes.'),
  'CAPABILITIES_INVALID:EXPIRED': row(502, 'What the agent says of itself is not of now.', 'Compare the clocks.'),
  'CAPABILITIES_INVALID:ROLLED_BACK': row(502, 'What the agent says of itself is older than what it said before.', 'One of its instances may have a wrong clock.'),
});
