import { bytesOfFile, replacePrivateFile } from '@private.me/xlink/file';
import { X0xError } from '../errors.js';
import type { X0xId } from '../identity/ids.js';
import type { AgentCertificate } from '../layouts/certificate.js';
import { assertRevocation, hashOfRevocation, isOwn, type Revocation } from '../layouts/revocation.js';
import {
  decodeRevocationFile,
  encodeRevocationFile,
  type KeptRevocation,
} from '../layouts/revocation-file.js';
import { assertUnshared } from '../util/private-file.js';

/** Records about agents and machines that are not known here: anybody can make any number of them. */
const MOST_UNKNOWN = 1000;
/** Of one subject: the first is enough, a few more say why. */
const MOST_OF_ONE = 4;

/** What is said beside a revocation. */
export interface RevocationContext {
  /** What the agent has shown, or who works here holds, for records by its user. Default: none, and only the subject itself may revoke. */
  readonly certificate?: AgentCertificate | undefined;
  /** Whether the subject is known here: of others so many are kept, and no more. Default `true`. */
  readonly isKnown?: boolean;
}

/** The revocations that an instance knows, in `revocations.bin`. The set only grows, and everything in it was verified. */
export class Revocations {
  readonly #path: string;
  readonly #kept = new Map<string, KeptRevocation>();
  readonly #counts = new Map<string, number>();
  readonly #unsaved = new Set<string>();
  #unknown = 0;
  #writing: Promise<unknown> = Promise.resolve();

  private constructor(path: string) {
    this.#path = path;
  }

  /** Opens the file. Throws `REVOCATION_INVALID:FILE` if anything in it cannot be read or verified, and `KEY_FILE_EXPOSED` if others may write it. */
  static async open(path: string): Promise<Revocations> {
    const set = new Revocations(path);
    const file = await bytesOfFile(path);
    if (!file) return set;
    await assertUnshared(path);
    for (const { revocation, certificate } of decodeRevocationFile(file)) {
      try {
        set.accept(revocation, { certificate });
      } catch (cause) {
        throw new X0xError('REVOCATION_INVALID:FILE', { cause }); // passed over, it would take back a revocation
      }
    }
    set.#unsaved.clear();
    return set;
  }

  /** Whether an agent was revoked. */
  isAgentRevoked(id: X0xId): boolean {
    return this.#counts.has(`agent ${id}`);
  }

  /** Whether a machine was revoked. */
  isMachineRevoked(id: X0xId): boolean {
    return this.#counts.has(`machine ${id}`);
  }

  /** All records, oldest first. */
  list(): readonly Revocation[] {
    return [...this.#kept.values()].map(({ revocation }) => revocation);
  }

  /**
   * Verifies a record and keeps it, on the disk; `false` if nothing was new. `certificate`: one that the agent has shown, for records by
   * its user. Throws `REVOCATION_INVALID…`, or what writing failed with: then it counts, and the same once more is written.
   */
  async add(revocation: Revocation, certificate?: AgentCertificate): Promise<boolean> {
    if (!this.accept(revocation, { certificate })) return false;
    await this.save();
    return true;
  }

  /** Verifies a record, which counts from now on; whether it is still to be saved. Throws `REVOCATION_INVALID…`. */
  accept(revocation: Revocation, { certificate, isKnown = true }: RevocationContext = {}): boolean {
    const hash = hashOfRevocation(revocation);
    if (this.#kept.has(hash)) return this.#unsaved.has(hash);
    assertRevocation(revocation, certificate);
    const { kind, id } = revocation.subject;
    const count = this.#counts.get(`${kind} ${id}`) ?? 0;
    if (count >= MOST_OF_ONE || (!isKnown && this.#unknown >= MOST_UNKNOWN)) return false;
    if (!isKnown) this.#unknown++;
    this.#counts.set(`${kind} ${id}`, count + 1);
    this.#kept.set(hash, isOwn(revocation) ? { revocation } : { revocation, certificate });
    this.#unsaved.add(hash);
    return true;
  }

  /** Writes what was accepted. What fails is written with the next one. */
  async save(): Promise<void> {
    const done = this.#writing.then(async () => {
      const written = [...this.#unsaved];
      if (written.length === 0) return;
      await replacePrivateFile(this.#path, encodeRevocationFile([...this.#kept.values()]));
      for (const hash of written) this.#unsaved.delete(hash);
    });
    this.#writing = done.catch(() => {});
    await done;
  }
}
