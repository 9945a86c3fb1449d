import { bytesOfFile, replacePrivateFile } from '@private.me/xlink/file';
import { decodeBytes, encodeBytes } from '../bridge/signed-text.js';
import { X0xError } from '../errors.js';
import { idOf, type X0xId } from '../identity/ids.js';
import { assertAnnouncement, decodeAnnouncement } from '../layouts/announcement.js';
import type { AgentCertificate } from '../layouts/certificate.js';
import { assertAgentWord } from './agent-word.js';

/** Agents of which some are kept. */
const MOST = 512;
/** Of one agent: humans that it named. */
const MOST_OF_ONE = 4;

/**
 * An announcement in which an agent showed the certificate of a human, as it travelled, and the signature of the agent over it. A certificate
 * alone is signed by the human only, and anybody can make one for any agent: this says that the agent is hers.
 */
export interface ShownCertificate {
  /** The announcement, at most 64 KiB. */
  readonly announcement: Uint8Array;
  /** By the agent, 3309 bytes. */
  readonly agentSignature: Uint8Array;
}

type Shown = ShownCertificate & { readonly userId: X0xId };

/**
 * Which agents have named which humans, for good: a human may revoke an agent that is silent about her meanwhile. Those of contacts are in
 * `xlink-shown.json`, others in memory.
 */
export class ShownCertificates {
  readonly #path: string;
  readonly #isContact: (agentId: X0xId) => boolean;
  readonly #shown = new Map<X0xId, readonly Shown[]>();
  #saved: string;
  #writing: Promise<unknown> = Promise.resolve();

  private constructor(path: string, isContact: (agentId: X0xId) => boolean, saved: string) {
    this.#path = path;
    this.#isContact = isContact;
    this.#saved = saved;
  }

  /** Opens the file. Throws `CONTACTS_DAMAGED`. `isContact`: whose certificates are written down. */
  static async open(path: string, isContact: (agentId: X0xId) => boolean): Promise<ShownCertificates> {
    const file = await bytesOfFile(path);
    const text = file ? new TextDecoder().decode(file) : '[]';
    const set = new ShownCertificates(path, isContact, text);
    try {
      for (const json of JSON.parse(text)) {
        const shown = shownIn(json)!;
        const { agentId, userId } = decodeAnnouncement(shown.announcement);
        set.#insert(agentId, { ...shown, userId: userId! });
      }
    } catch {
      throw new X0xError('CONTACTS_DAMAGED', { field: 'xlink-shown.json' });
    }
    return set;
  }

  /** Keeps what an agent showed, if it names a human; the first of each. It was verified. */
  async keep(shown: ShownCertificate, { agentId, userId }: { agentId: X0xId; userId?: X0xId | undefined }) {
    if (userId === undefined || this.of(agentId, userId)) return;
    this.#insert(agentId, { ...shown, userId });
    await this.#save();
  }

  /** What an agent showed of a human. */
  of(agentId: X0xId, userId: X0xId): ShownCertificate | undefined {
    return this.#shown.get(agentId)?.find((one) => one.userId === userId);
  }

  #insert(agentId: X0xId, shown: Shown): void {
    const known = this.#shown.get(agentId) ?? [];
    if (known.length >= MOST_OF_ONE) return; // who stole the key must not push out the human who was named before
    this.#shown.set(agentId, [...known, shown]);
    if (this.#shown.size <= MOST) return;
    const ids = [...this.#shown.keys()];
    this.#shown.delete(ids.find((id) => !this.#isContact(id)) ?? ids[0]!);
  }

  async #save(): Promise<void> {
    const done = this.#writing.then(async () => {
      const kept = [...this.#shown].filter(([id]) => this.#isContact(id)).flatMap(([, shown]) => shown);
      const text = JSON.stringify(kept.map(encodeShown));
      if (text === this.#saved) return;
      await replacePrivateFile(this.#path, text);
      this.#saved = text;
    });
    this.#writing = done.catch(() => {});
    await done;
  }
}

/** As it travels with a revocation, and in the file. */
export const encodeShown = ({ announcement, agentSignature }: ShownCertificate) => ({
  announcement: encodeBytes(announcement),
  agentSignature: encodeBytes(agentSignature),
});

/** Reads what {@link encodeShown} made; `undefined` for anything else. Nothing is verified. */
export function shownIn(value: unknown): ShownCertificate | undefined {
  const { announcement: text, agentSignature: signature } = Object(value);
  const announcement = decodeBytes(text);
  const agentSignature = decodeBytes(signature, 3309);
  return announcement && agentSignature && { announcement, agentSignature };
}

/**
 * The certificate of a user that an agent has shown: machine and agent have signed it. Throws `ANNOUNCEMENT_INVALID…`, `CERTIFICATE_INVALID…`,
 * or `REVOCATION_INVALID:AUTHORITY` for that of another agent or user. How long ago it was does not matter.
 */
export function certificateIn(
  shown: ShownCertificate,
  agentId: X0xId,
  userKey: Uint8Array,
): AgentCertificate {
  const announcement = decodeAnnouncement(shown.announcement);
  assertAnnouncement(announcement, announcement.announcedAt);
  assertAgentWord(announcement, shown.announcement, shown.agentSignature);
  const { certificate } = announcement;
  if (!certificate || announcement.agentId !== agentId || announcement.userId !== idOf(userKey))
    throw new X0xError('REVOCATION_INVALID:AUTHORITY');
  return certificate;
}
