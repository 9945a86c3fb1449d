import type { Result } from '../errors/result.js';
import type { AgentMessage } from '../types/protocol.js';
import { checkOptions, isBoolean, isObject } from '../util/options.js';
import { BaseAgent } from './agent.js';
import { attempt } from './attempt.js';
import { consume, type MessageHandler, type OnMessageOptions } from './consume.js';
import { Inbox } from './inbox.js';
import type { ReceiveOptions } from './receive.js';
import type { ReceiveInput } from './receive-input.js';
import { type ReceiveNextOptions, receiveNext } from './receive-next.js';

/** An agent that takes what its transports bring. */
export class ReceivingAgent extends BaseAgent {
  #inbox: Inbox | undefined;

  /** Without an argument it is {@link ReceivingAgent.receiveNext}. */
  override receive<T = unknown>(
    ...args: [] | [input: ReceiveInput, options?: ReceiveOptions | undefined]
  ): Promise<Result<AgentMessage<T>>> {
    return args.length === 0 ? this.receiveNext<T>() : super.receive<T>(...args);
  }

  /**
   * Waits for the next message that the transports bring. From the first call on they hand envelopes to this agent, which
   * holds up to 1000 of them in memory: where none may be lost with the process, use {@link ReceivingAgent.onMessage} instead.
   */
  async receiveNext<T = unknown>(options: ReceiveNextOptions = {}): Promise<Result<AgentMessage<T>>> {
    const received = await attempt(async () => {
      checkOptions('receiveNext', options, { allowCleartext: isBoolean, signal: isObject });
      const { did, transports, isMine } = await this.mail();
      this.#inbox ??= new Inbox(did, transports, isMine);
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

  /** Closes the transports, and lets encryption keys be rotated by traffic alone. */
  override dispose(): void {
    this.#inbox?.close();
    super.dispose();
  }
}
