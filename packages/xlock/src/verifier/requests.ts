import type { ProgressCallback } from '../progress.js';

/** Options of `createAuthChallenge` of the verifier; one of `did` and `userId` must be given. */
export interface AuthRequest {
  /** The passkey. */
  readonly did?: string;
  /** The account, as it was registered: its newest passkey that is not revoked. */
  readonly userId?: string;
  /** What is asked for, for the user to read: 1 to 200 characters. Default `Sign in to ` and the host of the service. */
  readonly action?: string;
  /** Where from, and whatever else the user should know, such as `{ ip, location }`. Up to 16 texts. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** The only device that may answer. Default: any of the registered ones. */
  readonly deviceId?: string;
  /** How long the user has, in ms, in the place of `responseTimeoutMs`. */
  readonly timeout?: number;
  /** A secret of the browser that asks: `verifyAuth` wants it back. Default none: whoever knows the id may redeem it. */
  readonly binding?: string;
  /**
   * xLock+: the session is of a DID that the device has for this `resource` and epoch only, so that resources cannot tell that two sessions are
   * of one user. This service can, so that it can revoke. Default `false`.
   */
  readonly ephemeral?: boolean;
  /** Where an `ephemeral` session is good: a URL, whose origin counts. Default: the origin of the verifier. */
  readonly resource?: string;
  /** Told each step as it begins. Default: not called. */
  readonly onProgress?: ProgressCallback;
}

/** Names of its options, without `onProgress`. */
export const AUTH_NAMES = [
  'did',
  'userId',
  'action',
  'metadata',
  'deviceId',
  'timeout',
  'binding',
  'ephemeral',
  'resource',
] as const satisfies readonly (keyof AuthRequest)[];

/** Options of `createRegistrationChallenge` of the verifier. */
export interface RegistrationRequest {
  /** The account that the passkey will be of. Default the empty text: the DID alone says who it is. */
  readonly userId?: string;
  /**
   * Adds a device to this passkey instead of making a new one, also where all its devices were revoked. Ask only for a user who is logged in, or whom
   * you know otherwise.
   */
  readonly did?: string;
  /**
   * Lets a user who has a passkey make another one: the old one is revoked, with its devices and sessions, once the new one is registered. Default
   * `false`: such a user gets `PASSKEY_GENERATION_FAILED:EXISTS`.
   */
  readonly replace?: boolean;
  /** For the user to read. Default `Register at ` and the host of the service. */
  readonly action?: string;
  /** See {@link AuthRequest}. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** What `verifyAuth` of the verifier found. */
export interface VerifiedAuth {
  /** Always `true`: a denial is an error. */
  readonly approved: true;
  readonly did: string;
  readonly userId: string;
  readonly deviceId: string;
  readonly challengeId: string;
  /** Of an `ephemeral` login: the origin that it is for. `did` and `deviceId` are the DID for it then, and `userId` is empty. */
  readonly resource?: string;
}

/** What `verifyRegistration` of the verifier found. */
export interface VerifiedRegistration {
  /** `did:key` of the passkey: who the user is from now on. */
  readonly did: string;
  readonly userId: string;
  readonly deviceId: string;
  readonly deviceName: string;
}
