import type { Did } from '@private.me/xlink';
import type { XidCertificate } from '../certificate/certificate.js';
import type { XidToken } from '../token/token.js';

/** What an identity of an epoch shows to a service. */
export type XidCredential = XidCertificate | XidToken;

/** For what a credential is asked. */
export interface CredentialRequest {
  /** The identity of the epoch. */
  readonly did: Did;
  /** The service, as `normalizeVerifier` gives it. */
  readonly audience: string;
  /** Number of the epoch. */
  readonly epoch: number;
}

/** Gets a credential from a registrar, to which the holder proves who it is by its lasting identity. Asked once for each service and epoch, and again if the service forgot it. */
export type CredentialSource = (request: CredentialRequest) => Promise<XidCredential> | XidCredential;
