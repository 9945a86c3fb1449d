import { DISCOVER_SCOPE, type DiscoveredAgent } from '../discovery/capability-statement.js';
import { offeredTools } from '../discovery/offered-tools.js';
import { ok, type Result } from '../errors/result.js';
import { xlinkError } from '../errors/service-errors.js';
import type { Receipt, ReceiptStatus } from '../receipts/receipt.js';
import type { PolicyDecisionPoint } from '../types/policy.js';
import type { Transport } from '../types/ports.js';
import type { AgentMessage, Did, Envelope } from '../types/protocol.js';
import { checkOptions, integerIn, isBoolean, isObject, type OptionCheck, oneOf } from '../util/options.js';
import {
  answerTo,
  type DiscoveryTaker,
  isDiscovery,
  type Offer,
  saidBy,
  type TakeDiscovery,
  takeDiscovery,
} from './answer-discovery.js';
import { type SignOptions, signContent, type VerifyOptions, verifyContent } from './application-signature.js';
import { attempt } from './attempt.js';
import { AwaitedReceipts } from './awaited-receipts.js';
import { consume, isReceipt, type MessageHandler, mayPass, type OnMessageOptions } from './consume.js';
import type { AgentContext } from './context.js';
import { checkDiscoverAgentOptions, type DiscoverAgentOptions } from './discover-options.js';
import { Discoveries } from './discoveries.js';
import type { EnvelopeOptions } from './envelope-options.js';
import { Inbox } from './inbox.js';
import { didOfRecipient } from './named-recipient.js';
import type { AgentOptions, IdentitySource, PeerSupport } from './options.js';
import { PolicyGuard } from './policy.js';
import { ReceiptLog } from './receipt-log.js';
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

const isList: OptionCheck = (value) => (Array.isArray(value) ? undefined : 'an array');

/** Options of `agent.verifyReceipt()`. */
export interface VerifyReceiptOptions {
  /** The message that the receipt has to be of, as it was sent. Default: of any. */
  readonly of?: Envelope;
}

/** An agent among agents: takes what its transports bring, and signs for applications. */
export class PeerAgent extends ServiceAgent {
  /** It takes `policy`, `tools` and `discoverable`. @internal */
  static override readonly peer: PeerSupport = {
    checks: { capabilities: isList, tools: isList, discoverable: isBoolean },
    checkOffer: offeredTools,
  };

  /** What sends messages in sessions. Default none. @internal */
  static readonly carrier: ((agent: PeerAgent) => MessageCarrier) | undefined = undefined;

  readonly #carrier: MessageCarrier | undefined;
  #inbox: Inbox | undefined;
  readonly #guard: PolicyGuard | undefined;
  /** What was signed of the messages that it received, for receipts. */
  readonly #transcripts = new WeakMap<AgentMessage, Uint8Array>();
  readonly #offer: Offer;
  readonly #discoveries = new Discoveries();
  /** Transports over which it takes part in discovery, each by one handler. */
  readonly #discovering = new Set<Transport>();
  readonly #receiptLog: ReceiptLog | undefined;
  readonly #receipts = new AwaitedReceipts();
  #isReceiving = false;

  /** Puts an agent together from its parts: synchronous, registers nothing. Throws `INVALID_OPTION`. */
  constructor(options: AgentOptions & { readonly identity: IdentitySource }) {
    super(options);
    const { policy, audit, clock = Date.now } = options;
    this.#receiptLog = audit && new ReceiptLog(audit);
    this.#guard = policy && new PolicyGuard(policy, clock);
    const { name, capabilities, tools, discoverable } = options;
    this.#offer = { name, tools: offeredTools(options), isDiscoverable: discoverable ?? true };
    if (capabilities ?? tools ?? discoverable !== undefined) this.#answerInProcess();
    this.#carrier = (new.target as typeof PeerAgent).carrier?.(this);
  }

  override get policy(): PolicyDecisionPoint | undefined {
    return this.#guard?.point;
  }

