import { ALL_SCOPES, acceptsScope, isOwnScope } from '../../checks/scope.js';
import { untilAborted } from '../../http/abort.js';
import { BoundedMap } from '../../util/bounded-map.js';
import type { BufferedRequest } from '../buffered-request.js';
import type { Sealing } from '../seal-request.js';
import { type HandshakeMeans, type HeldSession, isAging, isGood, openSession } from './open-session.js';

/** Who refuses sessions without proof causes one handshake in this time, in ms. */
const HANDSHAKE_EVERY_MS = 10_000;
/** Paths that are known to need envelopes. */
const MAX_PATHS = 1000;

/** The session of one origin: opened at the second call, renewed before its end, and given up when the service does not know it. */
export class OriginSessions {
  readonly #parts: HandshakeMeans;
  readonly #paths = new BoundedMap<string, true>(MAX_PATHS);
  #session: HeldSession | undefined;
  #opening: Promise<HeldSession | undefined> | undefined;
  #isFirstCall = true;
  /** No handshake before that, by `performance.now()`. */
  #notBefore = -Infinity;
  #openedAt = -Infinity;

  constructor(parts: HandshakeMeans) {
    this.#parts = parts;
  }

  /** `undefined`: the request goes under an envelope. */
  async sessionFor(request: BufferedRequest, sealing: Sealing): Promise<HeldSession | undefined> {
    const { agent, service, scope, version } = sealing;
    if (isOwnScope(scope) || this.#paths.get(pathOf(request))) return undefined;
    if (scope !== ALL_SCOPES && !acceptsScope(agent.sendScopes, scope)) return undefined; // which refuses it
    if (version === 1 || !service.versions.some((one) => one >= 2)) return undefined;
    const from = await agent.ready();
    const now = await agent.now();
    const held = this.#session;
    if (held && (held.from !== from || held.to !== service.did))
      this.#session = undefined; // one of them was succeeded
    else if (held && isGood(held, now)) {
      if (isAging(held, now)) void this.#open(request, sealing);
      return held.never.has(scope) ? undefined : held;
    }
    // Who calls once needs no session.
    if (this.#isFirstCall) {
      this.#isFirstCall = false;
      return undefined;
    }
    const opened = await untilAborted(this.#open(request, sealing), request.signal);
    return opened?.never.has(scope) ? undefined : opened;
  }

  /** This one is not known to the service any more, or somebody says so. */
  drop(session: HeldSession): void {
    if (this.#session !== session) return;
    this.#session = undefined;
    this.#notBefore = this.#openedAt + HANDSHAKE_EVERY_MS;
  }

  /** The service cannot tell whether numbers were used: envelopes go on meanwhile. */
  pause(): void {
    this.#session = undefined;
    this.#notBefore = performance.now() + HANDSHAKE_EVERY_MS;
  }

  /** Requests for this path are sent under envelopes from now on. */
  needsEnvelope(request: BufferedRequest): void {
    this.#paths.set(pathOf(request), true);
  }

  /** One at a time. Resolves to nothing where it fails. */
  #open({ init }: BufferedRequest, sealing: Sealing): Promise<HeldSession | undefined> {
    if (this.#opening) return this.#opening;
    const now = performance.now();
    if (now < this.#notBefore) return Promise.resolve(undefined);
    this.#openedAt = now;
    this.#opening = openSession({ ...sealing, ...this.#parts, init })
      .then(
        (session) => {
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

const pathOf = ({ method, url }: BufferedRequest): string => `${method} ${url.pathname}`;
