import { ristretto255, ristretto255_oprf } from '@noble/curves/ed25519.js';
import { XfuseError } from '../errors.js';
import { type AttemptLimits, Attempts } from '../util/attempts.js';
import { fromBase64url, lengthPrefixed, toBase64url } from '../util/bytes.js';
import { checkNames, invalidOption } from '../util/options.js';

const { voprf } = ristretto255_oprf;

/** Whether bytes are an element other than the identity (RFC 9497 section 4.1). */
function isElement(bytes: Uint8Array | undefined): bytes is Uint8Array {
  if (bytes?.length !== 32) return false;
  try {
    return !ristretto255.Point.fromBytes(bytes).is0();
  } catch {
    return false;
  }
}

/** An answer of an OPRF server, in base64url. */
export interface OprfAnswer {
  /** The evaluated element, 32 bytes. */
  readonly evaluated: string;
  /** Proof that it was the key of this account, 64 bytes (RFC 9497 section 2.2). */
  readonly proof: string;
}

/** A server that hardens passwords: it learns neither the password nor the result, and limits how often it is asked. */
export interface Oprf {
  /** Public key of an account, 32 bytes as base64url. */
  publicKey(account: string): string | Promise<string>;
  /** Evaluates one blinded element, 32 bytes as base64url. */
  evaluate(account: string, blinded: string): OprfAnswer | Promise<OprfAnswer>;
}

/** Options of {@link OprfServer}. */
export interface OprfServerOptions {
  /** 32 random bytes; whoever has them and a record can guess offline. Keep them apart from the records. */
  readonly seed: Uint8Array;
  /** Limits per account. Default: 10 in 15 minutes, 50 a day, counted in memory. */
  readonly limits?: AttemptLimits;
}

/** The server side of a VOPRF with ristretto255-SHA512 (RFC 9497), one key per account. */
export class OprfServer implements Oprf {
  readonly #seed: Uint8Array;
  readonly #attempts: Attempts;

  /** Throws `INVALID_OPTION`. */
  constructor(options: OprfServerOptions) {
    checkNames('OprfServer', options, ['seed', 'limits']);
    if (!(options.seed instanceof Uint8Array) || options.seed.length !== 32)
      throw invalidOption('seed', 'OprfServer: seed must be 32 random bytes.');
    this.#seed = options.seed.slice();
    this.#attempts = new Attempts('OprfServer: limits', options.limits);
  }

  /** Public key of an account: 32 bytes as base64url. */
  publicKey(account: string): string {
    return toBase64url(this.#keyOf(account).publicKey);
  }

  /** Rejects with `ATTEMPTS_EXCEEDED`, `LIMITS_UNAVAILABLE`, or `SIGNAL_INVALID` for what is no element. */
  async evaluate(account: string, blinded: string): Promise<OprfAnswer> {
    const element = fromBase64url(blinded);
    // What is no element is no attempt: anybody can send it.
    if (!isElement(element)) throw new XfuseError('SIGNAL_INVALID', { field: 'blinded' });
    await this.#attempts.take('oprf', account);
    const { secretKey, publicKey } = this.#keyOf(account);
    try {
      const { evaluated, proof } = voprf.blindEvaluate(secretKey, publicKey, element);
      return { evaluated: toBase64url(evaluated), proof: toBase64url(proof) };
    } catch (cause) {
      throw new XfuseError('SIGNAL_INVALID', { field: 'blinded', cause });
    }
  }

  #keyOf(account: string) {
    return voprf.deriveKeyPair(this.#seed, lengthPrefixed('xlink/1 xfuse oprf', account));
  }
}

/** 64 bytes that follow from the input and the key of the account. Rejects with `OPRF_FAILED`, `OPRF_FAILED:PROOF`, or what the server refuses with. */
export async function harden(
  oprf: Oprf,
  account: string,
  publicKey: string,
  input: Uint8Array,
): Promise<Uint8Array> {
  const { blind, blinded } = voprf.blind(input);
  let answer: OprfAnswer;
  try {
    answer = await oprf.evaluate(account, toBase64url(blinded));
  } catch (error) {
    if (error instanceof XfuseError) throw error;
    throw new XfuseError('OPRF_FAILED', { cause: error });
  }
  try {
    const [evaluated, proof, key] = [answer.evaluated, answer.proof, publicKey].map(fromBase64url);
    return voprf.finalize(input, blind, evaluated!, blinded, key!, proof!);
  } catch (cause) {
    throw new XfuseError('OPRF_FAILED:PROOF', { cause });
  }
}
