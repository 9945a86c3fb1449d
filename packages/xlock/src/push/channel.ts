import {
  Agent,
  GatewayTransport,
  type Identity,
  type KeyRecord,
  MemoryNonceStore,
  MemoryTrustRegistry,
  type WebSocketClass,
} from '@private.me/xlink';
import { XlockError } from '../errors.js';
import { checkNames, checkValue, invalidOption, isFunction, isText } from '../util/options.js';

/** What travels between service and device. */
export const SCOPES = {
  challenge: 'xlock:challenge',
  answer: 'xlock:answer',
  outcome: 'xlock:outcome',
} as const;

/** How long a message may lie at the relay, in ms: no challenge lives longer than an hour. */
const MAX_AGE_MS = 3_600_000;

/** Options of {@link RelayChannel}. */
export interface RelayChannelOptions {
  /** Who sends and receives: the service, or the device. One process receives for it at a time. */
  readonly identity: Identity;
  /** Where the relay is, without its path `/relay`. https; http for this machine only. */
  readonly relayUrl: string;
  /** DID of the relay. Default: the one that it shows at its address. */
  readonly relayDid?: string;
  /** Receives over a WebSocket of this class: that of the platform or of the package `ws`. Default: long poll. */
  readonly webSocket?: WebSocketClass;
  /** Told what went wrong while receiving; it goes on by itself. Default: not called. */
  readonly onError?: (error: unknown) => void;
}

/** A message that came: its sender is proven, its content was sealed. */
export interface ChannelMessage {
  readonly from: string;
  readonly scope: string;
  readonly payload: unknown;
}

/** Where the keys of somebody are who is not known yet, as after a restart; `undefined`: it is a stranger. */
export type FindPeer = (
  did: string,
) => Promise<{ readonly keys: KeyRecord; readonly scopes: readonly string[] } | undefined>;

/** A connection to a relay of xLink, end-to-end encrypted: the relay sees who talks to whom, and when, and nothing else. */
export class RelayChannel {
  readonly #agent: Agent;
  readonly #registry = new MemoryTrustRegistry();
  readonly #onError: (error: unknown) => void;
  #find: FindPeer | undefined;

  /** Throws `INVALID_OPTION`. */
  constructor(options: RelayChannelOptions) {
    checkNames('RelayChannel', options, ['identity', 'relayUrl', 'relayDid', 'webSocket', 'onError']);
    const { identity, onError = () => {}, ...relay } = options;
    if (typeof Object(identity).did !== 'string')
      throw invalidOption('identity', 'RelayChannel: identity must be an Identity of @private.me/xlink.');
    checkValue('RelayChannel', 'relayUrl', options.relayUrl, isText, 'the URL of the relay');
    checkValue('RelayChannel', 'webSocket', options.webSocket, isFunction, 'the class WebSocket');
    checkValue('RelayChannel', 'onError', options.onError, isFunction, 'a function');
    this.#onError = onError;
    this.#agent = new Agent({
      identity,
      registry: {
        lookup: async (did) => this.#registry.lookup(did) ?? (await this.#found(did)),
        register: (entry) => this.#registry.register(entry),
        updateKeys: (record) => this.#registry.updateKeys(record),
      },
      transport: new GatewayTransport({ ...relay, onError }),
      maxAgeMs: MAX_AGE_MS,
      // A challenge that comes twice is shown once, and takes one answer: nothing is lost with what was remembered.
      nonceStore: new MemoryNonceStore({ coldStart: 'accept' }),
      discoverable: false,
    });
  }

  /** DID of this end. */
  get did(): string {
    return this.#agent.did;
  }

  /** How this end is reached: for the other one. */
  keys(): Promise<KeyRecord> {
    return this.#agent.keyRecord();
  }

  /** Takes messages of these scopes from somebody; with `keys` it can also be sent to. Throws `RESPONSE_DEVICE_MISMATCH` for keys of another. */
  async know(did: string, scopes: readonly string[], keys?: KeyRecord): Promise<void> {
    if (keys && keys.did !== did) throw new XlockError('RESPONSE_DEVICE_MISMATCH');
    const entry = { did, sendScopes: scopes, receiveScopes: Object.values(SCOPES) };
    const known = this.#registry.lookup(did);
    const changed = known
      ? keys
        ? await this.#registry.updateKeys(keys)
        : undefined
      : await this.#registry.register({ ...entry, ...(keys ? { keys } : {}) });
    if (changed && !changed.ok) throw new XlockError('PUSH_NOTIFICATION_DISABLED', { cause: changed.error });
  }

  /** Sends to somebody whose keys are known; resolves once the relay has it. Throws `PUSH_NOTIFICATION_DISABLED`. */
  async send(to: string, scope: string, payload: unknown): Promise<void> {
    const sent = await this.#agent.send({ to, scope, payload });
    if (!sent.ok) throw new XlockError('PUSH_NOTIFICATION_DISABLED', { cause: sent.error });
  }

  /** Takes what comes from now on. What the handler throws is told to `onError`, and the message does not come again. `find`: default none. */
  listen(handler: (message: ChannelMessage) => Promise<void> | void, find?: FindPeer): void {
    this.#find = find;
    this.#agent.onMessage(
      async ({ sender, scope, payload }) => {
        try {
          await handler({ from: sender, scope, payload });
        } catch (error) {
          this.#onError(error);
        }
      },
      { onRefused: (error) => this.#onError(error) },
    );
  }

  async #found(did: string) {
    const peer = await this.#find?.(did);
    if (!peer) return undefined;
    await this.know(did, peer.scopes, peer.keys);
    return this.#registry.lookup(did);
  }

  /** Ends the connection. */
  close(): void {
    this.#agent.dispose();
  }
}
