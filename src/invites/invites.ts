import { defaultProvider } from '#provider';
import { Documents } from '../adapters/operations/documents.js';
import { MemoryOperationsStore } from '../adapters/operations/memory-store.js';
import type { OperationsStore } from '../adapters/operations/store.js';
import type { ServiceAgent } from '../agent/service-agent.js';
import { DEFAULT_MAX_ENVELOPE_BYTES } from '../envelope/parse.js';
import { toXlinkError, xlinkError } from '../errors/service-errors.js';
import { below, isBaseUrl } from '../http/base-url.js';
import { JSON_TYPE, PROBLEM_TYPE } from '../http/media-type.js';
import { problemBody } from '../http/problem.js';
import { readAtMost } from '../http/read-body.js';
import { assertKeyRecord, copyKeyRecord } from '../identity/key-record.js';
import type { Clock, Did, KeyRecord } from '../types/protocol.js';
import { decodeBase64url, encodeBase64url } from '../util/base64url.js';
import { given } from '../util/given.js';
import { checkOptions, hasMethods, isPromptFunction, requireOption } from '../util/options.js';
import { tell } from '../util/tell.js';
import { SECRET_BYTES, writeInvite } from './code.js';
import {
  assertGood,
  checkInvite,
  type InvitePeerOptions,
  type InviteReport,
  inviteReport,
  isPeerName,
  type NewInvite,
  type StoredInvite,
  stateOf,
  storedOf,
} from './invite.js';
import {
  type Acceptance,
  type AcceptanceAnswer,
  acceptanceRoute,
  answerTranscript,
  INVITE_SCOPE,
  inviteNumber,
  isProof,
} from './protocol.js';
import { trust } from './trust.js';

/** Options of {@link Invites}. */
export interface InvitesOptions {
  /** Who invites. Those who accept are put into its registry. */
  readonly agent: ServiceAgent;
  /** Where it takes messages by POST, as those who are invited reach it. https; http for localhost only. */
  readonly url: string;
  /** Its name, for those who are invited. 1 to 128 characters. Default: that of the agent, or none. */
  readonly name?: string;
  /** Keeps invites without their secrets. Default: in memory, for one process, until it ends. */
  readonly store?: OperationsStore;
  /** Default `Date.now`. */
  readonly clock?: Clock;
}

/** Who accepted an invite just now. */
export interface Accepted {
  /** The DID that is in the registry now. */
  readonly did: Did;
  /** The invite, as it is now. */
  readonly invite: InviteReport;
  /** Where it takes messages, as it says itself; absent: it says none. */
  readonly url?: string;
}

/** For how long an invite that is over is still listed, in ms. */
const LISTED_MS = 90 * 86_400_000;

/** Room for a key record of version 3, and a signature of ML-DSA-65. */
const MAX_BYTES = Math.min(64 * 1024, DEFAULT_MAX_ENVELOPE_BYTES);

/**
 * Invites of one agent to others: signed, good once, for a time, with scopes in both directions. Who accepts one proves with its key
 * that it has the code; then each side is in the registry of the other. Of any number of identities that accept one at the same time, on
 * whatever instances, one succeeds. Accepting again with the same identity changes nothing, and is answered as the first time.
 */
export class Invites {
  readonly #agent: ServiceAgent;
  readonly #options: InvitesOptions;
  readonly #documents: Documents<StoredInvite>;
  readonly #clock: Clock;
  readonly #listeners = new Set<(accepted: Accepted) => void>();

  /** Throws `INVALID_OPTION`. */
  constructor(options: InvitesOptions) {
    checkOptions('Invites', options, {
      agent: hasMethods('receiveIntroduction', 'signLabeled'),
      url: isBaseUrl,
      name: isPeerName,
      store: hasMethods('load', 'list', 'save', 'remove'),
      clock: isPromptFunction,
    });
    for (const name of ['agent', 'url']) requireOption('Invites', options, name);
    this.#options = { ...options };
    this.#agent = options.agent;
    this.#clock = options.clock ?? Date.now;
    this.#documents = new Documents(options.store ?? new MemoryOperationsStore(), 'invite');
  }

