import { defaultProvider } from '#provider';
import { EMPTY, lengthPrefixed } from '../crypto/bytes.js';
import type { CryptoProvider, Signer } from '../crypto/provider.js';
import { xlinkError } from '../errors/errors.js';
import { decodeDidKey } from '../identity/did.js';
import { recordTranscript } from '../identity/key-record.js';
import { successionTranscript } from '../identity/succession.js';
import { decodeBase64url, encodeBase64url } from '../util/base64url.js';
import { encodeUtf8 } from '../util/utf8.js';
import type { DiscoveryDocument, SignedDiscoveryDocument } from './document.js';

const LABEL = encodeUtf8('xlink/1 discovery');

/** How long a document is good: 5 minutes. A service signs a new one when half of that has passed. */
export const DOCUMENT_LIFETIME_MS = 300_000;

/** The signature keys of a service. */
export interface DocumentSigners {
  readonly ed25519: Signer;
  readonly mlDsa65?: Signer | undefined;
}

const texts = (values: readonly string[]): Uint8Array => lengthPrefixed(values);

/** What the signatures of a document cover: all of it. Lists and endpoints are length-prefixed blocks, names sorted. */
export async function documentTranscript(
  document: DiscoveryDocument,
  crypto: CryptoProvider,
): Promise<Uint8Array> {
  const {
    did,
    name = '',
    keyRecord,
    versions,
    mode,
    acceptsEnvelopes,
    hosts,
    endpoints,
    publicPaths,
    succession = [],
  } = document;
  const paths = Object.entries(endpoints).sort(([a], [b]) => (a < b ? -1 : 1));
  return lengthPrefixed([
    LABEL,
    texts(hosts),
    did,
    name,
    await crypto.sha256(recordTranscript(keyRecord)),
    texts(versions.map(String)),
    mode,
    acceptsEnvelopes ? Uint8Array.of(1) : EMPTY,
    texts(paths.flat()),
    texts(publicPaths),
    succession.length > 0 ? await crypto.sha256(lengthPrefixed(succession.map(successionTranscript))) : EMPTY,
    document.issuedAt,
    document.notAfter,
  ]);
}

/** Signs a document with every signature key that the record has. */
export async function signDocument(
  document: DiscoveryDocument,
  { ed25519, mlDsa65 }: DocumentSigners,
  crypto: CryptoProvider = defaultProvider(),
): Promise<SignedDiscoveryDocument> {
  const bytes = await documentTranscript(document, crypto);
  const pqSignature = await mlDsa65?.sign(bytes, LABEL);
  return {
    ...document,
    signature: encodeBase64url(await ed25519.sign(bytes)),
    ...(pqSignature ? { pqSignature: encodeBase64url(pqSignature) } : {}),
  };
}

/** Throws `DISCOVERY_FAILED:INVALID` unless every signature key of the record signed the document, and no other. */
export async function verifyDocument(
  document: SignedDiscoveryDocument,
  crypto: CryptoProvider = defaultProvider(),
): Promise<void> {
  const bytes = await documentTranscript(document, crypto);
  const check = async (
    field: 'signature' | 'pqSignature',
    verify: (signature: Uint8Array) => boolean | PromiseLike<boolean>,
  ) => {
    const signature = decodeBase64url(document[field] ?? '');
    if (!signature || !(await verify(signature))) throw xlinkError('DISCOVERY_FAILED:INVALID', { field });
  };
  const ed25519 = await crypto.ed25519.verifier(decodeDidKey(document.did));
  await check('signature', (signature) => ed25519.verify(bytes, signature));
  const { mlDsa65 } = document.keyRecord;
  if (mlDsa65 === undefined) {
    if (document.pqSignature === undefined) return;
    throw xlinkError('DISCOVERY_FAILED:INVALID', { field: 'pqSignature' }); // of a key that nobody vouches for
  }
  const verifier = await crypto.mlDsa65.verifier(decodeBase64url(mlDsa65)!);
  await check('pqSignature', (signature) => verifier.verify(bytes, signature, LABEL));
}
