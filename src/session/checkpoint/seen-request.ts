import type { CryptoProvider } from '../../crypto/provider.js';
import { type Content, framePlaintext } from '../../envelope/plaintext.js';
import { xlinkError } from '../../errors/service-errors.js';
import type { SealStart } from '../../http/answer-head.js';
import { encodeBase64url } from '../../util/base64url.js';
import type { OpenSession, SessionRules } from '../sessions.js';
import { leafOf, PlaintextHash } from './leaf.js';
import type { LeafStore, SeenLeaf } from './ports.js';

/** A request as it was opened. */
interface Opened {
  readonly seq: number;
  readonly digest: Uint8Array;
  readonly content: Content;
}

/** What was sealed of a request. */
interface SeenSealed {
  readonly plaintext: Uint8Array;
  readonly leaf: Uint8Array;
}

/** What this service sees of one request, for the checkpoint that is to come. */
class SeenRequest {
  readonly #leaves: LeafStore;
  readonly #crypto: CryptoProvider;
  readonly #session: OpenSession;
  readonly #opened: Opened;
  #plaintext: Uint8Array | undefined;
  #leaf: Uint8Array | undefined;

  constructor(leaves: LeafStore, crypto: CryptoProvider, session: OpenSession, opened: Opened) {
    this.#leaves = leaves;
    this.#crypto = crypto;
    this.#session = session;
    this.#opened = opened;
  }

  /** SHA-256 of the request as it was sealed, and its leaf; 32 bytes each. */
  async leaf(): Promise<SeenSealed> {
    const { digest, content } = this.#opened;
    this.#plaintext ??= await this.#crypto.sha256(framePlaintext('request', this.#session.from, content));
    this.#leaf ??= await leafOf(this.#crypto, digest, this.#plaintext);
    return { plaintext: this.#plaintext, leaf: this.#leaf };
  }

  /** Throws `SESSION_STORE_UNAVAILABLE`. */
  async keep(answer?: Uint8Array): Promise<void> {
    const { seq, digest } = this.#opened;
    const { plaintext, leaf } = await this.leaf();
    const kept: SeenLeaf = { sid: this.#session.id, seq, leaf: encodeBase64url(leaf) };
    const answered = answer && (await leafOf(this.#crypto, digest, plaintext, answer));
    const whole = answered && { answered: encodeBase64url(answered), answer: encodeBase64url(answer) };
    try {
      await this.#leaves.keep({ ...kept, ...whole });
    } catch (cause) {
      throw xlinkError('SESSION_STORE_UNAVAILABLE', { cause });
    }
  }

  /** What is answered is kept before its last bytes are on their way. */
  watch(seal: SealStart): SealStart {
    return async (start, isFinal) => {
      const hash = new PlaintextHash(this.#crypto);
      const see = async (plaintext: Uint8Array, isLast: boolean) => {
        const whole = hash.more(plaintext, isLast);
        if (whole) await this.keep(whole);
      };
      const begun = await seal(start, isFinal);
      await see(framePlaintext('answer', this.#session.to, start), isFinal);
      return {
        ...begun,
        async chunk(bytes, isLast, memory) {
          await see(bytes, isLast);
          return begun.chunk(bytes, isLast, memory);
        },
      };
    };
  }
}

export type { SeenRequest };

/** `undefined` where nothing is compared. */
export const seenRequest = (
  { checkpoints }: Pick<SessionRules, 'checkpoints'>,
  crypto: CryptoProvider,
  session: OpenSession,
  opened: Opened,
): SeenRequest | undefined =>
  checkpoints?.leaves && new SeenRequest(checkpoints.leaves, crypto, session, opened);

/** Seals, and sees what is sealed. */
export const witnessed = (seen: SeenRequest | undefined, seal: SealStart): SealStart =>
  seen ? seen.watch(seal) : seal;
