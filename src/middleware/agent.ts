import type { SessionOptions } from '../adapters/sessions-option.js';
import { BaseAgent } from '../agent/agent.js';
import { AgentKeys } from '../agent/agent-keys.js';
import { attempt } from '../agent/attempt.js';
import { AuditedMessages, withAudit } from '../agent/audited-messages.js';
import { callRegistry } from '../agent/call-registry.js';
import { KEY_EPOCHS } from '../agent/key-epochs.js';
import {
  type AgentClass,
  type AgentOptions,
  checkAgentOptions,
  type IdentitySource,
  isIdentitySource,
} from '../agent/options.js';
import { PeerAgent } from '../agent/peer-agent.js';
import type { MessageOptions, MessageOutcome } from '../agent/receipts.js';
import type { Received, ReceiveRules } from '../agent/receive.js';
import type { ReceiveInput } from '../agent/receive-input.js';
import type { MessageCarrier } from '../agent/send-in-session.js';
import type { SessionHearing } from '../agent/service-agent.js';
import { SHARES } from '../agent/shares.js';
import { SUCCESSION } from '../agent/succession.js';
import { warner } from '../agent/warnings.js';
import type { CryptoProvider } from '../crypto/provider.js';
import { DISCOVER_SCOPE } from '../discovery/capability-statement.js';
import type { Result } from '../errors/result.js';
import type { InboundRequest } from '../http/decision.js';
import { ENVELOPE_TYPE } from '../http/media-type.js';
import { parseInvite } from '../invites/code.js';
import { MemoryTrustRegistry } from '../registry/memory.js';
import { HttpsTransportAdapter } from '../transport/https.js';
import type { TrustRegistry } from '../types/ports.js';
import type { Clock, Scope } from '../types/protocol.js';
import { environment } from '../util/environment.js';
import { given } from '../util/given.js';
import {
  checkOptions,
  integerIn,
  isBoolean,
  isObject,
  isPromptFunction,
  isString,
  type OptionCheck,
} from '../util/options.js';
import { withDiscovery } from './agent-discovery.js';
import { withReceipts } from './agent-receipts.js';
import { LoadedCarrier, offeringSessions } from './agent-sessions.js';
import { DualModeAdapter } from './dual-mode-adapter.js';
import type { ExpressMiddleware } from './express/middleware.js';

/** Options of `agent.middleware()`. */
export interface AgentMiddlewareOptions {
  /**
   * Refuses messages that are not bound to method, path and query. Default `true`: one that was sent to another route, or over
   * another channel, is not taken here. `HttpsTransportAdapter` binds what it sends; `createEnvelope({ request })` does.
   */
  readonly requireRequestBinding?: boolean;
  /** Accepts signed-only envelopes in bodies. Default `false`. */
  readonly allowCleartext?: boolean;
  /** Adds hint and field to problem bodies. Default `false`. */
  readonly exposeDetails?: boolean;
  /** Bytes of bodies held while their signatures are not verified; see {@link DualModeOptions.maxUnauthenticatedBytes}. Default 32 MiB. */
  readonly maxUnauthenticatedBytes?: number;
  /** The IP address that counts for that; see {@link DualModeOptions.addressOf}. */
  readonly addressOf?: (request: InboundRequest) => string | undefined;
  /** How many processes serve the route; see {@link DualModeOptions.instances}. Default: as there. */
  readonly instances?: number;
  /**
   * Takes messages in sessions, too: one signed handshake, and then messages that are encrypted, single-use, scoped and revocable without a
   * signature each, so that they prove their sender to this agent alone. Senders whose transport may use them
   * (`HttpsTransportOptions.session`) open them at this very route. Default `false`.
   */
  readonly sessions?: boolean | MessageSessionOptions;
}

/** Options of `sessions` of {@link AgentMiddlewareOptions}; as those of an adapter, but that senders sign nothing afterwards. */
export type MessageSessionOptions = Omit<SessionOptions, 'checkpoints' | 'onCheckpoint'>;

const isSessions: OptionCheck = (value) =>
  typeof value === 'boolean' || !isObject(value) ? undefined : 'true, false or an object of options';
const isNotForMessages: OptionCheck = () =>
  'left out: what is sent in a session is not signed afterwards; use never for scopes that need a signature';

/** What only requests to an API have is refused by name. */
function checkSessions(sessions: boolean | MessageSessionOptions = false): void {
  if (typeof sessions === 'boolean') return;
  const { checkpoints, onCheckpoint } = sessions as SessionOptions;
  const checks = { checkpoints: isNotForMessages, onCheckpoint: isNotForMessages };
  checkOptions('Agent.middleware: sessions', { ...given({ checkpoints, onCheckpoint }) }, checks);
}

/** Options of `Agent.lazy()`. */
export interface LazyAgentOptions extends AgentOptions {
  /**
   * An invite code (`XLK-…`), or its link, that is accepted before the first message is sent. Without a `transport`, messages go to the
   * one who invites. Default: the variable `XLINK_INVITE_CODE` of the environment, or none.
   */
  readonly invite?: string;
  /**
   * The identity, or how to get it, such as `() => identityFromFile('state/identity.der')`. An invite is good for one identity: a
   * program that starts more than once needs to keep its own. Default: a new one, for this process.
   */
  readonly identity?: IdentitySource;
}

/**
 * An identity at work: it seals what it sends, and verifies and opens what it receives. Agents are peers; there is no
 * client and no server among them.
 */
