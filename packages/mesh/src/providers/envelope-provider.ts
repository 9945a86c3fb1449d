import { Agent, type AgentMessage } from '@private.me/xlink';
import type { ChannelProvider, OpenOptions, Reach, SecureChannel, Target } from '../channel.js';
import { MeshError } from '../errors/mesh-error.js';
import { checkNames, checkValue, invalidOption, isFunction, isText } from '../util/options.js';
import { SimpleChannel } from './simple-channel.js';

/** Options of {@link EnvelopeProvider}. */
export interface EnvelopeProviderOptions {
  /** Seals, sends, verifies and opens. Its transport should keep what cannot be delivered, as a relay does. */
  readonly agent: Agent;
  /** Scope of the messages: the registry must let the agents send and receive it. Default `mesh:channel`. */
  readonly scope?: string;
  /** Told what a listener threw. Default: nobody. */
  readonly onFault?: (error: unknown) => void;
}

/** Channels of which each message is one envelope: what is left where there are no other keys than the key record. */
export class EnvelopeProvider implements ChannelProvider {
  readonly kind = 'envelope';
  readonly #agent: Agent;
  readonly #scope: string;
  readonly #onFault: (error: unknown) => void;
  readonly #channels = new Map<string, SimpleChannel>();
  #onChannel: ((channel: SecureChannel) => void) | undefined;

  /** Throws `INVALID_OPTION`. */
  constructor(options: EnvelopeProviderOptions) {
    const owner = 'EnvelopeProvider';
    checkNames(owner, options, ['agent', 'scope', 'onFault']);
    if (!(options.agent instanceof Agent)) throw invalidOption('agent', `${owner}: agent must be an Agent.`);
    checkValue(owner, 'scope', options.scope, isText, 'a scope');
    checkValue(owner, 'onFault', options.onFault, isFunction, 'a function');
    this.#agent = options.agent;
    this.#scope = options.scope ?? 'mesh:channel';
    this.#onFault = options.onFault ?? (() => {});
  }

  /** Asks the agent's registry alone: whether the other side is there, no envelope needs to know. */
  async canReach({ did }: Target): Promise<Reach> {
    if (did === undefined) return { state: 'unsupported', why: 'no DID' };
    const entry = await this.#agent.registry.lookup(did);
    if (!entry?.keys) return { state: 'unsupported', why: 'no key record' };
    return { state: 'offline', postQuantum: entry.keys.mlKem768 !== undefined };
  }

  /** Opens a channel: nothing is sent before its first message. */
  async open({ did }: Target, _options: OpenOptions = {}): Promise<SecureChannel> {
    if (did === undefined) throw invalidOption('did', 'EnvelopeProvider: a target needs a DID.');
    return this.#channelOf(did).channel;
  }

  /**
   * Gives every message of the scope to its channel; a new one goes to the listener. Begins to receive: give other messages of the same
   * agent to `onOther`.
   */
  listen(
    onChannel: (channel: SecureChannel) => void,
    onOther: (message: AgentMessage) => void | Promise<void> = () => {},
  ): void {
    this.#onChannel = onChannel;
    this.#agent.onMessage((message) => (this.take(message) ? undefined : onOther(message)));
  }

  /** Takes a message that the application received; `false` if it is none of a channel. For agents that have a handler already. */
  take({ sender, scope, payload }: AgentMessage): boolean {
    const data = (payload as { readonly mesh?: unknown } | undefined)?.mesh;
    if (scope !== this.#scope || typeof data !== 'string') return false;
    const { channel, isNew } = this.#channelOf(sender);
    if (isNew) this.#onChannel?.(channel);
    channel.take(new Uint8Array(Buffer.from(data, 'base64url')));
    return true;
  }

  #channelOf(did: string): { readonly channel: SimpleChannel; readonly isNew: boolean } {
    const known = this.#channels.get(did);
    if (known) return { channel: known, isNew: false };
    const channel = new SimpleChannel('envelope', did, (data) => this.#send(did, data), this.#onFault);
    this.#channels.set(did, channel);
    void channel.closed.then(() => this.#channels.delete(did));
    return { channel, isNew: true };
  }

  async #send(did: string, data: Uint8Array): Promise<void> {
    const payload = { mesh: Buffer.from(data).toString('base64url') };
    const sent = await this.#agent.send({ to: did, scope: this.#scope, payload });
    if (!sent.ok) throw new MeshError('SEND_FAILED', { cause: sent.error });
  }
}