  /** Makes an invite. Throws `INVALID_OPTION` or `OPERATIONS_STORE_UNAVAILABLE`. */
  async create(options: InvitePeerOptions): Promise<NewInvite> {
    checkInvite(options);
    const now = this.#clock();
    const made = storedOf(options, now);
    const { url, name = this.#agent.name } = this.#options;
    const secret = defaultProvider().randomBytes(SECRET_BYTES);
    const { scopes, receives } = made;
    const from = await this.#agent.ready();
    const terms = { from, url, scopes, receives, expiresAt: new Date(made.expiresAt), ...given({ name }) };
    const code = await writeInvite(terms, secret, (bytes) => this.#agent.signLabeled(bytes));
    const number = await inviteNumber(secret);
    await this.#documents.update(number, () => made);
    return { ...inviteReport(number, made, now), code, link: `${below(url, '/invite')}#${code}` };
  }

  /** The newest first. Those that nobody used are removed 90 days after their end. */
  async list(): Promise<readonly InviteReport[]> {
    const now = this.#clock();
    const isOld = ({ did, expiresAt }: StoredInvite) => did === undefined && expiresAt + LISTED_MS < now;
    const all = [...(await this.#documents.all())];
    for (const [number, one] of all) if (isOld(one)) await this.#documents.removeIf(number, isOld);
    return all
      .filter(([, one]) => !isOld(one))
      .sort(([, a], [, b]) => b.createdAt - a.createdAt)
      .map(([number, one]) => inviteReport(number, one, now));
  }

  /** Takes an invite back. Rejects with `INVITATION_UNKNOWN`, or `INVITATION_REFUSED:USED`: then revoke its DID in the registry. */
  async revoke(number: string): Promise<InviteReport> {
    const now = this.#clock();
    const after = await this.#documents.update(number, (found) => {
      if (!found) throw xlinkError('INVITATION_UNKNOWN');
      if (stateOf(found, now) === 'used') throw xlinkError('INVITATION_REFUSED:USED');
      return found.revokedAt === undefined ? { ...found, revokedAt: now } : found;
    });
    return inviteReport(number, after, now);
  }

  /** Calls the listener with each acceptance, until the returned function is called. */
  onAccepted(listener: (accepted: Accepted) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Answers `POST /invite` below `url`. 200 with what was agreed on, signed; 405 for another method; else a problem document with the
   * error, such as `INVITATION_REFUSED:USED`. At most 64 KiB.
   */
  async handle(request: Request): Promise<Response> {
    try {
      if (request.method !== 'POST') return new Response(null, { status: 405, headers: { Allow: 'POST' } });
      const answer = await this.#accept(request);
      return new Response(JSON.stringify(answer), { headers: { 'Content-Type': JSON_TYPE } });
    } catch (error) {
      const refusal = toXlinkError(error);
      const headers = { 'Content-Type': PROBLEM_TYPE };
      return new Response(problemBody(refusal), { status: refusal.status, headers });
    }
  }

  async #accept(request: Request): Promise<AcceptanceAnswer> {
    const number = new URL(request.url).searchParams.get('number') ?? '';
    const key = decodeBase64url(number);
    if (key?.length !== 32) throw xlinkError('INVITATION_REFUSED:MALFORMED');
    assertGood(await this.#documents.get(number), undefined, this.#clock()); // before anything is verified or written
    const text = await readAtMost(request, MAX_BYTES, () => xlinkError('ENVELOPE_TOO_LARGE'));
    const route = acceptanceRoute(this.#options.url, number);
    const rules = { scope: INVITE_SCOPE, request: route.request };
    const received = await this.#agent.receiveIntroduction(text, rules);
    if (!received.ok) throw received.error;
    const { sender: did, payload, envelopeId, recipient } = received.value;
    const { keyRecord, proof, name, url } = (payload ?? {}) as Partial<Acceptance>;
    const signature = typeof proof === 'string' ? decodeBase64url(proof) : undefined;
    const self = recipient ?? this.#agent.did;
    if (!signature || !(await isProof(key, signature, self, did)))
      throw xlinkError('INVITATION_REFUSED:FORGED', { field: 'proof' });
    const keys = await keysOf(keyRecord, did);
    const invite = await this.#trust(number, keys, isPeerName(name) ? undefined : name);
    const accepted = { did, invite: inviteReport(number, invite, this.#clock()) };
    const place = isBaseUrl(url) ? {} : { url: url! };
    for (const listener of this.#listeners) tell(listener, { ...accepted, ...place });
    return this.#answer(invite, did, envelopeId);
  }

  /** From here on the invite is good for this DID alone. */
  async #trust(number: string, keys: KeyRecord, ownName: string | undefined): Promise<StoredInvite> {
    const { did } = keys;
    const claimed = await this.#documents.update(number, (found) => {
      const good = assertGood(found, did, this.#clock());
      return good.did === undefined ? { ...good, did } : good;
    });
    const { scopes, receives, isTrusted = false, name = ownName } = claimed;
    const peer = { keys, name, sendScopes: scopes, receiveScopes: receives };
    await trust(this.#agent.registry, peer, isTrusted);
    if (isTrusted) return claimed;
    return this.#documents.update(number, (found) => ({ ...(found ?? claimed), isTrusted: true }));
  }

  async #answer({ scopes, receives }: StoredInvite, did: Did, nonce: string): Promise<AcceptanceAnswer> {
    const answer = { keyRecord: await this.#agent.keyRecord(), scopes, receives };
    const signature = await this.#agent.signLabeled(answerTranscript(answer, did, nonce));
    return { ...answer, signature: encodeBase64url(signature) };
  }
}

async function keysOf(record: unknown, did: Did): Promise<KeyRecord> {
  const keys = copyKeyRecord(record);
  if (keys?.did !== did) throw xlinkError('KEY_RECORD_INVALID', { field: 'keyRecord' });
  await assertKeyRecord(keys, defaultProvider());
  return keys;
}