export class Agent extends PeerAgent {
  /** Messages in shares, which `BaseAgent` does without. @internal */
  static override readonly shares = SHARES;
  /** Encryption keys in a store. @internal */
  static override readonly keyEpochs = KEY_EPOCHS;
  /** Making successions. @internal */
  static override readonly succession = SUCCESSION;
  /** Its published keys, which follow a key store. @internal */
  static override readonly newKeys = (): AgentKeys => new AgentKeys();
  /** Tells warnings, or prints the first of each type. @internal */
  static override readonly warner = warner;
  /** The registry of an agent that is given none. @internal */
  static override readonly newRegistry = (crypto: CryptoProvider | undefined): TrustRegistry =>
    new MemoryTrustRegistry(crypto ? { crypto } : {});

  /** Messages in sessions, loaded where a transport has some. @internal */
  static override readonly carrier = (agent: PeerAgent): MessageCarrier => new LoadedCarrier(agent);

  readonly #audit: AuditedMessages | undefined;
  readonly #clock: Clock | undefined;
  #invite: string | undefined;
  #accepting: Promise<unknown> | undefined;

  /**
   * Returns at once; the identity is made and registered at the first use. With an invite, that is accepted at the first `send`, which
   * fails as it does. Throws `INVALID_OPTION`, or `INVITATION_REFUSED:MALFORMED` for a code that is none.
   */
  static override lazy<A extends BaseAgent>(this: AgentClass<A>, options: LazyAgentOptions = {}): A {
    checkAgentOptions('Agent.lazy', options, this, { invite: isString, identity: isIdentitySource });
    const { invite = environment('XLINK_INVITE_CODE'), identity, ...rest } = options;
    const url = invite ? parseInvite(invite).url : undefined;
    const transport = url === undefined ? {} : { transport: new HttpsTransportAdapter({ baseUrl: url }) };
    const known = { ...transport, ...rest };
    const agent = identity
      ? new this({ ...known, identity })
      : BaseAgent.lazy.call<AgentClass<A>, [AgentOptions], A>(this, known);
    if (invite && agent instanceof Agent) agent.#invite = invite;
    return agent;
  }

  /** Puts an agent together from its parts: synchronous, registers nothing. Throws `INVALID_OPTION`. */
  constructor(options: AgentOptions & { readonly identity: IdentitySource }) {
    super(withAudit(options));
    this.#audit = options.audit && new AuditedMessages(options.audit);
    this.#clock = options.clock;
  }

  /** Seals for the recipient and hands the envelope to the transport, if the policy of this agent lets it. An invite is accepted first. */
  override async send(options: MessageOptions): Promise<Result<MessageOutcome>> {
    const accepted = await attempt(() => this.#acceptOnce());
    return accepted.ok ? super.send(options) : accepted;
  }

  /** One whose terms the registry has already was accepted before a restart. */
  async #accept(invite: string): Promise<void> {
    const { from, scopes } = parseInvite(invite);
    const entry = await callRegistry(() => this.registry.lookup(from), 'LOOKUP_FAILED');
    const isKnown = (scope: Scope) => entry?.receiveScopes?.includes(scope);
    if (entry?.status === 'active' && entry.keys && scopes.every(isKnown)) return;
    const { acceptInvite } = await import('../invites/accept.js');
    await acceptInvite(this, invite);
  }

  /** What failed is tried again with the next message. */
  async #acceptOnce(): Promise<void> {
    const invite = this.#invite;
    if (invite === undefined) return;
    this.#accepting ??= this.#accept(invite);
    try {
      await this.#accepting;
      this.#invite = undefined;
    } finally {
      this.#accepting = undefined;
    }
  }

  /** @internal */
  override receiveContent(input: ReceiveInput, options: ReceiveRules = {}): Promise<Result<Received>> {
    const receive = (rules: ReceiveRules) => super.receiveContent(input, rules);
    return this.#audit ? this.#audit.receive(input, options, receive) : receive(options);
  }

  /** @internal */
  override async receiveInSession<H extends SessionHearing>(
    hear: H,
    receive: (hear: H & SessionHearing) => Promise<Received>,
  ): Promise<Received> {
    const receiveHere = (heeded: H & SessionHearing) => super.receiveInSession(heeded, receive);
    if (!this.#audit) return receiveHere(hear);
    return this.#audit.receiveInSession((await this.context()).identity.did, hear, receiveHere);
  }

  /**
   * Express middleware for a route that takes envelopes and nothing else, as `application/xlink-envelope` or
   * `application/json`: what was received is in `req.agentMessage`, its payload in `req.body`.
   */
  middleware(options: AgentMiddlewareOptions = {}): ExpressMiddleware {
    checkOptions('Agent.middleware', options, {
      requireRequestBinding: isBoolean,
      allowCleartext: isBoolean,
      exposeDetails: isBoolean,
      maxUnauthenticatedBytes: integerIn(2048, 2 ** 40),
      addressOf: isPromptFunction,
      instances: integerIn(1, 100_000),
      sessions: isSessions,
    });
    checkSessions(options.sessions);
    const adapter = new DualModeAdapter(
      {
        ...options,
        ...given({ clock: this.#clock }),
        requireRequestBinding: options.requireRequestBinding ?? true,
        agent: this,
        mode: 'xlink-only',
        legacyKeyValidator: () => null,
      },
      { bodyTypes: [ENVELOPE_TYPE, 'application/json'], kind: 'message', alsoScope: DISCOVER_SCOPE },
    );
    const middleware = withReceipts(this, withDiscovery(this, adapter.middleware()));
    return options.sessions ? offeringSessions(middleware) : middleware;
  }
}
