import type { ClaimedEnvelope, Received } from '../agent/receive.js';
import type { ServiceAgent } from '../agent/service-agent.js';
import { toXlinkError, xlinkError } from '../errors/service-errors.js';
import type { ApiKeyAuth, Auth, InboundRequest, Pass } from '../http/decision.js';
import { SUPERSEDES_HEADER } from '../http/session-headers.js';
import type { Claimant, SessionHearing } from '../session/receive.js';
import type { Sessions } from '../session/sessions.js';
import { supersede } from '../session/supersede.js';
import type { RequestEvent, XlinkEvent } from '../types/events.js';
import type { AuthMethod, Mode } from '../types/mode.js';
import type { AgentMessage, ClientId, Clock, Did, RegistryEntry, Scope } from '../types/protocol.js';
import { type Awaitable, atLast, later, orElse } from '../util/awaitable.js';
import { given } from '../util/given.js';
import { type LegacyKeyValidator, validateKey } from './api-key-validator.js';
import type { Clients } from './clients/clients.js';
import { CLIENT_WITHOUT_ID } from './clients/cutover-report.js';
import { firstOf } from './clients/lineage.js';
import type { NoncePlace, NonceQuota } from './clients/nonce-quota.js';
import { type ApiKeySources, findApiKey, findProof, type ProofForm } from './credentials.js';
import type { Brownouts } from './modes/brownouts.js';
import type { ModePolicy } from './modes/policy.js';
import { type EnvelopeRules, type Hearing, receiveRequest } from './receive-request.js';
import { receiveSessionRequest } from './receive-session.js';

/** What a request offers as proof, and which of it counts. */
interface Credentials {
  readonly method: AuthMethod;
  readonly proof: ProofForm | undefined;
  readonly apiKey?: string;
}

/** What proves a request. */
export type Proof = Pick<Pass, 'message' | 'content' | 'stream' | 'fields'> & { readonly auth: Auth };

/** What is found out about a request on the way; grows as the checks go on, and is counted even if they fail. */
export type AuthAttempt = {
  mode: Mode;
  method: AuthMethod;
  client?: ClientId;
  did?: Did;
  /** The form of what it came with in the place of a key, whatever becomes of it. */
  proof?: ProofForm;
  /** Under whose name numbers of sessions are claimed. */
  claimant?: Claimant;
  /** What proves it, once its nonce is claimed: a refusal can be signed then. */
  claimed?: ClaimedEnvelope;
  /** What was received, for those who keep it as evidence. */
  received?: Received;
};

/** What observers and tracers are told of an attempt. */
export function factsOf({ mode, method, client, did }: AuthAttempt) {
  if (did === undefined) return client === undefined ? { mode, method } : { mode, method, client };
  return client === undefined ? { mode, method, did } : { mode, method, client, did };
}

const OFFERED: Readonly<Partial<Record<ProofForm, RequestEvent['offered']>>> = {
  body: 'envelope',
  header: 'envelope',
  session: 'session',
  signature: 'signature',
};

/** What a refused request came with, for observers. */
export const offeredBy = ({ proof }: AuthAttempt) => {
  const offered = proof && OFFERED[proof];
  return offered ? { offered } : {};
};

export interface AuthenticatorParts {
  readonly agent: ServiceAgent;
  readonly validator: LegacyKeyValidator;
  readonly validatorTimeoutMs: number;
  readonly sources: ApiKeySources;
  readonly bodyTypes: readonly string[];
  readonly rules: EnvelopeRules;
  readonly policy: ModePolicy;
  readonly brownouts: Brownouts;
  readonly clients: Clients | undefined;
  readonly quota: NonceQuota;
  /** Absent: requests in sessions are not taken. */
  readonly sessions: Sessions | undefined;
  readonly clock: Clock;
  readonly emit: (event: XlinkEvent) => void;
  /** Told whose envelope beside a key would have been refused, and the id of the error, where somebody wants to know. */
  readonly onBadEnvelope?: ((client: ClientId, reason: string) => void) | undefined;
}

/** Decides who sent a request, by envelope or by key as the mode has it. Everything here throws what is wrong. */
export class Authenticator {
  readonly #parts: AuthenticatorParts;

  constructor(parts: AuthenticatorParts) {
    this.#parts = parts;
  }

