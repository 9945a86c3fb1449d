import { EventEmitter, once } from 'node:events';
import {
  createServer,
  Agent as HttpAgent,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type RequestListener,
  type Server,
  type ServerOptions,
} from 'node:http';
import type { Socket } from 'node:net';
import { inspect } from 'node:util';
import { expect } from '@jest/globals';
import {
  type AgentMessage,
  type Auth,
  DualModeAdapter,
  type DualModeOptions,
  type XlinkEvent,
} from '@private.me/xlink';
import { afterTest } from './after-test.js';
import { printed } from './console.js';
import { clientOf, KEYS } from './keys.js';
import { listen } from './listen.js';
import { CANARY, type Sent, secretsIn } from './requests.js';
import { type Answer, expectRefusal, type RefusalText } from './responses.js';
import { send, sendRaw } from './wire.js';

// The API under test: an adapter in an application on a free port, and a record of what happens at it.

/** What a handler found on its request. */
export interface Call {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: unknown;
  /** What was still to be read from the request. */
  readonly stream: Buffer;
  readonly auth: unknown;
  readonly authOf: Auth | undefined;
  readonly message: AgentMessage | undefined;
}

/** An adapter, and lists of what happens at it. */
export interface Recorder<C = Call> {
  readonly adapter: DualModeAdapter;
  /** Requests that reached the handler. */
  readonly calls: C[];
  /** Keys that the validator was asked about. */
  readonly validated: string[];
  readonly events: XlinkEvent[];
  /** `event` for an event of the adapter, `closed` for a request that is over. */
  readonly signals: EventEmitter;
  /** Whether its problem documents say more than what went wrong. */
  readonly details: boolean;
}

type EventOf<T extends XlinkEvent['type']> = Extract<XlinkEvent, { type: T }>;

export interface Service<C = Call> extends Recorder<C> {
  readonly server: Server;
  readonly port: number;
  /** Connections to the server, as it sees them. */
  readonly sockets: Socket[];
  /** What must not show up anywhere: keys, tokens and payloads of everything that was sent. */
  readonly secrets: Set<string>;
  send(sent: Sent | Promise<Sent>): Promise<Answer>;
  /** Sends a request line exactly as it is written. */
  raw(line: string, headers?: OutgoingHttpHeaders): Promise<Answer>;
  /** Sends what must get to a handler, and returns what that saw. */
  accepted(sent: Sent | Promise<Sent>): Promise<C & { readonly answer: Answer }>;
  /** Sends what must be refused in exactly this way, before any handler. */
  refused(sent: Sent | Promise<Sent>, refusal: RefusalText): Promise<Answer>;
  /** Resolves when all requests so far are answered and counted. */
  quiet(): Promise<void>;
  /** Resolves when there are that many events of the type. */
  until(type: XlinkEvent['type'], count: number): Promise<void>;
  /** Events of one type. */
  of<T extends XlinkEvent['type']>(type: T): EventOf<T>[];
}

/** By default in hybrid mode, with the keys of `keys.ts`. */
export function recorder<C = Call>(
  agent: DualModeOptions['agent'],
  options: Partial<DualModeOptions> = {},
): Recorder<C> {
  const [calls, validated, events]: [C[], string[], XlinkEvent[]] = [[], [], []];
  const signals = new EventEmitter().setMaxListeners(0);
  const adapter = new DualModeAdapter({
    agent,
    mode: 'hybrid',
    legacyKeyValidator(key) {
      validated.push(key);
      return clientOf(key);
    },
    ...options,
    observers: [
      (event) => {
        events.push(event);
        signals.emit('event');
      },
      ...(options.observers ?? []),
    ],
  });
  return { adapter, calls, validated, events, signals, details: options.exposeDetails === true };
}

/** Puts an application on a free port, closed after the test. */
export async function start<C = Call>(
  parts: Recorder<C>,
  listener: RequestListener,
  options: ServerOptions = {},
): Promise<Service<C>> {
  const { calls, events, signals } = parts;
  const server = createServer(options, listener);
  const sockets: Socket[] = [];
  let open = 0;
  server.prependListener('request', (_, response) => {
    open += 1;
    response.once('close', () => {
      open -= 1;
      signals.emit('closed');
    });
  });
  server.on('connection', (socket) => sockets.push(socket));
  const { port } = await listen(server);
  const connections = new HttpAgent({ keepAlive: true });
  afterTest(() => connections.destroy());
  const service: Service<C> = {
    ...parts,
    server,
    port,
    sockets,
    secrets: new Set([...KEYS, CANARY]),
    async send(made) {
      const sent = await made;
      for (const secret of secretsIn(sent)) service.secrets.add(secret);
      return send(port, sent, connections);
    },
    raw: (line, headers = {}) => sendRaw(port, line, headers),
    async accepted(sent) {
      const before = calls.length;
      const answer = await service.send(sent);
      expect([answer.status, answer.text]).toEqual([200, '{"ok":true}']);
      expect(calls).toHaveLength(before + 1);
      return { ...calls.at(-1)!, answer };
    },
    async refused(made, refusal) {
      const sent = await made;
      const before = calls.length;
      const answer = await service.send(sent);
      await expectRefused(service, answer, refusal, { calls: before, head: sent.method === 'HEAD' });
      return answer;
    },
    async quiet() {
      while (open > 0) await once(signals, 'closed');
    },
    async until(type, count) {
      while (service.of(type).length < count) await once(signals, 'event');
    },
    of: (type) => events.filter((event): event is EventOf<typeof type> => event.type === type),
  };
  return service;
}

/** Holds an answer that came some other way than by `refused` against everything that is true of every refusal. */
export async function expectRefused(
  service: Service<unknown>,
  answer: Answer,
  refusal: RefusalText,
  { calls = 0, head = false } = {},
): Promise<void> {
  await service.quiet();
  expectRefusal(answer, refusal, { head, details: service.details });
  expect(service.calls).toHaveLength(calls);
  expectNoSecrets(service, JSON.stringify(answer));
}

/** Nothing that was sent is in what came back, in what observers were told, or in what was printed. */
export function expectNoSecrets(
  { secrets, events }: Pick<Service, 'secrets' | 'events'>,
  ...texts: string[]
): void {
  const seen = [...texts, ...events.map(eventText), ...printed].join('\n');
  for (const secret of secrets)
    for (const text of [secret, Buffer.from(secret).toString('base64url')])
      expect(seen.includes(text) ? `leaked: ${text}` : 'nothing').toBe('nothing');
}

/** All of an event but the cause of a fault, which is for the server alone. */
function eventText(event: XlinkEvent): string {
  if (event.type !== 'fault') return inspect(event, { depth: 12, maxStringLength: null });
  const { error } = event;
  return [error.message, error.hint, error.field, error.stack, JSON.stringify(error)].join('\n');
}
