// How do callers prove themselves? Sessions, envelopes, signatures and keys; what becomes of sessions.
import { curves, stackedCurves, stat, table } from '../panels.mjs';

/**
 * @param {import('../queries.mjs').Queries} queries
 * @param {string} docs
 */
export const sessionPanels = (queries, docs) => [
  stackedCurves({
    title: 'How callers prove themselves',
    description:
      'Accepted requests by what proved their caller. session: a signed handshake once, then symmetric keys. sealed and signed: an envelope each. signature: RFC 9421. key: an API key. Sessions cost the least; if clients that could use them do not, look at the refusals beside this.',
    none: 'No accepted requests in this range',
    unit: 'reqps',
    width: 10,
    height: 8,
    queries: [
      [queries.proofsByForm, '{{form}}'],
      [queries.proofsByKey, 'key'],
    ],
    colors: { session: 'green', sealed: 'blue', signed: 'light-blue', signature: 'purple', key: 'orange' },
    docs: `${docs}/metrics`,
  }),
  stat({
    title: 'Sessions that are open',
    description:
      'Opened at the instances that are looked at and not over, to the minute. A caller that is gone counts until its session is over; a restart of an instance forgets those it opened.',
    none: 'No sessions',
    unit: 'short',
    width: 3,
    height: 8,
    queries: [[queries.sessionsActive, '{{job}}']],
    docs: `${docs}/operations#sessions`,
  }).decimals(0),
  curves({
    title: 'Sessions opened',
    description:
      'Handshakes that succeeded, by the version of their envelope. One for each client in ten minutes is usual. Many more: clients lose their sessions, or never keep them; instances that do not share tickets look so.',
    none: 'No sessions in this range',
    unit: 'cps',
    width: 5,
    height: 8,
    queries: [[queries.sessionsOpened, 'v{{version}}']],
    docs: `${docs}/operations#sessions`,
  }),
  table(
    {
      title: 'Refused of sessions in this range',
      description:
        'Handshakes and requests. SESSION_UNKNOWN after a restart or a lost store passes: clients open new ones. SESSION_UNKNOWN all the time: instances do not share tickets. SESSION_LIMIT: a client opens one for each request. REPLAY_DETECTED: something repeats requests.',
      none: 'Nothing was refused',
      unit: 'short',
      width: 6,
      height: 8,
      queries: [[queries.sessionRefusals, '']],
      docs: `${docs}/errors`,
    },
    { at: 'At', reason: 'Reason', Value: 'Count' },
  ).decimals(0),
];