  /** Fills in `attempt` as more becomes known. By a key whose validator answers at once, so does this. */
  authenticate(request: InboundRequest, attempt: AuthAttempt): Awaitable<Proof> {
    attempt.mode = this.#parts.policy.forRequest(request);
    const { method, proof, apiKey } = this.#credentials(request, attempt.mode);
    attempt.method = method;
    if (method === 'xlink') attempt.proof = proof!;
    if (method === 'none') throw xlinkError('CREDENTIALS_MISSING');
    if (method === 'xlink') return this.#byProof(request, attempt, proof!);
    if (proof) return this.#byKeyBesideProof(request, attempt, apiKey!, proof);
    return later(this.#byKey(attempt, apiKey!), (auth) => ({ auth }));
  }

  /** In observe mode. A client that was moved ahead may use keys no more: then it is its envelope or signature that counts. */
  async #byKeyBesideProof(
    request: InboundRequest,
    attempt: AuthAttempt,
    apiKey: string,
    proof: ProofForm,
  ): Promise<Proof> {
    const { mode } = attempt;
    let auth: ApiKeyAuth;
    try {
      auth = await this.#byKey(attempt, apiKey);
    } catch (error) {
      if (toXlinkError(error).id !== 'XLINK_REQUIRED') throw error;
      Object.assign(attempt, { mode, method: 'xlink', proof }); // it may be another caller's than the key
      delete attempt.client;
      return this.#byProof(request, attempt, proof);
    }
    await this.#observe(request, proof, attempt.client); // after the key: strangers are not worth the work
    return { auth };
  }

  /**
   * The key of a request and whose it is, by the same rules as everywhere but that a brownout lets it through: it is there to make
   * callers move. Whatever envelope is beside it is not looked at.
   */
  async keyOwner(request: InboundRequest, attempt: AuthAttempt) {
    const apiKey = findApiKey(request, this.#parts.sources);
    if (apiKey === undefined) throw xlinkError('CREDENTIALS_MISSING');
    attempt.method = 'api-key';
    attempt.mode = this.#parts.policy.global; // as of now: this may be asked for twice
    const auth = await this.#byKey(attempt, apiKey, true);
    return { apiKey, auth, client: attempt.client };
  }

  /** What was made or signed for this very route of the library, whatever the mode. */
  async ownMessage(request: InboundRequest, attempt: AuthAttempt, ownScope: Scope): Promise<AgentMessage> {
    return (await this.ownReceived(request, attempt, ownScope)).message;
  }

  /** The same, with what its signatures cover. Never what came in a session: such routes are for what was signed. */
  async ownReceived(request: InboundRequest, attempt: AuthAttempt, ownScope: Scope): Promise<Received> {
    const form = findProof(request, this.#parts.bodyTypes);
    if (!form) throw xlinkError('CREDENTIALS_MISSING');
    Object.assign(attempt, { method: 'xlink', proof: form });
    if (form === 'session') throw xlinkError('SESSION_NOT_ACCEPTED');
    const own = { ...this.#parts.rules, kind: 'request' as const, requireRequestBinding: true };
    const received = await this.#receiveFor(attempt, request, form, own, { ownScope });
    attempt.did = received.message.sender;
    attempt.received = received;
    return received;
  }

  /** A key beside an envelope or signature is not even looked at, except in observe mode, where it decides. */
  #credentials(request: InboundRequest, mode: Mode): Credentials {
    const proof = findProof(request, this.#parts.bodyTypes);
    if (proof && mode !== 'observe') return { method: 'xlink', proof };
    const apiKey = findApiKey(request, this.#parts.sources);
    if (apiKey !== undefined && proof !== 'body') return { method: 'api-key', proof, apiKey };
    return { method: proof ? 'xlink' : 'none', proof };
  }

  /** Throws unless the key is good, its client may use keys in its mode, and no brownout is on, or it `moves`. */
  #byKey(attempt: AuthAttempt, apiKey: string, moves = false): Awaitable<ApiKeyAuth> {
    const { clients, validator, validatorTimeoutMs } = this.#parts;
    if (attempt.mode === 'xlink-only' && !clients) throw xlinkError('XLINK_REQUIRED');
    return later(validateKey(validator, apiKey, validatorTimeoutMs), (auth) =>
      this.#withClient(attempt, auth, moves),
    );
  }

  #withClient(attempt: AuthAttempt, auth: ApiKeyAuth, moves: boolean): Awaitable<ApiKeyAuth> {
    const { clients, policy } = this.#parts;
    const client = clients?.parts.clientId(auth);
    if (client !== undefined) attempt.client = client;
    attempt.mode = policy.forClient(client) ?? attempt.mode;
    if (attempt.mode === 'xlink-only') throw xlinkError('XLINK_REQUIRED');
    const inItsTime = () => (moves ? auth : this.#inItsTime(attempt, auth));
    if (!clients) return inItsTime();
    return later(clients.unrevoked(client ?? CLIENT_WITHOUT_ID), (record) => {
      inItsTime();
      if (client !== undefined) clients.assertKeyCounts(client, record, attempt.mode);
      return auth;
    });
  }

  #inItsTime({ mode }: AuthAttempt, auth: ApiKeyAuth): ApiKeyAuth {
    const { brownouts, clock } = this.#parts;
    if (mode === 'deprecation' && brownouts.active(clock())) throw xlinkError('API_KEY_BROWNOUT');
    return auth;
  }

  /** An envelope or signature that fails is final: whatever this throws, no key is tried. */
  #byProof(request: InboundRequest, attempt: AuthAttempt, form: ProofForm): Awaitable<Proof> {
    return later(this.#receiveHere(request, attempt, form), (received) => {
      attempt.received = received;
      attempt.mode = this.#parts.policy.forClient(attempt.client) ?? attempt.mode;
      if (attempt.mode === 'observe') throw xlinkError('XLINK_NOT_SUPPORTED');
      const { message } = received;
      const covered = message.fields?.split(' ') ?? (message.headers ?? []).map(([name]) => name);
      if (!covered.includes(SUPERSEDES_HEADER)) return this.#proofOf(received, covered, attempt);
      const claimed = this.#claimSuperseded(request, received, attempt);
      return claimed.then(() => this.#proofOf(received, covered, attempt));
    });
  }

  #proofOf(
    { message, content, stream, contentType = '', signed, inSession }: Received,
    signedHeaders: readonly string[],
    { client }: AuthAttempt,
  ): Proof {
    const { sender: did, scope, version, encrypted, envelopeId, timestamp } = message;
    const auth: Auth = {
      mode: 'xlink',
      form: inSession ? 'session' : signed ? 'signature' : 'envelope',
      did,
      scope,
      scopes: message.scopes ?? [scope],
      signedHeaders,
      version,
      encrypted,
      envelopeId,
      timestamp,
      ...(client === undefined ? {} : { client }),
    };
    return {
      auth,
      message,
      fields: {
        values: message.headers ?? [],
        names: new Set(signedHeaders),
        ...(signed ? given({ carriers: signed.carriers }) : {}),
      },
      ...(content ? { content: { bytes: content, contentType } } : {}),
      ...(stream ? { stream } : {}),
    };
  }

