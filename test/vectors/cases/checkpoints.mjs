// The file of checkpoints (section 18.9).
import { b64u, sha256, utf8 } from '../reference/notation.mjs';
import { checkpointSid, leafOf, sealRequest, sealTicket, ticketState } from '../reference/session.mjs';
import { bob, fixed, mallory, NOW } from '../world.mjs';
import { ABOUT, message, parties, session, state, ticketSalt, ticketSecret } from './sessions.mjs';

/** A session of which two checkpoints have signed the numbers before 5, and what could be the third one. */
export function sessionCheckpointFile() {
  const limits = { requests: 256, seconds: 60 };
  const mark = { next: 5, count: 2, at: NOW - 30_000, head: fixed('head of the second checkpoint') };
  const before = { ...state, mark };
  const sealed = sealTicket(ticketSecret, ticketSalt, ticketState(before));
  const { steps: made, tie } = sealRequest(session, message);
  const plaintext = Uint8Array.from([...made.frame, ...message.contents[0]]);
  const answer = utf8('any bytes in the place of what is sealed of an answer');
  const leaves = [
    { name: 'with its answer', seq: 5, digest: tie.digest, plaintext, answer },
    { name: 'whose answer is not whole', seq: 6, digest: tie.digest, plaintext },
  ].map((one) => ({ ...one, leaf: leafOf(one.digest, one.plaintext, one.answer) }));
  const good = {
    checkpoint: 1,
    sid: b64u(parties.sid),
    ticket: b64u(sealed),
    previous: b64u(mark.head),
    from: 5,
    to: 7,
    leaves: leaves.map(({ seq, leaf }) => [seq, b64u(leaf)]),
  };
  const [first, second] = good.leaves;
  const content = JSON.stringify(good);
  const transcript = fixed('checkpoint transcript', 141);
  const head = sha256(transcript);
  const bad = (name, subCode, change) => ({
    name,
    error: ['SESSION_CHECKPOINT_INVALID', ...(subCode ? [subCode] : [])].join(':'),
    content: JSON.stringify({ ...good, ...change }),
  });
  const many = (count) => Array.from({ length: count }, (_, i) => [5 + i, first[1]]);
  return {
    about: ABOUT,
    ...parties,
    now: NOW,
    serviceSeed: bob.seed,
    ticketSecret,
    limits,
    ticketState: ticketState(before),
    place: { sid: b64u(checkpointSid(parties.sid)), seq: mark.count },
    leaves,
    content,
    target: `/.well-known/xlink/session/checkpoint?content=${b64u(sha256(utf8(content)))}`,
    transcript,
    reply: { sid: parties.sid, to: 7, head },
    nextState: ticketState({ ...before, mark: { next: 7, count: 3, at: NOW, head } }),
    bad: [
      bad('another format', '', { checkpoint: 2 }),
      bad('no session', '', { sid: undefined }),
      bad('a leaf that is too short', '', { leaves: [first, [6, 'AAAA']] }),
      bad('a number that no session has', '', { to: 65_537 }),
      bad('another session', 'OTHER_SESSION', { sid: b64u(fixed('other sid', 16)) }),
      bad('a number that is signed', 'NUMBERS', { from: 4, leaves: [[4, first[1]], first, second] }),
      bad('a number left out in front', 'NUMBERS', { from: 6, leaves: [second] }),
      bad('a number left out between', 'NUMBERS', { to: 8, leaves: [first, [7, second[1]]] }),
      bad('a number left out at the end', 'NUMBERS', { leaves: [first] }),
      bad('a number twice', 'NUMBERS', { leaves: [first, first] }),
      bad('more numbers than may be unsigned', 'NUMBERS', { to: 262, leaves: many(257) }),
      bad('another predecessor', 'PREVIOUS', { previous: b64u(fixed('another head')) }),
    ],
    elsewhere: [
      { name: 'of another caller', error: 'SESSION_CHECKPOINT_INVALID:OTHER_SESSION', sender: mallory.did },
      { name: 'signed more weakly', error: 'VERSION_TOO_LOW', version: 1 },
    ],
  };
}
