import type { X0xId } from '../identity/ids.js';
import { isRejected, type TrustDecision } from '../trust/evaluate.js';
import type { DirectListener, DirectMessage } from './direct.js';

/** Messages that are held while nobody listens. */
const MOST = 256;
/** Of one sender: then its own oldest goes. */
const MOST_OF_ONE = 32;

/** Those whose messages go first when there are too many. */
const RANKS: readonly TrustDecision[] = ['Unknown', 'AcceptWithFlag', 'Accept'];

/** What comes of an agent on a machine now. */
export type Judge = (agentId: X0xId, machineId: X0xId) => TrustDecision;

/** Those who listen for direct messages. What comes before there is one waits in memory. */
export class DirectListeners {
  readonly #listeners = new Set<DirectListener>();
  readonly #judge: Judge;
  #waiting: DirectMessage[] = [];

  constructor(judge: Judge) {
    this.#judge = judge;
  }

  /** Adds a listener, and hands it what waits, as far as its senders are not rejected meanwhile. Returns how to remove it. */
  add(listener: DirectListener): () => void {
    this.#listeners.add(listener);
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const message of waiting) {
      const decision = this.#judge(message.agentId, message.machineId);
      if (isRejected(decision)) continue;
      Promise.resolve({ ...message, decision })
        .then(listener)
        .catch(() => {}); // acknowledged already
    }
    return () => void this.#listeners.delete(listener);
  }

  /** Hands a message over. Rejects with what a listener throws. */
  async tell(message: DirectMessage): Promise<void> {
    if (this.#listeners.size === 0) this.#wait(message);
    else for (const listener of this.#listeners) await listener(message);
  }

  #wait(message: DirectMessage): void {
    this.#waiting.push(message);
    const ofSender = this.#waiting.filter(({ agentId }) => agentId === message.agentId);
    if (ofSender.length > MOST_OF_ONE) this.#drop(ofSender[0]!);
    else if (this.#waiting.length > MOST) this.#drop(this.#leastTrusted());
  }

  #drop(message: DirectMessage): void {
    this.#waiting = this.#waiting.filter((one) => one !== message);
  }

  /** The oldest of those from whom least is taken. */
  #leastTrusted(): DirectMessage {
    const rank = ({ agentId, machineId }: DirectMessage) => RANKS.indexOf(this.#judge(agentId, machineId));
    return this.#waiting.reduce((least, one) => (rank(one) < rank(least) ? one : least));
  }
}
