import { revokedAmong } from '../standing.js';
import type { GroupHost } from './host.js';
import type { GroupState } from './state.js';

/** The longest delay before a member does what those before it did not do, in ms. */
const MAX_DELAY_MS = 30_000;

/**
 * Sees to it that revoked members, and those who asked to leave, are removed. The first member of the tree does it at once; each
 * further one waits a little longer, and finds it done.
 */
export class GroupKeeper {
  readonly #host: GroupHost;
  readonly #state: GroupState;
  readonly #remove: (dids: readonly string[]) => Promise<void>;
  #revoked: ReadonlySet<string> = new Set();
  #timer: NodeJS.Timeout | undefined;

  /** `remove`: commits. */
  constructor(host: GroupHost, state: GroupState, remove: (dids: readonly string[]) => Promise<void>) {
    this.#host = host;
    this.#state = state;
    this.#remove = remove;
  }

  /** Members that are revoked, as far as is known. */
  get revoked(): readonly string[] {
    return this.#state.view.members.map(({ did }) => did).filter((did) => this.#revoked.has(did));
  }

  /** Asks the registry about one member, or all. */
  async check(did?: string): Promise<void> {
    const members = this.#state.view.members.map((one) => one.did).filter((one) => one !== this.#host.did);
    const asked = did === undefined ? members : members.filter((one) => one === did);
    if (asked.length === 0 || !this.#isWorking()) return;
    const found = await revokedAmong(this.#host.registry, asked, this.#host.clock());
    const others = [...this.#revoked].filter((one) => !asked.includes(one));
    this.#revoked = new Set([...others, ...found]);
    this.look();
  }

  /** Plans a commit if somebody is to go. */
  look(): void {
    const { view } = this.#state;
    const going = [...new Set([...this.revoked, ...view.leaving])];
    if (going.length === 0 || this.#timer || !this.#isWorking()) return;
    if (view.leaving.includes(this.#host.did)) return;
    const staying = view.members.filter(({ did }) => !going.includes(did));
    const rank = staying.findIndex(({ did }) => did === this.#host.did);
    if (rank === -1) return; // revoked itself
    const delay = Math.min(rank * this.#host.removeDelayMs, MAX_DELAY_MS);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.#work(going);
    }, delay);
    this.#timer.unref();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  async #work(going: readonly string[]): Promise<void> {
    const { view, record } = this.#state;
    const left = going.filter((did) => view.members.some((one) => one.did === did));
    if (left.length === 0 || !this.#isWorking()) return;
    try {
      await this.#remove(left);
    } catch (error) {
      this.#host.tell({ type: 'fault', group: record.group, error });
    }
    this.look();
  }

  #isWorking(): boolean {
    const { record, view } = this.#state;
    return view.isActive && !record.isForked && !record.isRolledBack && !this.#host.closed.aborted;
  }
}
