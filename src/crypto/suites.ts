import type { Version } from '../types/protocol.js';

/** What an envelope carries: a message, or shares of one, sealed for the recipient or (Xchange) in the open. */
export type SuiteForm = 'message' | 'shares' | 'xchange';

/** One way to make an envelope. Everything that differs between versions is in this table. */
export interface Suite {
  readonly version: Version;
  /** The `suite` member of the envelope. */
  readonly name: string;
  readonly form: SuiteForm;
  /** Whether the payload is encrypted. */
  readonly sealed: boolean;
  /** Whether the key of the payload is agreed with the recipient, by X25519 at least. */
  readonly agreed: boolean;
  /** Whether ML-KEM-768 joins X25519 in the key agreement. */
  readonly kem: boolean;
  /** Whether ML-DSA-65 signs beside Ed25519. */
  readonly pqSignature: boolean;
}

const suite = (version: Version, name: string, sealed: boolean, form: SuiteForm = 'message'): Suite => ({
  version,
  name,
  form,
  sealed,
  agreed: sealed && form !== 'xchange',
  kem: sealed && form !== 'xchange' && version >= 2,
  pqSignature: version >= 3,
});

export const SUITES: readonly Suite[] = [
  suite(1, 'X25519+A256GCM+Ed25519', true),
  suite(2, 'X25519+MLKEM768+A256GCM+Ed25519', true),
  suite(3, 'X25519+MLKEM768+A256GCM+Ed25519+MLDSA65', true),
  suite(1, 'Ed25519', false),
  suite(2, 'Ed25519', false),
  suite(3, 'Ed25519+MLDSA65', false),
  suite(1, 'X25519+A256GCM+Ed25519+Shares', true, 'shares'),
  suite(2, 'X25519+MLKEM768+A256GCM+Ed25519+Shares', true, 'shares'),
  suite(3, 'X25519+MLKEM768+A256GCM+Ed25519+MLDSA65+Shares', true, 'shares'),
  // Not below version 2: no quantum computer opens it, and Ed25519 signs it.
  suite(2, 'Xchange+A256GCM+Ed25519', true, 'xchange'),
];

/** The suite of an envelope of `version` that is encrypted or not. Xchange has version 2 only. */
export const suiteFor = (version: Version, sealed: boolean, form: SuiteForm = 'message'): Suite =>
  SUITES.find((suite) => suite.version === version && suite.sealed === sealed && suite.form === form)!;

/** The suite an envelope says it is made with; `undefined` if there is none such in that version. */
export const findSuite = (version: number, name: string): Suite | undefined =>
  SUITES.find((suite) => suite.version === version && suite.name === name);
