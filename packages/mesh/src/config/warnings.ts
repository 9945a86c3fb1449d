/** A value that means something else than it seems to. */
export interface ConfigWarning {
  /** Where it stands, such as `protocols.signal.handshake`. */
  readonly field: string;
  /** What it means here. */
  readonly message: string;
}

/** What is known of values that are taken for the sake of other readers of the file. */
const ROWS: readonly (ConfigWarning & { readonly value: unknown })[] = [
  {
    field: 'protocols.signal.handshake',
    value: 'x3dh',
    message: 'X3DH alone is not spoken: sessions begin with PQXDH, which is X3DH with ML-KEM-768. Say pqxdh.',
  },
  {
    field: 'protocols.mls.version',
    value: 'rfc9750',
    message: 'RFC 9750 is the architecture of MLS; the protocol that is spoken is RFC 9420. Say rfc9420.',
  },
  {
    field: 'crypto.algorithms.signing',
    value: 'ml-dsa-65',
    message:
      'Noise identities sign with ML-DSA-65 and Ed25519; prekeys and MLS groups are signed with Ed25519 alone.',
  },
  {
    field: 'crypto.algorithms.hybrid_mode',
    value: false,
    message: 'Noise and MLS are without ML-KEM-768 then; Signal sessions begin with it all the same.',
  },
];

/** What of a file deserves a word. */
export function warningsOf(value: unknown): readonly ConfigWarning[] {
  return ROWS.filter((row) => at(value, row.field) === row.value).map(({ field, message }) => ({
    field,
    message,
  }));
}

function at(value: unknown, path: string): unknown {
  let found = value;
  for (const name of path.split('.')) found = (found as Record<string, unknown> | undefined)?.[name];
  return found;
}
