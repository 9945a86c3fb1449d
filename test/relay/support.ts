import { Agent, type AgentOptions, GatewayTransport, MemoryTrustRegistry } from '@private.me/xlink';
import { RECEIVE_REQUEST, RELAY_SCOPE } from '../../src/transport/relay-protocol.js';
import { afterTest } from '../support/after-test.js';
import { seedOf } from '../support/agents.js';
import { unwrap } from '../support/results.js';
import { type RelaySetup, type RunningRelay, startRelay } from '../transport/servers.js';

export interface Answer {
  readonly status: number;
  readonly body: { readonly code?: string; readonly subCode?: string; readonly messages?: { id: string }[] };
}

export async function post(url: string, path: string, body: unknown): Promise<Answer> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const response = await fetch(url + path, { method: 'POST', body: text });
  return { status: response.status, body: JSON.parse(await response.text()) };
}

export const codeOf = ({ body: { code, subCode } }: Answer): string =>
  subCode === undefined ? String(code) : `${code}:${subCode}`;

export const idsOf = ({ body }: Answer): string[] => body.messages!.map(({ id }) => id);

/** A relay, and people who know each other. None of them receives until told to. */
export async function world(setup: RelaySetup = {}) {
  const running = await startRelay(setup);
  const registry = new MemoryTrustRegistry();
  const clock = setup.clock ? { clock: setup.clock } : {};
  const person = async (name: string, options: AgentOptions = {}) => {
    const transport = new GatewayTransport({ relayUrl: running.url, waitMs: 500, backoff: () => 20 });
    afterTest(async () => transport.dispose());
    const seed = seedOf(`relay ${name}`);
    return unwrap(await Agent.fromSeed({ seed, registry, transport, ...clock, ...options }));
  };
  return { running, registry, person, alice: await person('alice'), bob: await person('bob') };
}

export const proof = (agent: Agent, { relay }: RunningRelay, pull: object, request = RECEIVE_REQUEST) =>
  agent.createIntroduction({
    to: relay.did,
    scope: RELAY_SCOPE,
    request,
    payload: { ack: [], after: '', waitMs: 0, ...pull },
  });

export const pull = async (agent: Agent, running: RunningRelay, what: object = {}): Promise<Answer> =>
  post(running.url, '/relay/receive', await proof(agent, running, what));
