import type { Result } from '../errors/result.js';
import { xlinkError } from '../errors/service-errors.js';
import type { Receipt, ReceiptStatus } from '../receipts/receipt.js';
import type { PolicyDecisionPoint } from '../types/policy.js';
import type { AgentMessage, Envelope } from '../types/protocol.js';
import { checkOptions, isBoolean, isObject, oneOf } from '../util/options.js';
import { type SignOptions, signContent, type VerifyOptions, verifyContent } from './application-signature.js';
import { attempt } from './attempt.js';
import { consume, type MessageHandler, type OnMessageOptions } from './consume.js';
import type { EnvelopeOptions } from './envelope-options.js';
import { Inbox } from './inbox.js';
import { didOfRecipient } from './named-recipient.js';
import type { AgentOptions, IdentitySource } from './options.js';
import { PolicyGuard } from './policy.js';
import {
  createReceipt,
  type MessageOptions,
  type MessageOutcome,
  sendForReceipt,
  verifyOwn,
} from './receipts.js';
import type { Received, ReceiveOptions, ReceiveRules } from './receive.js';
import type { ReceiveInput } from './receive-input.js';
import { type ReceiveNextOptions, receiveNext } from './receive-next.js';
import { checkSendOptions } from './security.js';
import { send } from './send.js';
import { type MessageCarrier, sendInSession } from './send-in-session.js';
import { ServiceAgent, type SessionHearing } from './service-agent.js';

/** Options of `agent.verifyReceipt()`. */
export interface VerifyReceiptOptions {
  /** The message that the receipt has to be of, as it was sent. Default: of any. */
  readonly of?: Envelope;
}

/** An agent among agents: takes what its transports bring, and signs for applications. */
export class PeerAgent extends ServiceAgent {
  /** It takes the option `policy`. @internal */
  static override readonly hasPolicies: boolean = true;

  /** What sends messages in sessions. Default none. @internal */
  static readonly carrier: ((agent: PeerAgent) => MessageCarrier) | undefined = undefined;

  readonly #carrier: MessageCarrier | undefined;
  #inbox: Inbox | undefined;
  readonly #guard: PolicyGuard | undefined;
  /** What was signed of the messages that it received, for receipts. */
  readonly #transcripts = new WeakMap<AgentMessage, Uint8Array>();

  /** Puts an agent together from its parts: synchronous, registers nothing. Throws `INVALID_OPTION`. */
  constructor(options: AgentOptions & { readonly identity: IdentitySource }) {
    super(options);
    const { policy, clock = Date.now } = options;
    this.#guard = policy && new PolicyGuard(policy, clock);
    this.#carrier = (new.target as typeof PeerAgent).carrier?.(this);
  }

  override get policy(): PolicyDecisionPoint | undefined {
    return this.#guard?.point;
  }

  /** Seals for the recipient and hands the envelope to the transport, if the policy of this agent lets it. */
  override async send(options: MessageOptions): Promise<Result<MessageOutcome>> {
    return attempt(async () => {
      checkSendOptions(options, { requestReceipt: isBoolean, session: isBoolean });
      const { requestReceipt, session, ...rest } = options;
      await this.#assertMaySend(rest);
      const context = await this.present();
      if (requestReceipt) return sendForReceipt(context, rest);
      return session === false || !this.#carrier
        ? send(context, rest)
        : sendInSession(this.#carrier, context, rest);
    });
  }

  /**
   * Signs a receipt of a message as `receive` returned it, or `onMessage` handed it over, for transports of an application. `onMessage` and
   * `agent.middleware()` do it by themselves for senders that ask. Throws `RECEIPT_INVALID` for anything but a whole message.
   */
  async createReceipt(message: AgentMessage, status: ReceiptStatus = 'received'): Promise<Envelope> {
    const complaint = oneOf('received', 'processed', 'failed')(status);
    if (complaint)
      throw xlinkError('INVALID_OPTION', {
        field: 'status',
        hint: `createReceipt: status must be ${complaint}.`,
      });
    return createReceipt(await this.context(), message, this.#transcripts.get(message), status);
  }

  /**
   * Verifies a receipt by what is in it, offline; of version 3 it takes the ML-DSA-65 key of the signer from the registry. With `of`, it has to
   * be the receipt of this very envelope. Whether its signer still counts is not asked. Fails with `RECEIPT_INVALID…`, `PARSE_FAILED…` or `VERIFICATION_FAILED:…`.
   */
  async verifyReceipt(receipt: Receipt, options: VerifyReceiptOptions = {}): Promise<Result<Receipt>> {
    return attempt(async () => {
      checkOptions('verifyReceipt', options, { of: isObject });
      return verifyOwn(await this.context(), receipt, options.of);
    });
  }

  /** Makes the envelope of a message without sending it. Throws an `XlinkError`. */
  override async createEnvelope(options: EnvelopeOptions): Promise<Envelope> {
    await this.#assertMaySend(options);
    return super.createEnvelope(options);
  }

  /** As {@link PeerAgent.receive}, with the bytes of the content beside the message, and for every kind of envelope. */
  override async receiveContent(input: ReceiveInput, options: ReceiveRules = {}): Promise<Result<Received>> {
    const { kind, inReplyTo } = options ?? {};
    if ((kind ?? (inReplyTo === undefined ? 'message' : 'answer')) !== 'message')
      return super.receiveContent(input, options);
    const asked = this.#guard?.judge(await this.context());
    const judge: ReceiveRules['judge'] = (received, entry, again) => {
      if (received.transcript) this.#transcripts.set(received.message, received.transcript);
      return asked?.(received, entry, again);
    };
    return super.receiveContent(input, { ...options, judge });
  }

  /** @internal */
  override async receiveInSession<H extends SessionHearing>(
    hear: H,
    receive: (hear: H & SessionHearing) => Promise<Received>,
  ): Promise<Received> {
    const judge = this.#guard?.judge(await this.context(), 'session');
    return super.receiveInSession(judge ? { ...hear, judge } : hear, receive);
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