  /** Seals for the recipient and hands the envelope to the transport, if the policy of this agent lets it. */
  override async send(options: MessageOptions): Promise<Result<MessageOutcome>> {
    return attempt(async () => {
      checkSendOptions(options, {
        requestReceipt: isBoolean,
        receiptTimeoutMs: integerIn(1, 86_400_000),
        session: isBoolean,
      });
      const { requestReceipt, receiptTimeoutMs: timeoutMs, session, ...rest } = options;
      await this.#assertMaySend(rest);
      const context = await this.present();
      if (requestReceipt) {
        const waiting = { receipts: this.#receipts, isReceiving: this.#isReceiving, timeoutMs };
        return sendForReceipt(context, rest, waiting);
      }
      return session === false || !this.#carrier
        ? send(context, rest)
        : sendInSession(this.#carrier, context, rest);
    });
  }

  /**
   * Signs a receipt of a message as `receive` returned it, or `onMessage` handed it over, for transports of an application. `onMessage` and
   * `agent.middleware()` do it by themselves for senders that ask. With an `audit` log of the same identity it proves its entry there. Throws
   * `RECEIPT_INVALID` for anything but a whole message, `AUDIT_UNAVAILABLE…` if the log cannot write.
   */
  async createReceipt(message: AgentMessage, status: ReceiptStatus = 'received'): Promise<Envelope> {
    const complaint = oneOf('received', 'processed', 'failed')(status);
    if (complaint)
      throw xlinkError('INVALID_OPTION', {
        field: 'status',
        hint: `createReceipt: status must be ${complaint}.`,
      });
    const transcript = this.#transcripts.get(message);
    return createReceipt(await this.context(), message, transcript, status, this.#receiptLog);
  }

  /** Takes a receipt that came as a message. Throws what is wrong with it. @internal */
  async takeReceipt(envelope: Envelope): Promise<Receipt> {
    const context = await this.context();
    const dids = context.succession?.dids ?? [context.identity.did];
    if (!dids.includes(envelope.to)) throw xlinkError('RECIPIENT_MISMATCH', { field: 'to' });
    return this.#receipts.take(envelope, (receipt, of) => verifyOwn(context, receipt, of));
  }

  /**
   * Verifies a receipt by what is in it, offline; of version 3 it takes the ML-DSA-65 key of the signer from the registry. With `of`, it has to
   * be the receipt of this very envelope. The proof in it is verified, where the signer keeps a log. Whether its signer still counts is not asked. Fails with `RECEIPT_INVALID…`, `PARSE_FAILED…` or `VERIFICATION_FAILED:…`.
   */
  async verifyReceipt(receipt: Receipt, options: VerifyReceiptOptions = {}): Promise<Result<Receipt>> {
    return attempt(async () => {
      checkOptions('verifyReceipt', options, { of: isObject });
      return verifyOwn(await this.context(), receipt, options.of);
    });
  }

  /**
   * Asks an agent what it can do: its capabilities, and its tools with their scopes. What it says is signed by its DID and sealed for this one,
   * checked, and kept as long as it is good; the registry is asked each time whether the DID still counts. The question goes over the
   * first transport: loopback and HTTP bring the answer back, over a relay it comes as a message, to an agent that receives. Of itself an agent knows without asking.
   *
   * Fails with `CAPABILITIES_UNAVAILABLE…` where no answer comes, `CAPABILITIES_INVALID…` where it is not good, `LOOKUP_FAILED…` for a DID that is unknown
   * or revoked, `NETWORK_ERROR` if the signal ends the wait, and what `send` and `receive` fail with.
   */
  async discover(agent: Did, options: DiscoverAgentOptions = {}): Promise<Result<DiscoveredAgent>> {
    return attempt(async () => {
      checkDiscoverAgentOptions(options);
      const context = await this.context();
      if (this.#dids(context).includes(agent)) return saidBy(agent, this.#offer, context.clock());
      const present = await this.present();
      const isReceiving = this.#discovering.has(context.transports[0]!);
      return this.#discoveries.discover({ context, present, isReceiving }, agent, options);
    });
  }

  /** Signs and seals what this agent can do for who asked, for transports of the library. @internal */
  async answerDiscovery(question: AgentMessage): Promise<Envelope> {
    return answerTo(await this.context(), question, this.#offer);
  }

  /** Drops what is remembered of a peer, what it said of itself included. */
  override forgetPeer(did: Did): void {
    super.forgetPeer(did);
    this.#discoveries.forget(did);
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
      this.#isReceiving = true;
      this.#inbox ??= new Inbox(
        () => this.#dids(context),
        context.transports,
        (transport) => this.#discoveryOver(transport),
        (envelope, arrival) => (isReceipt(envelope, arrival) ? this.#takeQuietly(envelope) : undefined),
      );
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
    this.#isReceiving = true;
    for (const transport of new Set(this.transports))
      transport.onReceive(consume(this, handler, options, this.#discoveryOver(transport)));
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

  /** Whether it has an identity yet, which a lazy one has from its first use on. */
  get #isUsed(): boolean {
    try {
      return this.did !== undefined;
    } catch {
      return false;
    }
  }

  #dids({ identity, succession }: AgentContext): readonly Did[] {
    return succession?.dids ?? [identity.did];
  }

  /** A transport within the process keeps what is sent for those who receive later, so discovery may begin at once. */
  #answerInProcess(): void {
    for (const transport of new Set(this.transports)) {
      if (!transport.backlog) continue;
      const take = this.#discoveryOver(transport);
      transport.onReceive(async (envelope, arrival) => {
        if (isDiscovery(envelope)) await take(envelope, arrival);
      });
    }
  }

  /** Takes what is of discovery, if no other handler of this agent does so for the transport. */
  #discoveryOver(transport: Transport): TakeDiscovery {
    if (this.#discovering.has(transport)) return async () => ok(undefined);
    this.#discovering.add(transport);
    const taker: DiscoveryTaker = {
      receive: async (envelope, request) => {
        const binding = request === undefined ? {} : { request, requireRequestBinding: true };
        const received = await this.receiveContent(envelope, { ownScope: DISCOVER_SCOPE, ...binding });
        return received.ok ? ok(received.value.message) : received;
      },
      answer: (question) => this.answerDiscovery(question),
      hear: (answer) => this.#discoveries.hear(answer),
      isFor: async (did) => this.#isUsed && this.#dids(await this.context()).includes(did),
    };
    return (envelope, arrival) => takeDiscovery(taker, transport, envelope, arrival);
  }

  /** Rejects only for what may be good another time. */
  async #takeQuietly(envelope: Envelope): Promise<void> {
    const taken = await attempt(() => this.takeReceipt(envelope));
    if (!taken.ok && mayPass(taken.error)) throw taken.error;
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
    this.#receipts.close();
    super.dispose();
  }
}
