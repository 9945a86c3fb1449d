// Requests and answers in sessions that are open, and the tickets that a service opens for each request.
import { fact, rule, rules } from './clauses.mjs';
import { of } from './envelope.mjs';
import { att, did, hash, lp } from './terms.mjs';
import { keptKeys, readingOf, ticket } from './tickets.mjs';

/** The session of A and P with this name, its ticket sealed in this time. */
export const sessionOf = (caller, service, slot, run) => `insession(${caller},${service},${slot},${run})`;
/** A request of it, in so many chunks. */
export const askedIn = (session, run, length) => `asking(${session},${run},n${length})`;
/** A message of it, which has the form of a request. */
export const messagedIn = (session, run, length) => `messaging(${session},${run},n${length})`;
const SAID = { request: askedIn, message: messagedIn };
const kindsOf = ({ messages }) => (messages ? ['request', 'message'] : ['request']);
/** What is answered to the request with this salt in this session: of this kind, in so many chunks. */
export const repliedTo = (sid, salt, kind, length) => `replying(${sid},${salt},${kind},n${length})`;

/** What the keys of a session come from. */
export const masterOf = (session) => of('master', session);

const SUITE = 'suite_session';
/** In how many chunks contents travel; where answers or messages are asked about, requests are short. */
const LENGTHS = [1, 2];
const lengthsOf = ({ replies, messages }) => (replies || messages ? [1] : LENGTHS);
/** What is said of a request in the open. */
export const OPEN = ['seq', 'salt', 'timestamp', 'scope', 'request'];
/** Answers, and what a service refuses. */
const REPLIES = [
  { kind: 'answer', length: 1 },
  { kind: 'answer', length: 2 },
  { kind: 'refusal', length: 1 },
];

export const whole = (...parts) => `whole${parts.length}(${parts.join(',')})`;

/** Chunks under a key of their own: derived from the key of a direction, and from everything that is said in the open. */
function chunksOf({ transcript }, { master, sid, direction, kind = direction, digest, frame, parts }) {
  const towards = `hkdf(${master},${transcript('sessionDirection', { label: `label_${direction}`, sid })})`;
  const key = `hkdf(${towards},${transcript('sessionKey', { label: `label_${kind}_key`, digest })})`;
  return parts.map((part, number) => {
    const final = number === parts.length - 1 ? 'last' : 'more';
    const aad = lp(transcript('chunkIv', { final, number: `n${number}` }), digest);
    return `enc(${key},${aad},${number === 0 ? lp(frame, part) : part})`;
  });
}

/** `open`: what is said in the open; `headers` are sealed. */
function request(scenario, { kind = 'request', from, to, sid, master, open, contentType, headers, parts }) {
  const { transcript } = scenario;
  const said = { label: `label_session_${kind}`, suite: SUITE, from: did(from), to: did(to), sid, ...open };
  const digest = hash(transcript('sessionRequest', said));
  const frame = transcript('requestFrame', { from: did(from), contentType, headers });
  const chunks = chunksOf(scenario, { master, sid, direction: 'request', kind, digest, frame, parts });
  return { digest, chunks, tie: { digest, tag: `tag(${chunks[0]})` } };
}

function reply(scenario, { from, sid, master, kind, tie, salt, own, parts }) {
  const { transcript } = scenario;
  const digest = hash(
    transcript('sessionAnswer', { label: `label_session_${kind}`, suite: SUITE, ...tie, salt }),
  );
  const outside = { contentType: own('type'), headers: own('headers'), status: own('status') };
  const frame = transcript('answerFrame', { from: did(from), ...outside });
  return chunksOf(scenario, { master, sid, direction: 'answer', digest, frame, parts });
}

/** All participants have sessions with each other; the attacker has the keys of its own, and what `leaks`. */
export function opened(scenario) {
  const session = sessionOf('A', 'P', 'SLOT', 'R');
  const [sid, salt] = ['sid', 'ticket_salt'].map((name) => of(name, session));
  const parties = { from: 'A', to: 'P', slot: 'SLOT', salt, sid, master: masterOf(session) };
  const { sealed, head } = ticket(scenario, parties);
  return [
    ...rules('A and P have a session: id and ticket', [], [sid, sealed, ...Object.values(head)].map(att)),
    fact('sessions of eve', att(masterOf(sessionOf('eve', 'P', 'SLOT', 'R')))),
    fact('sessions with eve', att(masterOf(sessionOf('A', 'eve', 'SLOT', 'R')))),
    ...(scenario.leaks ?? []).map((one) => fact('what leaks of sessions', att(one))),
    ...readingOf(scenario),
    ...keptKeys(scenario),
    ...(scenario.ivAgain ? ivAgain(scenario) : []),
  ];
}

/** AES-GCM with one key and one IV for two plaintexts: who knows one of them has the other. Tickets have no IV but zero. */
const ivAgain = ({ transcript }) => {
  const head = (salt) => transcript('ticketAad', { label: 'label_ticket', keyId: 'I', salt });
  return [
    [lp('IV', 'H'), lp('IV', 'J')],
    [head('S'), head('T')],
  ].map(([one, other]) =>
    rule(
      'AES-GCM: one key and IV, two plaintexts, one of them known',
      [att(`enc(O,${one},F)`), att(`enc(O,${other},G)`), att('G')],
      att('F'),
    ),
  );
};

