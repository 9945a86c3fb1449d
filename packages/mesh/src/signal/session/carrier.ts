import type { Agent, AgentMessage } from '@private.me/xlink';
import { MeshError } from '../../errors/mesh-error.js';
import { checkNames, checkValue, isBoolean, isText } from '../../util/options.js';
import { toBytes, toText } from '../prekeys/signed.js';

/** Takes a message of a peer. Rejects if it was not taken and may come again. */
export type CarrierListener = (from: string, message: Uint8Array) => Promise<void>;

/** Told why something that came was refused, such as `TIMESTAMP_EXPIRED` for what waited too long. Who sent it is not proven. */
export type CarrierRefused = (error: unknown) => void;

/**
 * Brings messages to peers, also to those that are away. It need not be trusted with contents or order. `from` must be proven:
 * {@link agentCarrier} does that by envelopes.
 */
export interface SignalCarrier {
  /** Resolves once the peer, or a relay that keeps it, has the message. */
  send(to: string, message: Uint8Array): Promise<void>;
  /**
   * Every message of every peer, until the returned function is called. One listener. `onRefused` is told of what was refused before it got
   * to the listener.
   */
  onMessage(listener: CarrierListener, onRefused?: CarrierRefused): () => void;
  /** The oldest message that it takes, in ms. Absent: messages do not become too old. */
  readonly maxAgeMs?: number;
}

/** Options of {@link agentCarrier}. */
export interface AgentCarrierOptions {
  /**
   * Who sends and receives. With a `GatewayTransport` messages wait at the relay for peers that are away: give the agent `maxAgeMs` and a
   * `nonceStore` that lasts, or it refuses what waited for more than 30 s.
   */
  readonly agent: Agent;
  /** Scope of the envelopes, which peers have to be granted. Default `mesh:signal`. */
  readonly scope?: string;
  /**
   * Whether it receives by `agent.onMessage` itself. An agent that does that for other messages too passes `false`, and hands every
   * message to `take`. Default `true`.
   */
  readonly listen?: boolean;
}

/** A carrier of envelopes. */
export interface AgentCarrier extends SignalCarrier {
  /** Takes a message that the agent received; false: it is for somebody else. Rejects if it was not taken. */
  take(message: AgentMessage): Promise<boolean>;
  /** Tells the provider's observers of an envelope that the agent refused: for `onRefused` of your own `agent.onMessage`. */
  refused(error: unknown): void;
  /** The `maxAgeMs` of the agent, in ms. */
  readonly maxAgeMs: number;
}

/**
 * Carries each message in an envelope of the agent: signed and sealed once more, so relays see neither headers nor who has which
 * session, and revoked peers are refused. Over HTTP or a relay, as the transport of the agent is.
 */
export function agentCarrier(options: AgentCarrierOptions): AgentCarrier {
  checkNames('agentCarrier', options, ['agent', 'scope', 'listen']);
  checkValue('agentCarrier', 'scope', options.scope, isText, 'a scope');
  checkValue('agentCarrier', 'listen', options.listen, isBoolean, 'true or false');
  const { agent, scope = 'mesh:signal', listen = true } = options;
  let listener: CarrierListener | undefined;
  let onRefused: CarrierRefused | undefined;
  const refused = (error: unknown) => onRefused?.(error);
  const take = async (message: AgentMessage): Promise<boolean> => {
    if (message.scope !== scope) return false;
    const { signal } = (message.payload ?? {}) as { signal?: unknown };
    if (typeof signal !== 'string') return true; // in no form; it will not be better the next time
    if (!listener) throw new MeshError('SIGNAL_NO_LISTENER');
    await listener(message.sender, toBytes(signal));
    return true;
  };
  let isListening = false;
  return {
    take,
    refused,
    maxAgeMs: agent.maxAgeMs,
    async send(to, bytes) {
      const sent = await agent.send({ to, scope, payload: { signal: toText(bytes) } });
      if (!sent.ok) throw sent.error;
    },
    onMessage(next, nextRefused) {
      listener = next;
      onRefused = nextRefused;
      if (listen && !isListening) {
        isListening = true;
        agent.onMessage(async (message) => void (await take(message)), { onRefused: refused });
      }
      return () => {
        listener = undefined;
        onRefused = undefined;
      };
    },
  };
}
