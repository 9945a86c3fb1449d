import {
  type Agent,
  type AgentMessage,
  type AgentOptions,
  type Envelope,
  err,
  LoopbackTransport,
  ok,
  type Result,
  type Transport,
  type XlinkWarning,
  xlinkError,
} from '@private.me/xlink';
import { World } from '../support/world.js';

/** A channel that does to envelopes what the test says; whatever it returns is handed on, in that order. */
export class Channel implements Transport {
  readonly passed: Envelope[] = [];
  readonly #handlers: Parameters<Transport['onReceive']>[0][] = [];
  readonly #change: (envelope: Envelope) => Envelope[] | 'down';

  constructor(change: (envelope: Envelope) => Envelope[] | 'down' = (envelope) => [envelope]) {
    this.#change = change;
  }

  async send(envelope: Envelope): Promise<Result<void>> {
    const out = this.#change(envelope);
    if (out === 'down') return err(xlinkError('NETWORK_ERROR'));
    this.passed.push(...out);
    for (const one of out) for (const handler of this.#handlers) await handler(one);
    return ok(undefined);
  }

  onReceive(handler: Parameters<Transport['onReceive']>[0]): void {
    this.#handlers.push(handler);
  }

  dispose(): void {}
}

export const lost = () => new Channel(() => []);
export const down = () => new Channel(() => 'down');
export const twice = () => new Channel((envelope) => [envelope, envelope]);

/** Alice, who sends over some channels, and Bob, who gets what the test hands him. */
export async function channels(
  transport: number | readonly Transport[],
  forAlice: AgentOptions = {},
  forBob: AgentOptions = {},
) {
  const world = new World();
  const all = typeof transport === 'number' ? loopbacks(transport) : transport;
  const warnings: XlinkWarning[] = [];
  const onWarning = (warning: XlinkWarning) => void warnings.push(warning);
  const alice = await world.agent('alice', { transport: all, maxVersion: 3, onWarning, ...forAlice });
  const bob = await world.agent('bob', { transport: all, maxVersion: 3, onWarning, ...forBob });
  return { world, alice, bob, transports: all, warnings };
}

export const loopbacks = (count: number): LoopbackTransport[] =>
  Array.from({ length: count }, () => new LoopbackTransport());

/** Every message that comes, and the id of everything that did not become one. */
export async function receiveAll(agent: Agent, envelopes: readonly Envelope[]) {
  const messages: AgentMessage[] = [];
  const ids: string[] = [];
  for (const envelope of envelopes) {
    const received = await agent.receive(envelope);
    ids.push(received.ok ? 'message' : received.error.id);
    if (received.ok) messages.push(received.value);
  }
  return { messages, ids };
}

/** A list in another order, the same for the same seed. */
export function shuffled<T>(list: readonly T[], seed: number): T[] {
  const copy = [...list];
  let state = seed + 1;
  for (let i = copy.length - 1; i > 0; i--) {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    const j = state % (i + 1);
    [copy[i], copy[j]] = [copy[j]!, copy[i]!];
  }
  return copy;
}
