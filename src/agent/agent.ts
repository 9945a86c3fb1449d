import type { CryptoProvider } from '../crypto/provider.js';
import { xlinkError } from '../errors/errors.js';
import { ok, type Result } from '../errors/result.js';
import type { KeyEpochStatus } from '../identity/encryption-keys.js';
import { Identity } from '../identity/identity.js';
import type { NonceStore, Transport, TrustRegistry } from '../types/ports.js';
import type {
  AgentMessage,
  Did,
  Envelope,
  KeyRecord,
  Scope,
  Succession,
  Version,
} from '../types/protocol.js';
import type { Awaitable } from '../util/awaitable.js';
import { branded } from '../util/copies.js';
import { requireOption } from '../util/options.js';
import { attempt, orThrow } from './attempt.js';
import type { AgentContext } from './context.js';
import { createEnvelope } from './envelope.js';
import type { EnvelopeOptions } from './envelope-options.js';
import { createIntroduction, type Introduction } from './introduction.js';
import type { KeyEpochSupport } from './key-epochs-support.js';
import { didOfRecipient } from './named-recipient.js';
import {
  type AgentClass,
  type AgentOptions,
  agentParts,
  checkAgentOptions,
  type IdentitySource,
  identityOptions,
  isForCallers,
  isIdentitySource,
  newIdentity,
  type PeerSupport,
} from './options.js';
import { OwnRegistry } from './own-registry.js';
import { type Received, type ReceiveOptions, type ReceiveRules, recheck } from './receive.js';
import { checkReceiveOptions, type ReceiveInput, receiveAny } from './receive-input.js';
import { ensureRegistered } from './register.js';
import { createRequest, type RequestOptions } from './request.js';
import { type SendOptions, type SendOutcome, send } from './send.js';
import type { ShareSupport } from './shares.js';
import { fixedKeys, type SigningKeys } from './signing-keys.js';
import type { SucceedOptions, SuccessionSupport } from './succession-support.js';
import type { OnWarning } from './warnings.js';

export type { ReceiveInput };

/**
 * An identity at work: it seals what it sends, and verifies and opens what it receives. Agents are peers; there is no
 * client and no server among them.
 */
export class BaseAgent {
  static {
    branded(this, 'agent');
  }

  /** Messages in shares. Default none: agents of this class send and take whole messages only. @internal */
  static readonly shares: ShareSupport | undefined = undefined;

  /** Its published keys. Those of agents of this class never change. @internal */
  static readonly newKeys = (): SigningKeys => fixedKeys(() => isForCallers('keyStore'));

  /** Tells warnings. Agents of this class have none to print. @internal */
  static readonly warner = (onWarning: OnWarning | undefined): OnWarning => onWarning ?? (() => {});

  /** The registry of an agent that is given none: it is alone in it. @internal */
  static readonly newRegistry: (crypto: CryptoProvider | undefined) => TrustRegistry = () =>
    new OwnRegistry();

  /** Encryption keys in a store. Default none: those of agents of this class are derived from the seed. @internal */
  static readonly keyEpochs: KeyEpochSupport | undefined = undefined;

  /** Making successions. Default none: agents of this class cannot be succeeded. @internal */
  static readonly succession: SuccessionSupport | undefined = undefined;

  /** Being an agent among agents, with the options of one. Default none. @internal */
  static readonly peer: PeerSupport | undefined = undefined;

  /** Where it looks up peers. */
  readonly registry: TrustRegistry;
  /** Where it remembers which envelopes it received. */
  readonly nonceStore: NonceStore;
  /** The option `name`. */
  readonly name: string | undefined;
  /** The option `sendScopes`. @internal */
  readonly sendScopes: readonly Scope[] | undefined;
  /** Envelopes below this version are neither made nor accepted. */
  readonly minVersion: Version;
  /** The oldest message that `onMessage` takes, and `receive` where it is told so; in ms. */
  readonly maxAgeMs: number;
  readonly #source: IdentitySource;
  readonly #parts: ReturnType<typeof agentParts>;
  readonly #options: AgentOptions;
  readonly #succession: SuccessionSupport | undefined;
  #context: AgentContext | undefined;
  readonly #keys: SigningKeys;
  #starting: Promise<AgentContext> | undefined;
  /** What to register a lazy agent with, when its identity is made. */
  #registration: AgentOptions | undefined;

