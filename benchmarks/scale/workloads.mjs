import { table, whole } from '../stats.mjs';
import { hopsTime } from './hops.mjs';
import { longWorkflow, ON_EXPIRY } from './long-workflow.mjs';
import { PUBLISHED } from './published.mjs';
import { LIMITS, messageStorm, RETRIES, tokenStorm } from './storm.mjs';

/** How long an agent of the token storm asks before it gives up, in ms. */
const PATIENCE = 60_000;
const SESSION_MINUTES = 10;
/** The orchestrator and its sub-agents. */
const CALLERS = 6;
const HEAD = ['', 'published', 'simulated', 'measured here'];

const ms = (value) => (value < 10 ? `${value.toFixed(2)} ms` : `${whole(value)} ms`);
const outcome = ({ last, share }) => `${ms(last)}, ${(100 * share).toFixed(1)} %`;
function compared(one, other) {
  const less = 100 * (1 - one / other);
  return less < 0 ? `${(-less).toFixed(1)} % slower` : `${less.toFixed(1)} % faster`;
}

export function reportStorm({ costs, measured, agents, rtt, seed }) {
  const { perSecond, ...published } = PUBLISHED.storm;
  const common = { agents, perSecond, rtt, tokenCost: costs.call.token, patience: PATIENCE, seed };
  const storms = Object.keys(LIMITS).flatMap((limit) =>
    Object.keys(RETRIES).map((retry) => ({
      name: `tokens, limited ${limit}; ${retry}`,
      ...tokenStorm({ ...common, limit, retry }),
    })),
  );
  const messages = (messageCost) => messageStorm({ agents, processes: 1, rtt, messageCost, seed });
  const [v2, session] = [messages(costs.serverCpu.v2), messages(costs.handshake.cpu)];
  const [told] = storms;
  const is500 = agents === published.agents;
  const text = table([
    HEAD,
    ['tokens, retries unknown', is500 ? outcome(published.token) : '', '', ''],
    ...storms.map((storm, at) => [
      `  ${storm.name}`,
      '',
      outcome(storm),
      at === 0 ? outcome(measured.tokens) : '',
    ]),
    [
      'one message each, envelope v2',
      is500 ? outcome(published.message) : '',
      outcome(v2),
      outcome(measured.messages),
    ],
    ['a session each, handshakes', '', outcome(session), ''],
    [
      'tokens (as told) take so many times as long as messages',
      is500 ? '603' : '',
      (told.last / v2.last).toFixed(0),
      (measured.tokens.last / measured.messages.last).toFixed(0),
    ],
    ['one agent alone: a token', '', '', ms(costs.call.token)],
    ['one agent alone: a message', '', '', ms(costs.call.v2)],
  ]);
  const lasts = storms.map(({ last }) => last);
  const shares = storms.map(({ share }) => 100 * share);
  return `${text}

  ${agents} requests at ${perSecond}/s are over after ${ms((1000 * agents) / perSecond)} at the latest if each waits its turn. What is published says nothing of
  how its agents ask again, and that is all that decides: from ${ms(Math.min(...lasts))} to ${ms(Math.max(...lasts))}, and ${Math.min(...shares).toFixed(1)} to ${Math.max(...shares).toFixed(1)} % with a token within
  ${PATIENCE / 1000} s. The published message needs ${ms(published.message.last / published.agents)} of one core; here an envelope takes ${ms(costs.serverCpu.v2)}: more processes divide it.
  The white papers call these 91 ms the start of 500 agents in one place, and one message sent again in another. One agent alone is in the
  last two rows: neither has a crowd to wait for.`;
}

export function reportWorkflow({ costs }) {
  const { perMinute, lifetimeMinutes, events } = PUBLISHED.workflow;
  const cpu = (count, each) => `${whole(count)} (${((count * each) / 1000).toFixed(1)} s)`;
  const rows = events.flatMap(({ minutes, token, message }) => {
    const simulated = Object.keys(ON_EXPIRY).map((onExpiry) => {
      const result = longWorkflow({ minutes, perMinute, lifetimeMinutes, onExpiry });
      const isPublished = result.events === token && onExpiry === Object.keys(ON_EXPIRY)[0];
      const count = result.isEndless
        ? `never done; ${whole(result.events)} by then`
        : cpu(result.events, costs.proof.jwt);
      return [
        `  token, ${onExpiry}`,
        isPublished ? whole(token) : '',
        count,
        `restarts ${result.restarts}, more tokens ${result.tokens}`,
      ];
    });
    const handshakes = CALLERS * Math.ceil(minutes / SESSION_MINUTES);
    const own = longWorkflow({ minutes, perMinute }).events;
    return [
      [`${minutes} minutes`, '', '', ''],
      ...simulated,
      ['  envelopes', whole(message), cpu(own, costs.proof.v2), ''],
      [
        '  sessions',
        '',
        `${whole(own)} (${((own * costs.proof.session + handshakes * costs.handshake.cpu) / 1000).toFixed(1)} s)`,
        `handshakes ${handshakes}`,
      ],
    ];
  });
  return `${table([['', 'published', 'simulated (time of proofs)', ''], ...rows])}

  The published counts come out exactly if every restart does all that was done once more within no time, and if there is one at the moment
  at which the work is over. Without the last one they are 1.5 and 3.0 times. In real time a workflow longer than its token that starts again
  from zero is never done ("by then": after ten times as long). Clients that get a new token and go on have none of it: as many proofs as
  with envelopes, and one token an hour.`;
}

export function reportHops({ costs, measured, iterations, seed }) {
  const { hops, rtt, message, token, messageProof, tokenOverhead } = PUBLISHED.hops;
  const walk = (extra) => hopsTime({ hops, iterations, rtt, trips: 1, seed, ...extra });
  const { open } = costs.call;
  const simulated = {
    session: walk({ cost: open + costs.proof.session }),
    v2: walk({ cost: open + costs.proof.v2 }),
    jwt: walk({ cost: open + costs.proof.jwt }),
    tokens: walk({ trips: 2, cost: costs.call.token + open + costs.proof.jwt }),
  };
  const other = message / hops - messageProof;
  const row = (name, kind, published = '') => [name, published, ms(simulated[kind]), ms(measured[kind])];
  const than = (name, fast, slow, published = '') => [
    name,
    published,
    compared(simulated[fast], simulated[slow]),
    compared(measured[fast], measured[slow]),
  ];
  const withWork = (kind) => simulated[kind] + hops * (other - rtt);
  const text = table([
    HEAD,
    row('envelope v2', 'v2', ms(message)),
    row('session', 'session'),
    row('JWT, one token for all hops', 'jwt'),
    row('JWT, a token for each hop', 'tokens', ms(token)),
    than('envelope v2, against a token for each hop', 'v2', 'tokens', compared(message, token)),
    than('session, against a token for each hop', 'session', 'tokens'),
    [
      `  the same, with ${ms(other)} of other work in each hop, as published`,
      '',
      compared(withWork('session'), withWork('tokens')),
      '',
    ],
    than('session, against one token', 'session', 'jwt'),
  ]);
  return `${text}

  Not reproduced: with a token, what is published spends ${ms(tokenOverhead / hops)} of each hop on proof, which is ${whole(tokenOverhead / hops / rtt)} round trips over a network of ${rtt} ms; here
  a token takes ${ms(costs.call.token)} and one more round trip, its check ${ms(costs.proof.jwt)}. And without, ${ms(other)} of each hop are neither network nor proof. A
  token that is kept costs less than a session in each hop: what xLink adds for that time is encryption, single use and a caller's own key.`;
}