  /** A request that takes the place of one in a session is carried out only if that was not. */
  async #claimSuperseded(
    request: InboundRequest,
    { message: { sender, headers = [] }, inSession }: Received,
    { claimant }: AuthAttempt,
  ): Promise<void> {
    const { sessions } = this.#parts;
    if (!sessions) throw xlinkError('SESSION_NOT_ACCEPTED', { field: SUPERSEDES_HEADER });
    const sealed = headers.find(([name]) => name === SUPERSEDES_HEADER)?.[1];
    const text = sealed ?? request.header(SUPERSEDES_HEADER) ?? '';
    const place = inSession && this.#parts.quota.take(claimant?.client ?? sender, text); // an envelope took its place already
    try {
      await supersede(sessions, claimant ?? { sender }, text);
      if (place) place.claimed();
    } finally {
      if (place) place.leave();
    }
  }

  /** The same of a message, whose target says so: that is what is signed of it in the open. */
  async #claimInTarget({ target }: InboundRequest, { claimant }: AuthAttempt): Promise<void> {
    const text = new URLSearchParams(target.split('?')[1]).get(SUPERSEDES_HEADER);
    if (text === null) return;
    const { sessions } = this.#parts;
    if (!sessions) throw xlinkError('SESSION_NOT_ACCEPTED', { field: SUPERSEDES_HEADER });
    await supersede(sessions, claimant!, text);
  }

  /** Where no proof is taken at all yet, one that cannot even be received is not supported either. */
  #receiveHere(request: InboundRequest, attempt: AuthAttempt, form: ProofForm): Awaitable<Received> {
    return orElse(
      () => this.#receive(request, attempt, form),
      (error) => {
        const { hasClientModes } = this.#parts.policy;
        if (attempt.mode !== 'observe' || hasClientModes || toXlinkError(error).status >= 500) throw error;
        throw xlinkError('XLINK_NOT_SUPPORTED');
      },
    );
  }

  /** Asked before the nonce is claimed: whether the DID and its client count, and have room for one more. Requests of sessions have none, messages have. */
  #admit(
    entry: RegistryEntry,
    nonce: string,
    attempt: AuthAttempt,
    isWithoutNonce: boolean,
  ): Awaitable<NoncePlace | undefined> {
    return later(this.#assertStanding(entry, attempt), () =>
      isWithoutNonce ? undefined : this.#parts.quota.take(attempt.client ?? firstOf(entry), nonce),
    );
  }

  #assertStanding(entry: RegistryEntry, attempt: AuthAttempt): Awaitable<void> {
    const { clients } = this.#parts;
    attempt.did = entry.did;
    return later(clients?.standingOf(entry), (standing) => {
      const sender = firstOf(entry);
      attempt.claimant = standing ? { sender, client: standing.client } : { sender };
      if (!standing) return;
      attempt.client = standing.client;
      clients!.assertStanding(standing);
    });
  }

  /** Receives the proof of a sender that counts, and has room for one more nonce. */
  #receiveFor(
    attempt: AuthAttempt,
    request: InboundRequest,
    form: ProofForm,
    rules: EnvelopeRules,
    hear: Pick<Hearing, 'ownScope' | 'onVerified' | 'mayStream'> = {},
  ): Awaitable<Received> {
    let place: NoncePlace | undefined;
    const isMessage = rules.kind === 'message';
    const hearing = {
      mayStream: hear.mayStream ?? false,
      ownScope: hear.ownScope,
      onVerified: hear.onVerified,
      claimant: () => attempt.claimant,
      admit: (_: Did, entry: RegistryEntry, nonce: string) =>
        later(this.#admit(entry, nonce, attempt, form === 'session' && !isMessage), (taken) => {
          place = taken;
          return isMessage && form !== 'session' ? this.#claimInTarget(request, attempt) : undefined;
        }),
      assertStanding: (entry: RegistryEntry) => this.#assertStanding(entry, attempt),
      onClaimed(claimed: ClaimedEnvelope) {
        place?.claimed();
        attempt.claimed = claimed;
      },
    };
    return atLast(
      () => this.#receiveBy(request, form, rules, hearing),
      () => place?.leave(),
    );
  }

  #receiveBy(
    request: InboundRequest,
    form: ProofForm,
    rules: EnvelopeRules,
    hear: Hearing & SessionHearing,
  ): Awaitable<Received> {
    const { agent, sessions } = this.#parts;
    return form === 'session'
      ? receiveSessionRequest(agent, sessions, request, rules, hear)
      : receiveRequest(agent, request, form, rules, hear);
  }

  /** Once the signature is good it is known whose request it is, and counted for that client, even if it is refused. */
  #receive(request: InboundRequest, attempt: AuthAttempt, form: ProofForm): Awaitable<Received> {
    const { rules, clients } = this.#parts;
    let sender: RegistryEntry | undefined;
    const hear = {
      mayStream: true,
      onVerified(_: Did, entry: RegistryEntry) {
        sender = entry;
      },
    };
    return atLast(
      () => this.#receiveFor(attempt, request, form, rules, hear),
      () => {
        if (sender === undefined || attempt.did !== undefined) return undefined;
        attempt.did = sender.did; // it was refused before its client was asked for
        return later(clients?.ofDid(sender), (client) => {
          if (client !== undefined) attempt.client = client;
        });
      },
    );
  }

  /** Verifies an envelope or signature beside a key without any effect on the request but the time it takes. */
  async #observe(request: InboundRequest, form: ProofForm, client: ClientId | undefined): Promise<void> {
    try {
      const attempt: AuthAttempt = { mode: 'observe', method: 'xlink' }; // not that of the request
      const { message } = await this.#receiveFor(attempt, request, form, this.#parts.rules);
      this.#parts.emit({ type: 'observed', reason: 'ok', version: message.version });
    } catch (thrown) {
      const reason = toXlinkError(thrown).id;
      this.#parts.emit({ type: 'observed', reason });
      if (client !== undefined) this.#parts.onBadEnvelope?.(client, reason);
    }
  }
}