  /** Puts an agent together from its parts: synchronous, registers nothing. Throws `INVALID_OPTION`. */
  constructor(options: AgentOptions & { readonly identity: IdentitySource }) {
    checkAgentOptions('Agent', options, new.target, { identity: isIdentitySource });
    requireOption('Agent', options, 'identity');
    this.#source = options.identity;
    this.#keys = new.target.newKeys();
    this.#options = options;
    this.#succession = new.target.succession;
    if (options.successor && !this.#succession) isForCallers('successor');
    if (options.keyStore && !new.target.keyEpochs) isForCallers('keyStore');
    if (options.policy && !new.target.peer) isForCallers('policy');
    this.#parts = agentParts(options, new.target);
    this.registry = this.#parts.registry;
    this.nonceStore = this.#parts.nonceStore;
    this.name = options.name;
    this.sendScopes = options.sendScopes;
    this.minVersion = options.minVersion ?? 1;
    this.maxAgeMs = this.#parts.maxAgeMs;
    if (options.identity instanceof Identity) this.#use(this.#parts.contextFor(options.identity));
    for (const transport of this.#parts.transports) transport.attach?.(this);
  }

  /** A new identity, registered and ready. Throws an `XlinkError` where {@link BaseAgent.create} returns one. */
  static async quickstart<A extends BaseAgent>(this: AgentClass<A>, options: AgentOptions = {}): Promise<A> {
    return BaseAgent.#launch(this, 'Agent.quickstart', options, newIdentity);
  }

  /** A new identity, registered and ready. */
  static async create<A extends BaseAgent>(
    this: AgentClass<A>,
    options: AgentOptions = {},
  ): Promise<Result<A>> {
    return attempt(() => BaseAgent.#launch(this, 'Agent.create', options, newIdentity));
  }

  /** The agent of a 32-byte Ed25519 seed, registered. The same seed gives the same DID and keys on every machine. */
  static async fromSeed<A extends BaseAgent>(
    this: AgentClass<A>,
    options: AgentOptions & { readonly seed: Uint8Array },
  ): Promise<Result<A>> {
    return attempt(() => {
      const { seed, ...rest } = options;
      return BaseAgent.#launch(this, 'Agent.fromSeed', rest, (identity) => Identity.fromSeed(seed, identity));
    });
  }

  /**
   * The agent of an exported identity, DER or PEM. Skips key generation and registration: its registry entry stays as it is, but that it
   * follows the keys of a `keyStore`, and `next`. The file does not say the version: pass `postQuantumSig` or `maxVersion` as when the
   * identity was made.
   */
  static async importIdentity<A extends BaseAgent>(
    this: AgentClass<A>,
    options: AgentOptions & { readonly pkcs8: Uint8Array | string },
  ): Promise<Result<A>> {
    return attempt(async () => {
      if (typeof options !== 'object' || ArrayBuffer.isView(options))
        throw xlinkError('INVALID_PKCS8', { hint: 'Pass { pkcs8 }.' });
      const { pkcs8, ...rest } = options;
      checkAgentOptions('Agent.importIdentity', rest, this);
      const identity = await Identity.fromPKCS8(pkcs8, identityOptions(rest));
      const agent = new this({ ...rest, identity });
      // A store that is behind what was published is found at once, and a commitment is published.
      return agent.#begun(rest.keyStore || rest.next ? agent.keyRecord() : undefined);
    });
  }

  /** Returns at once; the identity is made and registered at the first use. */
  static lazy<A extends BaseAgent>(this: AgentClass<A>, options: AgentOptions = {}): A {
    checkAgentOptions('Agent.lazy', options, this);
    const agent = new this({ ...options, identity: () => newIdentity(identityOptions(options)) });
    agent.#registration = options;
    return agent;
  }

  /** The DID: that of the next identity, once it was seen that it took the place. Throws `IDENTITY_NOT_READY` for a lazy agent that was not used yet. */
  get did(): Did {
    if (!this.#context) throw xlinkError('IDENTITY_NOT_READY');
    return (this.#context.succession?.seen ?? this.#context).identity.did;
  }

  /** The time by the agent's clock, in ms since 1970. */
  async now(): Promise<number> {
    return (await this.context()).clock();
  }

  /** Resolves to the DID once there is one. */
  async ready(): Promise<Did> {
    return (await this.present()).identity.did;
  }

  /** Makes the envelope of a message without sending it. Throws an `XlinkError`. */
  async createEnvelope(options: EnvelopeOptions): Promise<Envelope> {
    return orThrow(async () => createEnvelope(await this.present(), options));
  }

  /**
   * Makes the envelope of one HTTP request, for the adapter of a service. `xlinkFetch` does that for whole requests. Throws
   * an `XlinkError`.
   */
  async createRequest(options: RequestOptions): Promise<Envelope> {
    return orThrow(async () => createRequest(await this.present(), options));
  }

  /**
   * Gets to know a service that was discovered, so that it can be called. It gains no rights by that. Throws
   * `KEY_RECORD_…` for a record that is invalid, older or weaker than what is known of the service.
   */
  async adoptService(record: KeyRecord): Promise<void> {
    await (await this.context()).services.adopt(record);
  }

  /** Seals for the recipient and hands the envelope to the transport. */
  async send(options: SendOptions): Promise<Result<SendOutcome>> {
    return attempt(async () => send(await this.present(), options));
  }

  /** Verifies an envelope, claims its nonce, and opens it. Whatever is wrong with it comes back as an error. */
  async receive<T = unknown>(
    input: ReceiveInput,
    options?: ReceiveOptions,
  ): Promise<Result<AgentMessage<T>>> {
    const received = await this.receiveContent(input, options);
    return received.ok ? ok(received.value.message as AgentMessage<T>) : received;
  }

  /** As {@link BaseAgent.receive}, with the bytes of the content beside the message, and for every kind of envelope. */
  async receiveContent(input: ReceiveInput, options: ReceiveRules = {}): Promise<Result<Received>> {
    return attempt(async () => {
      checkReceiveOptions(options, this.maxAgeMs);
      return receiveAny(await this.context(), input, options);
    });
  }

  /** Asks once more whether the sender of a message counts, and what a request may do. Throws an `XlinkError`. @internal */
  async recheck(
    message: AgentMessage,
    rules: Pick<ReceiveRules, 'ownScope' | 'admit'>,
  ): Promise<AgentMessage> {
    return recheck(await this.context(), message, rules);
  }

  /** Makes a signed-only envelope for a recipient that does not know this agent yet, such as an enrollment. Throws an `XlinkError`. */
  async createIntroduction(
    options: Introduction & { readonly to: Did; readonly payload: unknown },
  ): Promise<Envelope> {
    return createIntroduction(await this.present(), options);
  }

  /** The DID of the one active registry entry that has this name and was not succeeded; a DID stands for itself. Reads the whole registry. */
  async resolve(name: string): Promise<Result<Did>> {
    return attempt(() => didOfRecipient(this.registry, name));
  }

  /** The identity as PKCS#8 DER (RFC 8410), 48 bytes, unencrypted. It is the identity: keep it secret. */
  async exportPKCS8(): Promise<Uint8Array> {
    return (await this.present()).identity.exportPKCS8();
  }

  /**
   * 32 bytes for a key of another protocol, derived from the seed of the identity that signs now. `label`: `xlink/1 identity`, the
   * protocol and the algorithm, such as `xlink/1 identity noise x25519`. Throws `INVALID_OPTION`.
   */
  async deriveSubkey(label: string): Promise<Uint8Array> {
    return (await this.present()).identity.deriveSubkey(label);
  }

  /**
   * Its public keys, signed once for each key epoch, for a registry elsewhere. With a `keyStore` they are rotated first when they
   * are due, and the registry of this agent follows, where it has an entry. Throws `KEY_STORE_…`.
   */
  async keyRecord(): Promise<KeyRecord> {
    return this.#keys.of(await this.present()).record();
  }

  /** Replaces the encryption keys now, whatever the schedule says. Needs `keyStore`. Throws `KEY_STORE_…` or `REGISTRATION_FAILED…`. */
  async rotateKeys(): Promise<KeyRecord> {
    return this.#keys.of(await this.present()).rotate();
  }

  /**
   * The published encryption keys of the identity that signs now, from memory; `undefined` before the first use, and without a
   * `keyStore`.
   */
  get keyEpoch(): KeyEpochStatus | undefined {
    return this.#keys.status;
  }

  /**
   * Calls the listener with the published epoch, now if it is known, and with each that takes its place, until the returned
   * function is called. Without a `keyStore` it is never called.
   */
  onKeyEpoch(listener: (status: KeyEpochStatus) => void): () => void {
    return this.#keys.listen(listener);
  }

  /**
   * Puts another identity in the place of this one: makes the statement, signed by both, and hands it to the registry, where
   * the first one counts (`SUCCESSION_CONFLICT`). From then on the next identity signs what this agent sends; envelopes for
   * either are taken. Scopes, name, client and pins follow. Where several instances serve one identity, give all of them the
   * option `successor` first. Fails with `SUCCESSION_…`, `LOOKUP_FAILED…` or `REGISTRATION_FAILED…`.
   */
  async succeedBy(next: Identity, options: SucceedOptions = {}): Promise<Result<Succession>> {
    return attempt(async () => {
      const support = this.#succession ?? isForCallers('next');
      const context = await this.context();
      const open = (identity: Identity) => this.#parts.successorOf(context, identity);
      return support.succeed(context, open, next, options, this.#options);
    });
  }

  /** The successions that led to this identity, oldest first, as the registry has them: for the discovery document. */
  async successions(): Promise<readonly Succession[]> {
    return (await this.#succession?.chainOf(await this.present())) ?? [];
  }

  /** Forgets what was remembered of a peer, so that an older or weaker key record of it is taken once more. */
  forgetPeer(did: Did): void {
    this.#context?.peers.forget(did);
    this.#context?.services.forget(did);
  }

  /** Closes the transports, and lets encryption keys be rotated by traffic alone. */
  dispose(): void {
    this.#keys.stop();
    for (const transport of this.#parts.transports) transport.dispose();
  }

  /** What brings envelopes. */
  protected get transports(): readonly Transport[] {
    return this.#parts.transports;
  }

  static async #launch<A extends BaseAgent>(
    agentClass: AgentClass<A>,
    owner: string,
    options: AgentOptions,
    makeIdentity: (options: ReturnType<typeof identityOptions>) => Promise<Identity>,
  ): Promise<A> {
    checkAgentOptions(owner, options, agentClass);
    const identity = await makeIdentity(identityOptions(options));
    const agent = new agentClass({ ...options, identity });
    return agent.#begun(ensureRegistered(agent.registry, identity, options, agent.#context!.keyRing));
  }

  /** Once the beginning has succeeded. An agent that nobody gets does nothing by itself. */
  async #begun(beginning: Promise<unknown> | undefined): Promise<this> {
    try {
      await beginning;
      return this;
    } catch (error) {
      this.#keys.stop();
      throw error;
    }
  }

  async #start(): Promise<AgentContext> {
    const identity = await (this.#source as () => Promise<Identity>)();
    const context = this.#parts.contextFor(identity);
    if (this.#registration)
      await ensureRegistered(this.registry, identity, this.#registration, context.keyRing);
    return context;
  }

  #use(context: AgentContext): AgentContext {
    this.#context = context;
    this.#keys.of(context);
    return context;
  }

  /** That of the identity that signs now. */
  protected async present(): Promise<AgentContext> {
    const context = await this.context();
    const present = (await context.succession?.present()) ?? context;
    this.#keys.of(present);
    return present;
  }

  /** The same as {@link BaseAgent.context}, at once where there is one. */
  protected contextNow(): Awaitable<AgentContext> {
    return this.#context ?? this.context();
  }

  /** That of the identity it began with. */
  protected async context(): Promise<AgentContext> {
    if (this.#context) return this.#context;
    this.#starting ??= this.#start();
    try {
      const context = await this.#starting;
      return this.#context ?? this.#use(context);
    } finally {
      this.#starting = undefined;
    }
  }
}