/** A asks P in their session, or sends a message, in one chunk and in two. */
const asks = (scenario) => kindsOf(scenario).flatMap((kind) => says(scenario, kind));

const says = (scenario, kind) =>
  lengthsOf(scenario).flatMap((length) => {
    const session = sessionOf('A', 'P', 'SLOT', 'R');
    const own = (name) => of(name, SAID[kind](session, 'Q', length));
    const open = Object.fromEntries(OPEN.map((name) => [name, own(name)]));
    const parties = {
      kind,
      from: 'A',
      to: 'P',
      sid: of('sid', session),
      master: masterOf(session),
    };
    const inside = { contentType: own('type'), headers: own('headers') };
    const parts = LENGTHS.slice(0, length).map((_, number) => own(`part${number}`));
    const { chunks } = request(scenario, { ...parties, open, ...inside, parts });
    const again = { ...open, salt: own('other_salt') };
    const known = request(scenario, {
      ...parties,
      open: again,
      contentType: 'any',
      headers: 'any',
      parts: ['any'],
    });
    return [
      ...rules('A asks P', [], chunks.map(att)),
      ...rules('what it says in the open', [], Object.values(open).map(att)),
      ...(scenario.setBack && length === 1
        ? rules('its memory was set back', [], [...known.chunks, own('other_salt')].map(att))
        : []),
    ];
  });

/** bob opens a ticket and a request or message, of any caller and number of chunks. */
function incoming(scenario, length, kind = 'request') {
  const parties = { kind, from: 'P', to: 'bob', sid: 'SID', master: 'M' };
  const { sealed } = ticket(scenario, { ...parties, slot: 'SLOT', salt: 'TS' });
  const open = Object.fromEntries(OPEN.map((name) => [name, name.toUpperCase()]));
  const parts = LENGTHS.slice(0, length).map((_, number) => `C${number}`);
  const asked = request(scenario, { ...parties, open, contentType: 'T', headers: 'H', parts });
  return { ...asked, open, parts, when: [sealed, ...asked.chunks].map(att) };
}

export const heard = (from, { as = 'heard', sid = 'SID', headers = 'H', content = 'W', ...open } = {}) =>
  `${as}(${from},${sid},${OPEN.map((name) => open[name] ?? name.toUpperCase())},${headers},${content})`;

/** bob takes a request, and answers or refuses it. */
const serves = (scenario) =>
  lengthsOf(scenario).flatMap((asked) => {
    const { when, parts, tie } = incoming(scenario, asked);
    const takes = rule('bob takes it as from P', when, heard('P', { content: whole(...parts) }));
    if (!scenario.replies) return [takes];
    const replies = REPLIES.flatMap(({ kind, length }) => {
      const own = (name) => of(name, repliedTo('SID', 'SALT', kind, length));
      const contents = LENGTHS.slice(0, length).map((_, number) => own(`part${number}`));
      const about = { from: 'bob', sid: 'SID', master: 'M', kind, tie };
      const once = reply(scenario, { ...about, salt: own('salt'), own, parts: contents });
      const twice = reply(scenario, { ...about, salt: own('other_salt'), own: () => 'any', parts: ['any'] });
      return [
        ...rules(`bob gives the ${kind}`, when, [...once, own('salt')].map(att)),
        ...(scenario.twice && length === 1
          ? rules('he answers twice', when, [...twice, own('other_salt')].map(att))
          : []),
      ];
    });
    return [takes, ...replies];
  });

/** bob takes a message. */
const notes = (scenario) =>
  lengthsOf(scenario).map((length) => {
    const { when, parts } = incoming(scenario, length, 'message');
    return rule(
      'bob takes it as a message from P',
      when,
      heard('P', { as: 'noted', content: whole(...parts) }),
    );
  });

/** alice takes a reply to one of her requests to bob. */
const receives = (scenario) =>
  lengthsOf(scenario).flatMap((asked) => {
    const session = sessionOf('alice', 'bob', 'SLOT', 'R');
    const own = (name) => of(name, askedIn(session, 'Q', asked));
    const parties = { from: 'alice', to: 'bob', sid: of('sid', session), master: masterOf(session) };
    const open = Object.fromEntries(OPEN.map((name) => [name, own(name)]));
    const inside = { contentType: own('type'), headers: own('headers') };
    const parts = LENGTHS.slice(0, asked).map((_, number) => own(`part${number}`));
    const { tie } = request(scenario, { ...parties, open, ...inside, parts });
    return REPLIES.map(({ kind, length }) => {
      const contents = LENGTHS.slice(0, length).map((_, number) => `C${number}`);
      const about = { ...parties, from: 'bob', kind, tie, salt: 'SALT', own: (name) => `V_${name}` };
      const chunks = reply(scenario, { ...about, parts: contents });
      const taken = `told(${own('salt')},${kind},${whole(...contents)})`;
      return rule(`alice takes the ${kind}`, chunks.map(att), taken);
    });
  });

export const inSessions = (scenario) => [
  ...opened(scenario),
  ...asks(scenario),
  ...serves(scenario),
  ...(scenario.messages ? notes(scenario) : []),
  ...(scenario.replies ? receives(scenario) : []),
];
