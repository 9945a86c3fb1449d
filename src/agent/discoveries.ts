import { type DiscoveredAgent, readStatement } from '../discovery/capability-statement.js';
import { DEFAULT_TOOL_LIMITS, type ToolLimits } from '../discovery/tool.js';
import { isXlinkError, toXlinkError, xlinkError } from '../errors/service-errors.js';
import { untilAborted, withDeadline } from '../http/abort.js';
import { looksLikeDidKey } from '../identity/did.js';
import type { Did, Envelope } from '../types/protocol.js';
import { BoundedMap } from '../util/bounded-map.js';
import { given } from '../util/given.js';
import { KeyedMutex } from '../util/keyed-mutex.js';
import { askOver, type Question, questionTo } from './ask-capabilities.js';
import type { AgentContext } from './context.js';
import { checkDiscoverAgentOptions, type DiscoverAgentOptions } from './discover-options.js';
import { didOfRecipient } from './named-recipient.js';

/** Statements that are kept at most: each may be some 100 KiB. */
const CAPACITY = 256;
/** DIDs at most of which it is known how new the newest was. */
const NEWEST_CAPACITY = 10_000;

/** Who asks: the identity that receives, and the one that signs now. */
export interface Asking {
  readonly context: AgentContext;
  readonly present: AgentContext;
  readonly isReceiving: boolean;
}

/** What other agents say of themselves: asked, checked, and kept as long as it is good. */
export class Discoveries {
  readonly #said = new BoundedMap<Did, DiscoveredAgent>(CAPACITY);
  /** `issuedAt` of the newest statement: nothing much older is taken after it. */
  readonly #newest = new BoundedMap<Did, number>(NEWEST_CAPACITY);
  readonly #questions = new Set<Question>();
  readonly #mutex = new KeyedMutex<Did>();

  /** Throws `CAPABILITIES_…`, and what `send` and `receive` throw. */
  async discover(asking: Asking, agent: string, options: DiscoverAgentOptions): Promise<DiscoveredAgent> {
    checkDiscoverAgentOptions(options);
    const { refresh = false, timeoutMs = 5000, signal, ...chosen } = options;
    const limits = { ...DEFAULT_TOOL_LIMITS, ...given(chosen) };
    let question: Question | undefined;
    const expired = () =>
      xlinkError('CAPABILITIES_UNAVAILABLE:NO_ANSWER', given({ cause: question?.failure }));
    const work = async (over: AbortSignal) => {
      const did = await this.#didOf(asking, agent);
      const find = async () => {
        over.throwIfAborted();
        const to = await this.#standing(asking, did);
        const said = this.#said.get(to);
        if (said && !refresh && asking.present.clock() < said.notAfter) return said;
        question = questionTo(to, asking.context, (content) => this.#read(asking, to, content, limits));
        return this.#ask(asking, question, over);
      };
      // One at a time, and none holds up the next for longer than its own time.
      return this.#mutex.run(did, () => untilAborted(find(), over));
    };
    try {
      return await withDeadline(timeoutMs, expired, work, signal);
    } catch (error) {
      if (signal?.aborted && !isXlinkError(error)) throw xlinkError('NETWORK_ERROR', { cause: error });
      throw toXlinkError(error);
    }
  }

  /** Takes an answer that came as a message; what answers nothing is let go. */
  async hear(envelope: Envelope): Promise<void> {
    for (const question of this.#questions)
      if (question.nonces.has(envelope.inReplyTo!)) await question.hear(envelope);
  }

  forget(did: Did): void {
    this.#said.delete(did);
    this.#newest.delete(did);
  }

  async #didOf({ present }: Asking, agent: string): Promise<Did> {
    const did = typeof agent === 'string' ? await didOfRecipient(present.registry, agent) : agent;
    if (!looksLikeDidKey(did))
      throw xlinkError('INVALID_DID', {
        field: 'did',
        hint: 'Pass a did:key or a name of the registry; registerDidWeb() puts a did:web there.',
      });
    return did;
  }

  /** The DID that counts now, by the registry, which is asked each time: what was kept of one that does not count is forgotten. */
  async #standing({ present }: Asking, did: Did): Promise<Did> {
    try {
      return (await present.peers.resolveRecipient(did)).peer.did;
    } catch (error) {
      const isDown = isXlinkError(error) && error.id === 'LOOKUP_FAILED';
      if (!isDown) this.#said.delete(did);
      throw error;
    }
  }

  async #ask(asking: Asking, question: Question, over: AbortSignal): Promise<DiscoveredAgent> {
    this.#questions.add(question);
    try {
      const said = await askOver(asking.present, question, asking.isReceiving, over);
      this.#said.set(question.to, said);
      this.#newest.set(question.to, Math.max(said.issuedAt, this.#newest.get(question.to) ?? 0));
      return said;
    } finally {
      this.#questions.delete(question);
    }
  }

  #read({ context }: Asking, did: Did, content: Uint8Array | undefined, limits: ToolLimits): DiscoveredAgent {
    const { clock, timestampWindowMs: skewMs } = context;
    const newest = this.#newest.get(did);
    return readStatement(content, { ...limits, did, now: clock(), skewMs, newest });
  }
}
