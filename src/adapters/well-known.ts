import type { ServiceAgent } from '../agent/service-agent.js';
import { DISCOVERY_PATH } from '../discovery/document.js';
import { toXlinkError, xlinkError } from '../errors/service-errors.js';
import type { BodyIntake } from '../http/body-intake.js';
import type { ApiKeyAuth, InboundRequest } from '../http/decision.js';
import { ENROLL_PATH, ENROLL_SCOPE, type EnrollmentAnswer, INVITATION_HEADER } from '../http/enrollment.js';
import { BROWNOUT_CALENDAR_PATH, BROWNOUT_PAGE_PATH, KEY_PATH, KEY_SCOPE } from '../http/own-routes.js';
import { CHECKPOINT_PATH, opensSession, SESSION_PATH } from '../http/session-headers.js';
import type { Sessions } from '../session/sessions.js';
import type { XlinkEvent } from '../types/events.js';
import type { EnrollmentVerifier } from '../types/ports.js';
import type { AgentMessage, ClientId, Clock, Did, KeyRecord } from '../types/protocol.js';
import { given } from '../util/given.js';
import { TokenBucket } from '../util/token-bucket.js';
import { KEY_DIRECTORY_PATH } from '../web-bot-auth/key-directory.js';
import type { AuthAttempt, Authenticator } from './authenticator.js';
import type { BrownoutAnswers } from './brownout-answers.js';
import { Checkpoints } from './checkpoints.js';
import { type Clients, checkClientScopes } from './clients/clients.js';
import { enroll, enrolledKeys } from './clients/enrollment.js';
import { standingOf } from './clients/lineage.js';
import type { NoncePlace, NonceQuota } from './clients/nonce-quota.js';
import { endLine, unlinkDid } from './clients/revocation.js';
import { endOf, validUntil } from './clients/validity.js';
import { EnrollmentVerifiers } from './enrollment-verifiers.js';
import { Handshakes } from './handshakes.js';
import { type Introduction, introductionOf } from './introductions.js';
import type { Invitations, Invited } from './invitations/invitations.js';
import type { OwnAnswer, PrepareSealing } from './own-answer.js';
import type { PublishedDocument } from './published-document.js';
import type { PublishedKeyDirectory } from './published-key-directory.js';

type Asked = Pick<InboundRequest, 'method' | 'target' | 'mount'>;

/** The path, without what routers cut off in front of it: the routes of the library are found below a mount path, too. */
function ownPath({ target, mount }: Pick<InboundRequest, 'target' | 'mount'>): string {
  const path = target.split('?', 1)[0]!;
  return mount && path.startsWith(`${mount}/`) ? path.slice(mount.length) : path;
}

/** Whether a request is for the library itself, on whatever path of its own. */
export const isOwnRoute = (request: Pick<InboundRequest, 'target' | 'mount'>): boolean =>
  request.target.includes('/.well-known/xlink') && // most are for nothing here
  /^\/\.well-known\/xlink([./]|$)/.test(ownPath(request));

type OwnRoute =
  | 'discovery'
  | 'key directory'
  | 'brownouts'
  | 'brownout calendar'
  | 'enroll'
  | 'unlink'
  | 'key off'
  | 'key on'
  | 'session'
  | 'checkpoint';

/** Routes that are for everybody, and need no clients. */
const PUBLIC: ReadonlySet<OwnRoute | undefined> = new Set<OwnRoute>([
  'discovery',
  'brownouts',
  'brownout calendar',
]);

const ROUTES: Readonly<Record<string, OwnRoute>> = {
  [`GET ${DISCOVERY_PATH}`]: 'discovery',
  [`HEAD ${DISCOVERY_PATH}`]: 'discovery',
  [`GET ${BROWNOUT_PAGE_PATH}`]: 'brownouts',
  [`GET ${BROWNOUT_CALENDAR_PATH}`]: 'brownout calendar',
  [`GET ${KEY_DIRECTORY_PATH}`]: 'key directory',
  [`HEAD ${KEY_DIRECTORY_PATH}`]: 'key directory',
  [`POST ${ENROLL_PATH}`]: 'enroll',
  [`DELETE ${ENROLL_PATH}`]: 'unlink',
  [`DELETE ${KEY_PATH}`]: 'key off',
  [`PUT ${KEY_PATH}`]: 'key on',
  [`POST ${SESSION_PATH}`]: 'session',
  [`POST ${SESSION_PATH}${CHECKPOINT_PATH}`]: 'checkpoint',
};

