import { xlinkError } from '../errors/errors.js';
import type { Did, KeyRecord } from '../types/protocol.js';
import { isMembers, type Members } from '../util/members.js';
import { checkRecord } from './check-document.js';
import { didWebUrl } from './did-web-url.js';

/** Type of the service entry that holds a key record. */
const KEY_RECORD_SERVICE = 'XlinkKeyRecord';
/** Both say `publicKeyMultibase`. */
const KEY_TYPES = ['Multikey', 'Ed25519VerificationKey2020'];
const DID_KEY = 'did:key:';

/** A DID document (W3C DID Core) with what this package reads and writes. */
export interface DidWebDocument {
  /** JSON-LD contexts. */
  readonly '@context': readonly string[];
  /** The did:web. */
  readonly id: string;
  /** The did:key of the same identity. */
  readonly alsoKnownAs: readonly string[];
  /** The Ed25519 key, as a Multikey. */
  readonly verificationMethod: readonly {
    readonly id: string;
    readonly type: 'Multikey';
    readonly controller: string;
    readonly publicKeyMultibase: string;
  }[];
  /** Ids of the methods that may authenticate. */
  readonly authentication: readonly string[];
  /** Ids of the methods that may sign statements. */
  readonly assertionMethod: readonly string[];
  /** The signed key record, as a service entry. */
  readonly service: readonly {
    readonly id: string;
    readonly type: typeof KEY_RECORD_SERVICE;
    readonly serviceEndpoint: KeyRecord;
  }[];
}

/**
 * The document to publish under a did:web: the Ed25519 key as a Multikey, and the signed key record as a service, which
 * holds the other public keys. Serve it as `application/did+json` or `application/json`. Throws `INVALID_DID`.
 */
export function createDidWebDocument(did: string, keyRecord: KeyRecord): DidWebDocument {
  didWebUrl(did);
  const key = `${did}#key-1`;
  return {
    '@context': ['https://www.w3.org/ns/did/v1', 'https://w3id.org/security/multikey/v1'],
    id: did,
    alsoKnownAs: [keyRecord.did],
    verificationMethod: [
      {
        id: key,
        type: 'Multikey',
        controller: did,
        publicKeyMultibase: keyRecord.did.slice(DID_KEY.length),
      },
    ],
    authentication: [key],
    assertionMethod: [key],
    service: [{ id: `${did}#xlink`, type: KEY_RECORD_SERVICE, serviceEndpoint: keyRecord }],
  };
}

/**
 * The key record in a document, its proof checked, if its DID is a key that the document lets authenticate. Throws
 * `DISCOVERY_FAILED:INVALID`.
 */
export async function keyRecordIn(document: unknown, did: string): Promise<KeyRecord> {
  if (!isMembers(document)) throw invalid('document');
  if (document['id'] !== did) throw invalid('id');
  const service = listOf(document, 'service').find((each) =>
    [each['type']].flat().includes(KEY_RECORD_SERVICE),
  );
  if (!service) throw invalid('service');
  const authenticating = authenticatingDids(document, did);
  const endpoint = service['serviceEndpoint'];
  const named = isMembers(endpoint) ? endpoint['did'] : undefined;
  if (typeof named !== 'string' || !authenticating.includes(named)) throw invalid('authentication');
  return checkRecord(endpoint, named);
}

/** As did:key; what they are is checked together with the record. */
function authenticatingDids(document: Members, did: string): Did[] {
  const absolute = (id: unknown) => (typeof id === 'string' && id.startsWith('#') ? did + id : id);
  const relations = document['authentication'];
  if (!Array.isArray(relations)) throw invalid('authentication');
  const known = listOf(document, 'verificationMethod');
  const methods = relations.flatMap((each: unknown) =>
    isMembers(each) ? [each] : known.filter(({ id }) => id !== undefined && absolute(id) === absolute(each)),
  );
  return methods
    .filter(({ type, controller }) => KEY_TYPES.includes(type as string) && controller === did)
    .map((method) => DID_KEY + method['publicKeyMultibase']);
}

function listOf(document: Members, name: string): Members[] {
  const list = document[name] ?? [];
  if (!Array.isArray(list) || !list.every(isMembers)) throw invalid(name);
  return list;
}

const invalid = (field: string) => xlinkError('DISCOVERY_FAILED:INVALID', { field });
