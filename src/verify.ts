// Checks who signed an envelope, and nothing else: the smallest front.
export type { CryptoProvider, Verifier } from './crypto/provider.js';
export { type VerifyEnvelopeOptions, verifyEnvelope } from './envelope/verify.js';
export { isXlinkError, XlinkError } from './errors/errors.js';
export type { Err, Ok, Result } from './errors/result.js';
export type { ErrorId } from './errors/table.js';
export { decodeDidKey } from './identity/did.js';
export type { Did, Envelope, KeyRecord, Version } from './types/protocol.js';
