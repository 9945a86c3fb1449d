import type { Result } from '../errors/result.js';
import type { PolicyDecisionPoint } from '../types/policy.js';
import type { AgentMessage, Envelope } from '../types/protocol.js';
import { checkOptions, isBoolean, isObject } from '../util/options.js';
import { type SignOptions, signContent, type VerifyOptions, verifyContent } from './application-signature.js';
import { attempt } from './attempt.js';
import { consume, type MessageHandler, type OnMessageOptions } from './consume.js';
import type { EnvelopeOptions } from './envelope-options.js';
import { Inbox } from './inbox.js';
import { didOfRecipient } from './named-recipient.js';
import type { AgentOptions, IdentitySource } from './options.js';
import { PolicyGuard } from './policy.js';
import type { Received, ReceiveOptions, ReceiveRules } from './receive.js';
import type { ReceiveInput } from './receive-input.js';
import { type ReceiveNextOptions, receiveNext } from './receive-next.js';
import type { SendOptions, SendOutcome } from './send.js';
import { ServiceAgent } from './service-agent.js';

/** An agent among agents: takes what its transports bring, and signs for applications. */
export class PeerAgent extends ServiceAgent {
  /** It takes the option `policy`. @internal */
  static override readonly hasPolicies: boolean = true;

  #inbox: Inbox | undefined;
  readonly #guard: PolicyGuard | undefined;

  /** Puts an agent together from its parts: synchronous, registers nothing. Throws `INVALID_OPTION`. */
  constructor(options: AgentOptions & { readonly identity: IdentitySource }) {
    super(options);
    const { policy, clock = Date.now } = options;
    this.#guard = policy && new PolicyGuard(policy, clock);
  }

  override get policy(): PolicyDecisionPoint | undefined {
    return this.#guard?.point;
  }

  /** Seals for the recipient and hands the envelope to the transport, if the policy of this agent lets it. */
  override async send(options: SendOptions): Promise<Result<SendOutcome>> {
    const allowed = await attempt(async () => this.#assertMaySend(options));
    return allowed.ok ? super.send(options) : allowed;
  }

  /** Makes the envelope of a message without sending it. Throws an `XlinkError`. */
  override async createEnvelope(options: EnvelopeOptions): Promise<Envelope> {
    await this.#assertMaySend(options);
    return super.createEnvelope(options);
  }

  /** As {@link PeerAgent.receive}, with the bytes of the content beside the message, and for every kind of envelope. */
  override async receiveContent(input: ReceiveInput, options: ReceiveRules = {}): Promise<Result<Received>> {
    const guard = this.#guard;
    const { kind, inReplyTo } = options ?? {};
    if (!guard || (kind ?? (inReplyTo === undefined ? 'message' : 'answer')) !== 'message')
      return super.receiveContent(input, options);
    return super.receiveContent(input, { ...options, judge: guard.judge(await this.context()) });
  }

  /** Without an argument it is {@link PeerAgent.receiveNext}. */
  override receive<T = unknown>(
    ...args: [] | [input: ReceiveInput, options?: ReceiveOptions | undefined]
  ): Promise<Result<AgentMessage<T>>> {
    return args.length === 0 ? this.receiveNext<T>() : super.receive<T>(...args);
  }

  /**
   * Waits for the next message that the transports bring. From the first call on they hand envelopes to this agent, which
   * holds up to 1000 of them in memory: where none may be lost with the process, use {@link PeerAgent.onMessage} instead.
   */
  async receiveNext<T = unknown>(options: ReceiveNextOptions = {}): Promise<Result<AgentMessage<T>>> {
    const received = await attempt(async () => {
      checkOptions('receiveNext', options, { allowCleartext: isBoolean, signal: isObject });
      const context = await this.context();
      const dids = () => context.succession?.dids ?? [context.identity.did];
      this.#inbox ??= new Inbox(dids, context.transports);
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
    for (const transport of this.transports) transport.onReceive(take);
  }

  /**
   * Signs a string or bytes for the application; resolves to an Ed25519 signature, 86 characters of base64url. It proves who
   * signed, not when: put a time or a number into what is signed. No envelope can be made of it. Throws `INVALID_OPTION`.
   */
  async sign(content: string | Uint8Array, options: SignOptions = {}): Promise<string> {
    return signContent(await this.present(), content, options);
  }

  /** Whether a DID that is active in the registry made a signature with `sign`; fails with `VERIFICATION_FAILED…`. */
  async verify(options: VerifyOptions): Promise<Result<void>> {
    return attempt(async () => verifyContent(await this.context(), options));
  }

  async #assertMaySend(options: EnvelopeOptions): Promise<void> {
    const guard = this.#guard;
    if (!guard) return;
    const { scope, payload, to } = options ?? {};
    const entryOf = async () => this.registry.lookup(await didOfRecipient(this.registry, to));
    await guard.assertMaySend(await this.ready(), { scope, payload, entryOf });
  }

  /** Closes the transports, and lets encryption keys be rotated by traffic alone. */
  override dispose(): void {
    this.#inbox?.close();
    super.dispose();
  }
}
