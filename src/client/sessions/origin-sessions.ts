import { ALL_SCOPES, acceptsScope, isOwnScope } from '../../checks/scope.js';
import { untilAborted } from '../../http/abort.js';
import { BoundedMap } from '../../util/bounded-map.js';
import { type CallerRequest, isUpload } from '../buffered-request.js';
import type { CalleeSealing } from '../seal-request.js';
import { CheckpointKeeper } from './checkpoint-keeper.js';
import { type HandshakeMeans, type HeldSession, isAging, isGood, openSession } from './open-session.js';

/** Who refuses sessions without proof causes one handshake in this time, in ms. */
const HANDSHAKE_EVERY_MS = 10_000;
/** Paths that are known to need envelopes. */
const MAX_PATHS = 1000;

/** What is to be sent: a request, or a message. */
export interface Sending extends Pick<CallerRequest, 'init' | 'signal'> {
  /** What may turn out to need envelopes: method and path of a request, the scope of a message. */
  readonly about: string;
  /** Whether a session is worth its handshake for this one alone. */
  readonly isLong?: boolean;
}

/** The same of a request. */
export const requestSending = (request: CallerRequest): Sending => {
  const { method, url, init, signal } = request;
  return { about: `${method} ${url.pathname}`, init, signal, isLong: isUpload(request) };
};

/** The session of one origin: opened at the second call, renewed before its end, and given up when the service does not know it. */
export class OriginSessions {
  /** Signs what was sent in its sessions. */
  readonly keeper: CheckpointKeeper;
  readonly #parts: HandshakeMeans;
  readonly #byEnvelope = new BoundedMap<string, true>(MAX_PATHS);
  #session: HeldSession | undefined;
  #opening: Promise<HeldSession | undefined> | undefined;
  #isFirstCall: boolean;
  /** No handshake before that, by `performance.now()`. */
  #notBefore = -Infinity;
  #openedAt = -Infinity;

  /** `isCalled`: there was a call before the first that it is asked about. */
  constructor(parts: HandshakeMeans, isCalled = false) {
    this.#parts = parts;
    this.#isFirstCall = !isCalled;
    this.keeper = new CheckpointKeeper(parts, (session) => this.drop(session));
  }

  /** `undefined`: the request goes under an envelope. */
  async sessionFor(sending: Sending, sealing: CalleeSealing): Promise<HeldSession | undefined> {
    const { agent, service, scope, version } = sealing;
    if (isOwnScope(scope) || this.#byEnvelope.get(sending.about)) return undefined;
    if (scope !== ALL_SCOPES && !acceptsScope(agent.sendScopes, scope)) return undefined; // which refuses it
    if (version === 1 || !service.versions.some((one) => one >= 2)) return undefined;
    const from = await agent.ready();
    const now = await agent.now();
    const held = this.#session;
    if (held && (held.from !== from || held.to !== service.did))
      this.#session = undefined; // one of them was succeeded
    else if (held && isGood(held, now)) {
      if (isAging(held, now)) void this.#open(sending, sealing);
      return held.never.has(scope) ? undefined : held;
    }
    // Who calls once needs no session.
    const isFirst = this.#isFirstCall;
    this.#isFirstCall = false;
    if (isFirst && !sending.isLong) return undefined;
    const opened = await untilAborted(this.#open(sending, sealing), sending.signal);
    return opened?.never.has(scope) ? undefined : opened;
  }

  /** This one is not known to the service any more, or somebody says so. */
  drop(session: HeldSession): void {
    if (this.#session !== session) return;
    this.keeper.finish(session);
    this.#session = undefined;
    this.#notBefore = this.#openedAt + HANDSHAKE_EVERY_MS;
  }

  /** The service cannot tell whether numbers were used: envelopes go on meanwhile. */
  pause(): void {
    this.#session = undefined;
    this.#notBefore = performance.now() + HANDSHAKE_EVERY_MS;
  }

  /** What is like this is sent under envelopes from now on. */
  needsEnvelope({ about }: Sending): void {
    this.#byEnvelope.set(about, true);
  }

  /** One at a time. Resolves to nothing where it fails. */
  #open({ init }: Sending, sealing: CalleeSealing): Promise<HeldSession | undefined> {
    if (this.#opening) return this.#opening;
    const now = performance.now();
    if (now < this.#notBefore) return Promise.resolve(undefined);
    this.#openedAt = now;
    this.#opening = openSession({ ...sealing, ...this.#parts, init })
      .then(
        (session) => {
          if (this.#session) this.keeper.finish(this.#session);
          this.#session = session;
          return session;
        },
        () => {
          this.#notBefore = now + HANDSHAKE_EVERY_MS;
          return undefined;
        },
      )
      .finally(() => {
        this.#opening = undefined;
      });
    return this.#opening;
  }
}