export interface EnrollmentRules {
  readonly maxDidsPerClient: number;
  readonly attemptsPerMinute: number;
  readonly keySwitchGraceMs: number;
}

export interface WellKnownParts {
  readonly agent: ServiceAgent;
  readonly clients: Clients | undefined;
  readonly clock: Clock;
  readonly rules: EnrollmentRules;
  readonly quota: NonceQuota;
  /** Absent: there are no sessions. */
  readonly sessions: Sessions | undefined;
  /** Whether they are opened where messages are taken, in the place of a path of their own. */
  readonly opensHere: boolean;
  /** How many a client may open. */
  readonly handshakesPerMinute: number;
  readonly document: PublishedDocument;
  /** Where it is served. */
  readonly keyDirectory: PublishedKeyDirectory | undefined;
  readonly authenticator: Authenticator;
  readonly intake: BodyIntake<InboundRequest>;
  /** Whether a DID may enroll by a signature. */
  readonly takesSignatures: boolean;
  readonly invitations: Invitations;
  /** What admits identities in the place of a key. */
  readonly verifiers: readonly EnrollmentVerifier[];
  /** What callers are told of brownouts. */
  readonly brownouts: BrownoutAnswers;
  readonly emit: (event: XlinkEvent) => void;
}

/** The routes that the adapter answers itself: discovery, enrollment and its end, and a client's switch for its own key. */
export class WellKnown {
  readonly #parts: WellKnownParts;
  readonly #attempts: TokenBucket;
  readonly #verifiers: EnrollmentVerifiers;
  readonly #handshakes: Handshakes | undefined;
  readonly #checkpoints: Checkpoints | undefined;

  constructor(parts: WellKnownParts) {
    this.#parts = parts;
    this.#attempts = new TokenBucket(parts.rules.attemptsPerMinute, parts.clock);
    const { verifiers, agent, clock, rules: enrollment, sessions } = parts;
    const { attemptsPerMinute } = enrollment;
    this.#verifiers = new EnrollmentVerifiers({ verifiers, agent, clock, attemptsPerMinute });
    if (sessions) this.#handshakes = new Handshakes({ ...parts, sessions });
    const rules = sessions?.rules.checkpoints;
    if (sessions && rules) this.#checkpoints = new Checkpoints({ ...parts, sessions, rules });
  }

  /** Whether a request is for one of these routes. */
  serves(request: Asked): boolean {
    return this.#routeOf(request) !== undefined;
  }

  /** Answers a request that one of these routes serves. Throws what is wrong with it. */
  async answer(request: InboundRequest, attempt: AuthAttempt, prepare: PrepareSealing): Promise<OwnAnswer> {
    const { document, clients } = this.#parts;
    switch (this.#routeOf(request)!) {
      case 'discovery':
        return { status: 200, value: await document.for(request), cacheSeconds: 60 };
      case 'brownouts':
        return this.#parts.brownouts.page();
      case 'brownout calendar':
        return this.#parts.brownouts.calendar();
      case 'key directory':
        return this.#keyDirectory(request);
      case 'enroll':
        return this.#enroll(request, attempt, clients!, prepare);
      case 'unlink':
        return this.#unlink(request, attempt, clients!, prepare);
      case 'key off':
      case 'key on':
        return this.#switchKey(request, attempt, clients!, prepare);
      case 'session':
        return this.#handshakes!.answer(request, attempt, prepare);
      case 'checkpoint':
        return this.#checkpoints!.answer(request, attempt, prepare);
    }
  }

  #routeOf(request: Asked): OwnRoute | undefined {
    const { opensHere } = this.#parts;
    if (opensHere && this.#handshakes && opensSession(request)) return 'session';
    if (!request.target.includes('/.well-known/')) return undefined; // as most
    const route = ROUTES[`${request.method.toUpperCase()} ${ownPath(request)}`];
    const { clients, keyDirectory } = this.#parts;
    if (route === 'key directory') return keyDirectory && route;
    if (route === 'session') return opensHere ? undefined : this.#handshakes && route;
    if (route === 'checkpoint') return this.#checkpoints && route;
    return PUBLIC.has(route) || clients ? route : undefined;
  }

