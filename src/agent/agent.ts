import { toXlinkError, xlinkError } from '../errors/errors.js';
import { err, ok, type Result } from '../errors/result.js';
import { generateIdentity, Identity } from '../identity/identity.js';
import { createKeyRecord } from '../identity/key-record.js';
import type { NonceStore, TrustRegistry } from '../types/ports.js';
import type { AgentMessage, Did, Envelope, KeyRecord, Version } from '../types/protocol.js';
import { branded } from '../util/copies.js';
import {
  checkOptions,
  integerIn,
  isBoolean,
  isFunction,
  isObject,
  isString,
  requireOption,
} from '../util/options.js';
import { createAnswer } from './answer.js';
import { type SignOptions, signContent, type VerifyOptions, verifyContent } from './application-signature.js';
import { consume, type MessageHandler, type OnMessageOptions } from './consume.js';
import type { AgentContext } from './context.js';
import { createEnvelope } from './envelope.js';
import type { EnvelopeOptions } from './envelope-options.js';
import { Inbox } from './inbox.js';
import { createIntroduction, type Introduction, receiveIntroduction } from './introduction.js';
import { didOfRecipient } from './named-recipient.js';
import {
  type AgentOptions,
  agentParts,
  checkAgentOptions,
  type IdentitySource,
  identityOptions,
} from './options.js';
import type { Received, ReceiveOptions } from './receive.js';
import { type ReceiveInput, receiveAny } from './receive-input.js';
import { type ReceiveNextOptions, receiveNext } from './receive-next.js';
import { ensureRegistered } from './register.js';
import { type SendOptions, type SendOutcome, send } from './send.js';

export type { ReceiveInput };

/** The class a static constructor was called on, so that a subclass makes its own kind. */
type AgentClass<A> = new (options: AgentOptions & { readonly identity: IdentitySource }) => A;

const isSource = (value: unknown) =>
  value instanceof Identity || typeof value === 'function' ? undefined : 'an Identity or a function';

/**
 * An identity at work: it seals what it sends, and verifies and opens what it receives. Agents are peers; there is no
 * client and no server among them.
 */
export class BaseAgent {
  static {
    branded(this, 'agent');
  }

  /** Where it looks up peers. */
  readonly registry: TrustRegistry;
  /** Where it remembers which envelopes it received. */
  readonly nonceStore: NonceStore;
  /** The option `name`. */
  readonly name: string | undefined;
  /** Envelopes below this version are neither made nor accepted. */
  readonly minVersion: Version;
  /** The oldest message that `onMessage` takes, and `receive` where it is told so; in ms. */
  readonly maxAgeMs: number;
  readonly #source: IdentitySource;
  readonly #parts: ReturnType<typeof agentParts>;
  #context: AgentContext | undefined;
  #keyRecord: KeyRecord | undefined;
  #starting: Promise<AgentContext> | undefined;
  #inbox: Inbox | undefined;

