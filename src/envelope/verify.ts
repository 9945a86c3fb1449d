import { defaultProvider } from '#provider';
import type { CryptoProvider } from '../crypto/provider.js';
import { toXlinkError, xlinkError } from '../errors/errors.js';
import { err, ok, type Result } from '../errors/result.js';
import { decodeDidKey } from '../identity/did.js';
import { verifyKeyRecord } from '../identity/key-record.js';
import type { Envelope, KeyRecord } from '../types/protocol.js';
import { checkOptions, integerIn, isObject } from '../util/options.js';
import { verifySignatures } from './open.js';
import { DEFAULT_MAX_ENVELOPE_BYTES, type ParsedEnvelope, parseEnvelope } from './parse.js';

/** Options of {@link verifyEnvelope}. */
export interface VerifyEnvelopeOptions {
  /** The key record of the sender, from a registry. Version 3 needs it for the ML-DSA-65 key; its signature is checked. */
  readonly keys?: KeyRecord;
  /** Larger envelopes are refused before they are decoded. Bytes; default 1 MiB. */
  readonly maxEnvelopeBytes?: number;
  /** Default: `node:crypto` on servers, WebCrypto and noble elsewhere. */
  readonly crypto?: CryptoProvider;
}

const OPTIONS = { keys: isObject, maxEnvelopeBytes: integerIn(1024, 2 ** 30), crypto: isObject };

/**
 * Who signed an envelope, for those it is not addressed to: gateways, logs, auditors. Checks its form and its signatures
 * (Ed25519, RFC 8032; in version 3 also ML-DSA-65, FIPS 204) and returns its members; `from` is the sender. It does not
 * check that the envelope is fresh, comes for the first time, or that the sender is known or allowed: an agent does.
 * Fails with `PARSE_FAILED…`, `ENVELOPE_TOO_LARGE`, `INVALID_DID…`, `KEY_RECORD_INVALID` or `VERIFICATION_FAILED:…`.
 */
export async function verifyEnvelope(
  input: unknown,
  options: VerifyEnvelopeOptions = {},
): Promise<Result<Envelope>> {
  try {
    checkOptions('verifyEnvelope', options, OPTIONS);
    const {
      keys: record,
      crypto = defaultProvider(),
      maxEnvelopeBytes = DEFAULT_MAX_ENVELOPE_BYTES,
    } = options;
    const envelope = parseEnvelope(input, maxEnvelopeBytes);
    await verifyParsed(crypto, envelope, record);
    return ok(envelope.fields);
  } catch (error) {
    return err(toXlinkError(error));
  }
}

/** The signatures alone. `record`: that of the sender, which is checked. */
export async function verifyParsed(
  crypto: CryptoProvider,
  envelope: ParsedEnvelope,
  record: KeyRecord | undefined,
): Promise<void> {
  const { from } = envelope.fields;
  const ed25519 = await crypto.ed25519.verifier(decodeDidKey(from));
  if (record && record.did !== from) throw xlinkError('KEY_RECORD_INVALID', { field: 'did' });
  const keys = record && (await verifyKeyRecord({ ...record }, ed25519, crypto));
  const mlDsa65 = keys?.mlDsa65 && (await crypto.mlDsa65.verifier(keys.mlDsa65));
  await verifySignatures(crypto, { ed25519, mlDsa65 }, envelope);
}