  async #keyDirectory(request: InboundRequest): Promise<OwnAnswer> {
    const { headers, body } = await this.#parts.keyDirectory!.for(request);
    return { status: 200, value: JSON.parse(body), headers };
  }

  async #enroll(
    request: InboundRequest,
    attempt: AuthAttempt,
    clients: Clients,
    prepare: PrepareSealing,
  ): Promise<OwnAnswer> {
    const { agent, rules, intake, clock, quota, takesSignatures } = this.#parts;
    const { store, validity } = clients.parts;
    const introduction = introductionOf({ agent, intake, takesSignatures }, request);
    const enrollee = await this.#enrollee(request, attempt, introduction, clients);
    const { client, key, invited, verifier } = enrollee;
    const limit = () => {
      const mayGoOn = verifier ? this.#verifiers.take(verifier) : this.#attempts.take(client);
      if (!mayGoOn) throw xlinkError('ENROLLMENT_REFUSED:RATE_LIMITED');
    };
    const isNew = key !== undefined || invited !== undefined;
    if (isNew) limit();
    const message = await this.#receive(introduction, attempt, async (did, nonce) => {
      if (!isNew) {
        limit(); // without a key it is the signature that says whose attempt it is
        const standing = verifier ? undefined : await store.standingOf(did);
        if (standing) clients.assertStanding(standing);
      }
      return quota.take(client, nonce);
    });
    const shown = key?.apiKey ?? invited?.token;
    if (shown !== undefined) await introduction.assertMadeFor(message, shown);
    const keys = await enrolledKeys(message, attempt.claimed?.signed !== undefined);
    if (verifier) {
      const value = await this.#enrollAdmitted(verifier, message, keys, attempt, clients);
      return { status: 200, value, sealing: await prepare(message) };
    }
    const auth = key && (await this.#stillOwnedBy(client, request, attempt));
    const before = isNew ? undefined : await store.standingOf(message.sender);
    const asked = {
      did: message.sender,
      ...given({ keys }),
      client,
      scopes: invited?.scopes ?? (auth && checkClientScopes(clients.parts.clientScopes(auth))),
      maxDids: isNew ? rules.maxDidsPerClient : 0, // without a key nothing is linked that is not linked
      validUntil: validUntil(validity, clock(), auth, before),
    };
    const work = () => enroll(agent, store, asked);
    const isLinked = async () => (await store.clientOf(message.sender)) !== undefined;
    const undo = () => endLine({ store, registry: agent.registry }, message.sender, undefined);
    const value = await (invited
      ? this.#parts.invitations.once(invited, message.sender, { work, isLinked, undo })
      : work());
    this.#parts.emit({ type: 'enrollment', client, did: value.did });
    return { status: 200, value, sealing: await prepare(message) }; // nobody knew its keys before
  }

  /** Enrolls what a verifier admits; what the verifier wrote for it is undone if that fails. */
  async #enrollAdmitted(
    verifier: EnrollmentVerifier,
    message: AgentMessage,
    keys: KeyRecord | undefined,
    attempt: AuthAttempt,
    clients: Clients,
  ): Promise<EnrollmentAnswer> {
    const { agent, rules, clock, emit } = this.#parts;
    const { store, validity } = clients.parts;
    const admission = await this.#verifiers.admit(verifier, message, keys);
    const { client, scopes, maxDids = rules.maxDidsPerClient } = admission;
    attempt.client = client;
    try {
      await clients.unrevoked(client);
      const end = endOf(admission, validity, clock());
      const asked = { did: message.sender, ...given({ keys }), client, scopes, maxDids, validUntil: end };
      const value = await enroll(agent, store, asked);
      emit({ type: 'enrollment', client, did: value.did });
      return value;
    } catch (error) {
      await admission.undo?.();
      throw error;
    }
  }

  /**
   * The client is the owner of the API key, or the one that was invited. A DID that is linked already needs none, and a key of it that no longer counts
   * does not stand in its way: its signature is proof enough of who it is, and what it was granted is all it gets. Where a verifier is to decide, the client
   * is what it says later, and its member until then.
   */
  async #enrollee(
    request: InboundRequest,
    attempt: AuthAttempt,
    introduction: Introduction,
    clients: Clients,
  ): Promise<{
    client: ClientId;
    key?: { apiKey: string; auth: ApiKeyAuth };
    invited?: Invited;
    verifier?: EnrollmentVerifier;
  }> {
    try {
      const token = request.header(INVITATION_HEADER.toLowerCase());
      if (token !== undefined) {
        const invited = await this.#parts.invitations.look(token);
        await clients.unrevoked(invited.client);
        Object.assign(attempt, { method: 'xlink', client: invited.client });
        return { client: invited.client, invited };
      }
      const { apiKey, auth, client } = await this.#parts.authenticator.keyOwner(request, attempt);
      if (client === undefined) throw xlinkError('ENROLLMENT_REFUSED:NO_CLIENT');
      return { client, key: { apiKey, auth } };
    } catch (error) {
      const { status, code } = toXlinkError(error);
      const mayBeLinked = status === 401 || code === 'INVITATION_REFUSED';
      const verifier = mayBeLinked ? await this.#verifierOf(introduction) : undefined;
      if (verifier) {
        attempt.method = 'xlink';
        return { client: verifier.member, verifier };
      }
      const linked = mayBeLinked ? await this.#linkedClient(introduction, clients) : undefined;
      if (linked === undefined) throw error;
      attempt.method = 'xlink';
      return { client: linked };
    }
  }

  async #verifierOf(introduction: Introduction): Promise<EnrollmentVerifier | undefined> {
    try {
      return await this.#verifiers.of(introduction);
    } catch (error) {
      if (toXlinkError(error).code === 'INTAKE_FULL') throw error; // nothing was read
      return undefined; // then it is the key that is wrong
    }
  }

  /** What the key says now: it may have ended while the body was on the way. */
  async #stillOwnedBy(client: ClientId, request: InboundRequest, attempt: AuthAttempt): Promise<ApiKeyAuth> {
    const now = await this.#parts.authenticator.keyOwner(request, attempt);
    if (now.client !== client) throw xlinkError('API_KEY_INVALID');
    return now.auth;
  }

  /** The client of the DID that it claims to be, if it is linked and registered. */
  async #linkedClient(introduction: Introduction, clients: Clients): Promise<ClientId | undefined> {
    try {
      const entry = await this.#parts.agent.registry.lookup(await introduction.claimedDid());
      return entry && (await standingOf(clients.parts.store, entry))?.client;
    } catch (error) {
      if (toXlinkError(error).code === 'INTAKE_FULL') throw error; // nothing was read
      return undefined; // then it is the key that is wrong
    }
  }

  async #receive(
    introduction: Introduction,
    attempt: AuthAttempt,
    admit: (did: Did, nonce: string) => Promise<NoncePlace>,
  ): Promise<AgentMessage> {
    let place: NoncePlace | undefined;
    try {
      return await introduction.receive({
        admit: async (did, _, nonce) => {
          place = await admit(did, nonce);
        },
        onClaimed(claimed) {
          place?.claimed();
          attempt.claimed = claimed;
        },
      });
    } finally {
      place?.leave();
    }
  }

  /** An identity ends itself: it is revoked, and its place free for another one. */
  async #unlink(
    request: InboundRequest,
    attempt: AuthAttempt,
    clients: Clients,
    prepare: PrepareSealing,
  ): Promise<OwnAnswer> {
    const { agent, authenticator, emit } = this.#parts;
    const message = await authenticator.ownMessage(request, attempt, ENROLL_SCOPE);
    const { sender: did } = message;
    const sealing = await prepare(message);
    const parts = { store: clients.parts.store, registry: agent.registry };
    const client = await unlinkDid(parts, did, { keep: false, reason: 'unlinked by itself' });
    emit({ type: 'unlink', client, did, by: 'client' });
    return { status: 200, value: { did, client, linked: false }, sealing };
  }

  /** DELETE switches the client's own key off, so that it can prove that it no longer needs it; PUT takes that back. */
  async #switchKey(
    request: InboundRequest,
    attempt: AuthAttempt,
    clients: Clients,
    prepare: PrepareSealing,
  ): Promise<OwnAnswer> {
    const { store } = clients.parts;
    const { clock, rules, authenticator, emit } = this.#parts;
    const off = this.#routeOf(request) === 'key off';
    const message = await authenticator.ownMessage(request, attempt, KEY_SCOPE);
    const client = await store.clientOf(message.sender);
    if (client === undefined) throw xlinkError('ENROLLMENT_REFUSED:NOT_ENROLLED');
    const sealing = await prepare(message);
    const since = (await store.get(client))?.keyOffSince;
    const graceUntil = (from: number) => new Date(from + rules.keySwitchGraceMs).toISOString();
    if (off) {
      const from = since ?? clock();
      if (since === undefined) await store.setKeyOff(client, from);
      emit({ type: 'key-switch', client, off });
      return { status: 200, value: { client, key: 'off', canBeSwitchedOnUntil: graceUntil(from) }, sealing };
    }
    if (since !== undefined && clock() > since + rules.keySwitchGraceMs)
      throw xlinkError('KEY_SWITCH_REFUSED');
    if (since !== undefined) await store.setKeyOff(client, undefined);
    emit({ type: 'key-switch', client, off });
    return { status: 200, value: { client, key: 'on' }, sealing };
  }
}
