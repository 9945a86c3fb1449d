// Checkpoints of sessions: what callers sign of what they sent, what services sign in reply, and what others see of that.
import { rule, rules } from './clauses.mjs';
import { clear, of } from './envelope.mjs';
import { formOf, members, signed, statement } from './handshake.mjs';
import { askedIn, opened, sessionOf } from './sessions.mjs';
import { att, hash, lp } from './terms.mjs';
import { ticket } from './tickets.mjs';

/** The scope of all checkpoints, and that of everything else. */
const CHECKPOINT = 'scope_checkpoint';
const OTHER = 'scope_other';

/** The leaf of a request in this session. */
export const leafOf = (session) => of('leaf', askedIn(session, 'Q', 1));
/** Others see that both have signed it. */
export const shown = (caller, service, sid, leaves) => `shown(${caller},${service},${sid},${leaves})`;

/** What the signatures of an envelope with a checkpoint cover; its target, in the open, names what is sealed. */
function checkpoint(scenario, { from, to, value, sid, ticket, leaves, scope = CHECKPOINT }) {
  const numbers = { from: 'zero', to: 'one' };
  const content = scenario.transcript('checkpoint', { sid, ticket, previous: 'any', ...numbers, leaves });
  const request = lp('target_checkpoint', hash(content));
  const all = members(value, { scope, request });
  const payload = value('payload');
  const said = statement(scenario, formOf(scenario, 'request'), { from, to, members: all, payload });
  return { content, request, said };
}

const reply = (scenario, { from, to, value, scope, inReplyTo, request, payload }) =>
  statement(scenario, formOf(scenario, 'answer'), {
    ...{ from, to, payload },
    members: members(value, { scope, inReplyTo, request }),
  });

/** A signs what it sent in a session with P, and has applications send whatever the attacker wants, wherever it wants. */
function callers(scenario) {
  const session = sessionOf('A', 'P', 'SLOT', 'R');
  const own = (name) => of(name, `signing(${session})`);
  const [sid, salt, master] = ['sid', 'ticket_salt', 'master'].map((name) => of(name, session));
  const parties = { from: 'A', to: 'P' };
  const { sealed } = ticket(scenario, { ...parties, slot: 'SLOT', salt, sid, master });
  const given = { ...parties, value: own, sid, ticket: sealed, leaves: leafOf(session) };
  const { content, said } = checkpoint(scenario, given);
  const other = members((name) => of(name, 'sending(A,P,R)'), { scope: OTHER, request: 'T' });
  const sent = statement(scenario, formOf(scenario, 'request'), { ...parties, members: other, payload: 'C' });
  return [
    ...rules('A signs what it sent to P', [], [att(content), ...signed('A', scenario, said)]),
    ...rules('A sends P anything, under another scope', [att('T'), att('C')], signed('A', scenario, sent)),
  ];
}

/** B countersigns what P signed of a session that its ticket names, and answers everything else with whatever the attacker wants. */
function services(scenario) {
  const { checksSid = true, checksSender = true } = scenario;
  const value = (name) => `M_${name}`;
  const sender = checksSender ? 'P' : 'Q';
  const named = { from: sender, to: 'B', slot: 'SLOT', salt: 'TS', sid: 'SID', master: 'M' };
  const { sealed } = ticket(scenario, named);
  const said = { from: 'P', to: 'B', value, sid: checksSid ? 'SID' : 'S', ticket: sealed, leaves: 'LEAVES' };
  const asked = checkpoint(scenario, said);
  const own = (name) => of(name, 'countersigning(B,P,M_nonce)');
  const { request } = asked;
  const answer = { from: 'B', to: 'P' };
  const countersigned = reply(scenario, {
    ...{ ...answer, request, scope: CHECKPOINT },
    ...{ value: own, inReplyTo: 'M_nonce', payload: own('payload') },
  });
  const anything = reply(scenario, {
    ...{ ...answer, request: 'T', payload: 'C', scope: OTHER },
    value: (name) => of(name, 'answering(B,P,R,C)'),
    inReplyTo: of('nonce', 'sending(P,B,R)'),
  });
  return [
    ...rules(
      'B countersigns it',
      [...signed('P', scenario, asked.said), att(asked.content), att(sealed)],
      signed('B', scenario, countersigned),
    ),
    ...rules('B answers anything to anything else', [att('T'), att('C')], signed('B', scenario, anything)),
  ];
}

/** Others have no key: they see two envelopes and the content. */
function others(scenario) {
  const { looksAtScope = true, comparesScope = true, looksAtReply = true, looksAtTarget = true } = scenario;
  const value = (name) => `M_${name}`;
  const scope = looksAtScope ? CHECKPOINT : 'SCOPE';
  const { content, request, said } = checkpoint(scenario, {
    ...{ from: 'P', to: 'B', value, sid: 'SID', ticket: 'TICKET', leaves: 'LEAVES' },
    scope,
  });
  const countersigned = reply(scenario, {
    ...{ from: 'B', to: 'P', value: (name) => `W_${name}`, payload: 'W' },
    scope: comparesScope ? scope : 'OTHER',
    inReplyTo: looksAtReply ? 'M_nonce' : 'N',
    request: looksAtTarget ? request : 'T',
  });
  const seen = [...signed('P', scenario, said), ...signed('B', scenario, countersigned), att(content)];
  return [rule('others see what P and B signed', seen, shown('P', 'B', 'SID', 'LEAVES'))];
}

export const checkpoints = (scenario) => [
  ...clear,
  ...opened(scenario),
  ...callers(scenario),
  ...services(scenario),
  ...others(scenario),
];
