import type { X0xId } from '../identity/ids.js';
import type { AgentCertificate } from '../layouts/certificate.js';
import { assertRevocation, hashOfRevocation, isOwn, type Revocation } from '../layouts/revocation.js';
import {
  decodeRevocationFile,
  encodeRevocationFile,
  type KeptRevocation,
} from '../layouts/revocation-file.js';
import { bytesIn, replaceFile } from '../util/private-file.js';

/** Records kept at most: who has the right to revoke one id can make as many as there are seconds. */
const MOST = 10_000;
/** Of one subject: the first is enough, a few more say why. */
const MOST_OF_ONE = 4;

/** The revocations that an instance knows, in `revocations.bin`. The set only grows, and everything in it was verified. */
export class Revocations {
  readonly #path: string;
  readonly #kept = new Map<string, KeptRevocation>();
  readonly #counts = new Map<string, number>();
  #writing: Promise<unknown> = Promise.resolve();

  private constructor(path: string) {
    this.#path = path;
  }

  /** Opens the file; what in it does not verify is passed over. Throws `REVOCATION_INVALID:FILE` for one that cannot be read. */
  static async open(path: string): Promise<Revocations> {
    const set = new Revocations(path);
    for (const kept of decodeRevocationFile((await bytesIn(path)) ?? new Uint8Array(0))) {
      try {
        set.#insert(kept.revocation, kept.certificate);
      } catch {
        // somebody else wrote into the file: it revokes nobody
      }
    }
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
   * Verifies a record and keeps it, on the disk; `false` if nothing was new. `certificate`: what is known of the agent, for records by its
   * user. Throws `REVOCATION_INVALID…`.
   */
  async add(revocation: Revocation, certificate?: AgentCertificate): Promise<boolean> {
    if (!this.#insert(revocation, certificate)) return false;
    const done = this.#writing.then(() =>
      replaceFile(this.#path, encodeRevocationFile([...this.#kept.values()])),
    );
    this.#writing = done.catch(() => {});
    await done;
    return true;
  }

  #insert(revocation: Revocation, certificate: AgentCertificate | undefined): boolean {
    const hash = hashOfRevocation(revocation);
    if (this.#kept.has(hash)) return false;
    assertRevocation(revocation, certificate);
    const { kind, id } = revocation.subject;
    const count = this.#counts.get(`${kind} ${id}`) ?? 0;
    if (count >= MOST_OF_ONE || (count > 0 && this.#kept.size >= MOST)) return false;
    this.#counts.set(`${kind} ${id}`, count + 1);
    this.#kept.set(hash, isOwn(revocation) ? { revocation } : { revocation, certificate });
    return true;
  }
}
