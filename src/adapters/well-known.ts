import type { AgentCore } from '../agent/agent.js';
import { DISCOVERY_PATH, type DiscoveryDocument } from '../discovery/document.js';
import { recordVersion } from '../envelope/negotiate.js';
import { xlinkError } from '../errors.js';
import type { Clock, Mode } from '../types.js';
import type { Authenticator, Facts } from './authenticator.js';
import { type Clients, checkClientScopes } from './clients.js';
import { checkEnrollment, ENROLL_PATH, ENROLL_SCOPE, enroll } from './enrolment.js';
import type { InboundRequest } from './http.js';
import { MAX_INTRODUCTION_BYTES } from './limits.js';
import { RateLimit } from './rate-limit.js';

export const KEY_PATH = '/.well-known/xlink/key';

export interface EnrollmentRules {
  readonly maxDidsPerClient: number;
  readonly attemptsPerMinute: number;
  readonly keySwitchGraceMs: number;
}

export interface WellKnownParts {
  readonly agent: AgentCore;
  readonly clients: Clients | undefined;
  readonly clock: Clock;
  readonly rules: EnrollmentRules;
  readonly mode: () => Mode;
  readonly authenticator: Authenticator;
  /** What the envelope of a request must be bound to. */
  readonly binding: (request: InboundRequest) => string;
}

/** A JSON answer of one of these routes. */
export interface JsonAnswer {
  readonly status: number;
  readonly value: unknown;
  readonly cacheSeconds?: number;
}

/** The routes that the adapter answers itself: discovery, enrolment, and a client's switch for its own key. */
export class WellKnown {
  readonly #parts: WellKnownParts;
  readonly #attempts: RateLimit;

  constructor(parts: WellKnownParts) {
    this.#parts = parts;
    this.#attempts = new RateLimit(parts.rules.attemptsPerMinute, parts.clock);
  }

  /** `undefined`: not one of these routes. Throws what is wrong with the request. */
  async answer(request: InboundRequest, facts: Facts): Promise<JsonAnswer | undefined> {
    const method = request.method.toUpperCase();
    const path = request.target.split('?')[0];
    if (path === DISCOVERY_PATH && (method === 'GET' || method === 'HEAD')) return this.#discovery();
    if (!this.#parts.clients) return undefined;
    if (path === ENROLL_PATH && method === 'POST') return this.#enroll(request, facts, this.#parts.clients);
    if (path === KEY_PATH && (method === 'DELETE' || method === 'PUT'))
      return this.#switchKey(request, facts, this.#parts.clients, method === 'DELETE');
    return undefined;
  }

  async #discovery(): Promise<JsonAnswer> {
    const { agent, clients, mode } = this.#parts;
    const keyRecord = await agent.keyRecord();
    const document: DiscoveryDocument = {
      did: keyRecord.did,
      ...(agent.name === undefined ? {} : { name: agent.name }),
      keyRecord,
      versions: ([1, 2, 3] as const).filter(
        (version) => version <= recordVersion(keyRecord) && version >= agent.minVersion,
      ),
      mode: mode(),
      endpoints: clients ? { enroll: ENROLL_PATH, key: KEY_PATH } : {},
    };
    return { status: 200, value: document, cacheSeconds: 60 };
  }

  async #enroll(request: InboundRequest, facts: Facts, clients: Clients): Promise<JsonAnswer> {
    const { agent, authenticator, binding, rules } = this.#parts;
    const { apiKey, auth, client } = await authenticator.keyOwner(request, facts);
    if (client === undefined) throw xlinkError('ENROLLMENT_REFUSED:NO_CLIENT');
    if (!this.#attempts.take(client)) throw xlinkError('ENROLLMENT_REFUSED:RATE_LIMITED');
    const envelope = await request.readBody(MAX_INTRODUCTION_BYTES);
    const received = await agent.receiveIntroduction(envelope, {
      scope: ENROLL_SCOPE,
      request: binding(request),
    });
    if (!received.ok) throw received.error;
    const keys = await checkEnrollment(received.value, apiKey);
    const scopes = checkClientScopes(clients.parts.clientScopes(auth));
    const enrollee = { client, scopes, maxDids: rules.maxDidsPerClient };
    return { status: 200, value: await enroll(agent, clients.parts.store, keys, enrollee) };
  }

  /** DELETE switches the client's own key off, so that it can prove that it no longer needs it; PUT takes that back. */
  async #switchKey(
    request: InboundRequest,
    facts: Facts,
    { parts: { store } }: Clients,
    off: boolean,
  ): Promise<JsonAnswer> {
    const { clock, rules, authenticator } = this.#parts;
    const client = await store.clientOf(await authenticator.envelopeSender(request, facts));
    if (client === undefined) throw xlinkError('ENROLLMENT_REFUSED:NOT_ENROLLED');
    const since = (await store.get(client))?.keyOffSince;
    const graceUntil = (from: number) => new Date(from + rules.keySwitchGraceMs).toISOString();
    if (off) {
      const from = since ?? clock();
      if (since === undefined) await store.setKeyOff(client, from);
      return { status: 200, value: { client, key: 'off', canBeSwitchedOnUntil: graceUntil(from) } };
    }
    if (since !== undefined && clock() > since + rules.keySwitchGraceMs)
      throw xlinkError('KEY_SWITCH_REFUSED');
    if (since !== undefined) await store.setKeyOff(client, undefined);
    return { status: 200, value: { client, key: 'on' } };
  }
}