  /** Puts an agent together from its parts: synchronous, registers nothing. Throws `INVALID_OPTION`. */
  constructor(options: AgentOptions & { readonly identity: IdentitySource }) {
    checkAgentOptions('Agent', options, { identity: isSource });
    requireOption('Agent', options, 'identity');
    this.#source = options.identity;
    this.#parts = agentParts(options);
    this.registry = this.#parts.registry;
    this.nonceStore = this.#parts.nonceStore;
    this.name = options.name;
    this.minVersion = options.minVersion ?? 1;
    this.maxAgeMs = this.#parts.maxAgeMs;
    if (options.identity instanceof Identity) this.#context = this.#parts.contextFor(options.identity);
    for (const transport of this.#parts.transports) transport.attach?.(this);
  }

  /** A new identity, registered and ready. Throws an `XlinkError` where {@link BaseAgent.create} returns one. */
  static async quickstart<A extends BaseAgent>(this: AgentClass<A>, options: AgentOptions = {}): Promise<A> {
    return launch(this, 'Agent.quickstart', options, newIdentity);
  }

  /** A new identity, registered and ready. */
  static async create<A extends BaseAgent>(
    this: AgentClass<A>,
    options: AgentOptions = {},
  ): Promise<Result<A>> {
    return attempt(() => launch(this, 'Agent.create', options, newIdentity));
  }

  /** The agent of a 32-byte Ed25519 seed, registered. The same seed gives the same DID and keys on every machine. */
  static async fromSeed<A extends BaseAgent>(
    this: AgentClass<A>,
    options: AgentOptions & { readonly seed: Uint8Array },
  ): Promise<Result<A>> {
    return attempt(() => {
      const { seed, ...rest } = options;
      return launch(this, 'Agent.fromSeed', rest, (identity) => Identity.fromSeed(seed, identity));
    });
  }

  /**
   * The agent of an exported identity. Skips key generation and registration: its registry entry stays as it is. The file
   * does not say the version: pass `postQuantumSig` or `maxVersion` as when the identity was made.
   */
  static async importIdentity<A extends BaseAgent>(
    this: AgentClass<A>,
    options: AgentOptions & { readonly pkcs8: Uint8Array },
  ): Promise<Result<A>> {
    return attempt(async () => {
      const { pkcs8, ...rest } = options;
      checkAgentOptions('Agent.importIdentity', rest);
      return new this({
        ...rest,
        identity: await Identity.fromPKCS8(pkcs8, identityOptions(rest)),
      });
    });
  }

  /** Returns at once; the identity is made and registered at the first use. */
  static lazy<A extends BaseAgent>(this: AgentClass<A>, options: AgentOptions = {}): A {
    checkAgentOptions('Agent.lazy', options);
    const registry = agentParts(options).registry;
    const identity = async () => {
      const made = await newIdentity(identityOptions(options));
      await ensureRegistered(registry, made, options);
      return made;
    };
    return new this({ ...options, registry, identity });
  }

  /** The DID. Throws `IDENTITY_NOT_READY` for a lazy agent that was not used yet. */
  get did(): Did {
    if (!this.#context) throw xlinkError('IDENTITY_NOT_READY');
    return this.#context.identity.did;
  }

  /** Resolves to the DID once there is one. */
  async ready(): Promise<Did> {
    return (await this.#ready()).identity.did;
  }

  /** Makes an envelope without sending it. Throws an `XlinkError`. */
  async createEnvelope(options: EnvelopeOptions): Promise<Envelope> {
    const made = await attempt(async () => createEnvelope(await this.#ready(), options));
    if (!made.ok) throw made.error;
    return made.value;
  }

  /** Makes the envelope that answers a received message: sealed for its sender and tied to it by `inReplyTo` and `request`. */
  async createAnswer(message: AgentMessage, payload: unknown): Promise<Envelope> {
    return createAnswer(await this.#ready(), message, payload);
  }

  /** Seals for the recipient and hands the envelope to the transport. */
  async send(options: SendOptions): Promise<Result<SendOutcome>> {
    return attempt(async () => send(await this.#ready(), options));
  }

  /**
   * Verifies an envelope, claims its nonce, and opens it. Whatever is wrong with it comes back as an error. Without an
   * argument it is {@link BaseAgent.receiveNext}.
   */
  async receive<T = unknown>(
    ...args: [] | [input: ReceiveInput, options?: ReceiveOptions]
  ): Promise<Result<AgentMessage<T>>> {
    if (args.length === 0) return this.receiveNext<T>();
    const [input, options] = args;
    const received = await this.receiveContent(input, options);
    return received.ok ? ok(received.value.message as AgentMessage<T>) : received;
  }

  /** As {@link BaseAgent.receive}, with the JSON bytes of the payload beside the message. */
  async receiveContent(input: ReceiveInput, options: ReceiveOptions = {}): Promise<Result<Received>> {
    return attempt(async () => {
      checkOptions('receive', options, {
        allowCleartext: isBoolean,
        request: isString,
        requireRequestBinding: isBoolean,
        inReplyTo: isString,
        maxAgeMs: integerIn(1, this.maxAgeMs),
        handle: isFunction,
        onVerified: isFunction,
        onProgress: isFunction,
      });
      if (options.requireRequestBinding) requireOption('receive', options, 'request');
      return receiveAny(await this.#ready(), input, options);
    });
  }

  /**
   * Waits for the next message that the transports bring. From the first call on they hand envelopes to this agent, which
   * holds up to 1000 of them in memory: where none may be lost with the process, use {@link BaseAgent.onMessage} instead.
   */
  async receiveNext<T = unknown>(options: ReceiveNextOptions = {}): Promise<Result<AgentMessage<T>>> {
    const received = await attempt(async () => {
      checkOptions('receiveNext', options, { allowCleartext: isBoolean, signal: isObject });
      const { identity, transports } = await this.#ready();
      this.#inbox ??= new Inbox(identity.did, transports);
      return receiveNext(this, this.#inbox, options);
    });
    return received.ok ? (received.value as Result<AgentMessage<T>>) : received;
  }

  /**
   * Receives what the transports bring, and hands it to `handler`. A message counts as received once the handler has
   * resolved; one whose handler rejected, or was cut off with its process, comes again if the transport can bring it. So
   * it may come twice: `envelopeId` tells.
   */
  onMessage(handler: MessageHandler, options: OnMessageOptions = {}): void {
    const take = consume(this, handler, options);
    for (const transport of this.#parts.transports) transport.onReceive(take);
  }

  /** Makes a signed-only envelope for a recipient that does not know this agent yet, such as an enrollment. Throws an `XlinkError`. */
  async createIntroduction(
    options: Introduction & { readonly to: Did; readonly payload: unknown },
  ): Promise<Envelope> {
    return createIntroduction(await this.#ready(), options);
  }

  /** Receives a signed-only envelope from a DID that is in no registry. All other checks are those of `receive`. */
  async receiveIntroduction(
    input: string | Uint8Array,
    options: Introduction,
  ): Promise<Result<AgentMessage>> {
    return attempt(async () => receiveIntroduction(await this.#ready(), input, options));
  }

  /** The DID of the one active registry entry that has this name; a DID stands for itself. Reads the whole registry. */
  async resolve(name: string): Promise<Result<Did>> {
    return attempt(() => didOfRecipient(this.registry, name));
  }

  /**
   * Signs a string or bytes for the application; resolves to an Ed25519 signature, 86 characters of base64url. It proves who
   * signed, not when: put a time or a number into what is signed. No envelope can be made of it. Throws `INVALID_OPTION`.
   */
  async sign(content: string | Uint8Array, options: SignOptions = {}): Promise<string> {
    return signContent(await this.#ready(), content, options);
  }

  /** Whether a DID that is active in the registry made a signature with `sign`; fails with `VERIFICATION_FAILED…`. */
  async verify(options: VerifyOptions): Promise<Result<void>> {
    return attempt(async () => verifyContent(await this.#ready(), options));
  }

  /** The identity as PKCS#8 DER (RFC 8410), 48 bytes, unencrypted. It is the identity: keep it secret. */
  async exportPKCS8(): Promise<Uint8Array> {
    return (await this.#ready()).identity.exportPKCS8();
  }

  /** Its public keys, signed once per agent, for a registry elsewhere. */
  async keyRecord(): Promise<KeyRecord> {
    const { identity, clock } = await this.#ready();
    return (this.#keyRecord ??= await createKeyRecord(identity, { clock }));
  }

  /** Forgets what was remembered of a peer, so that an older or weaker key record of it is taken once more. */
  forgetPeer(did: Did): void {
    this.#context?.peers.forget(did);
  }

  /** Closes the transports. */
  dispose(): void {
    this.#inbox?.close();
    for (const transport of this.#parts.transports) transport.dispose();
  }

  async #ready(): Promise<AgentContext> {
    if (this.#context) return this.#context;
    const source = this.#source as () => Promise<Identity>;
    this.#starting ??= source().then((identity) => this.#parts.contextFor(identity));
    try {
      return (this.#context = await this.#starting);
    } finally {
      this.#starting = undefined;
    }
  }
}

async function launch<A extends BaseAgent>(
  agentClass: AgentClass<A>,
  owner: string,
  options: AgentOptions,
  makeIdentity: (options: ReturnType<typeof identityOptions>) => Promise<Identity>,
): Promise<A> {
  checkAgentOptions(owner, options);
  const identity = await makeIdentity(identityOptions(options));
  const agent = new agentClass({ ...options, identity });
  await ensureRegistered(agent.registry, identity, options);
  return agent;
}

async function newIdentity(options: ReturnType<typeof identityOptions>): Promise<Identity> {
  const made = await generateIdentity(options);
  if (!made.ok) throw made.error;
  return made.value;
}

async function attempt<T>(operation: () => T | Promise<T>): Promise<Result<T>> {
  try {
    return ok(await operation());
  } catch (error) {
    return err(toXlinkError(error));
  }
}
