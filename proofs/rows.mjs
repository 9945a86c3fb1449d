// What rows of the table are made of.

/** What a row is, and the verdict that it must get. */
export const EXPECTED = {
  /** The protocol promises it. */
  claim: 'holds',
  /** The protocol does not promise it, and docs say so: the attack must be there. */
  limit: 'found',
  /** A part of the protocol is taken out: the attack must be there, or the claim says nothing of that part. */
  mutation: 'found',
  /** A part is taken out that another one covers. */
  spare: 'holds',
  /** An honest run must be possible, or claims hold for want of any. */
  control: 'found',
};

const row =
  (type) =>
  (title, model, scenario = {}) => ({ type, title, model, scenario });
export const [claim, limit, mutation, spare, control] = Object.keys(EXPECTED).map(row);

/** What is broken, and whose seeds leak. */
export const v1 = { version: 1 };
export const v2 = { version: 2 };
export const v3 = { version: 3 };
export const x25519 = { broken: ['x25519'] };
export const mlKem768 = { broken: ['mlKem768'] };
export const bothKems = { broken: ['x25519', 'mlKem768'] };
export const ed25519 = { broken: ['ed25519'] };
export const mlDsa65 = { broken: ['mlDsa65'] };
export const bothSignatures = { broken: ['ed25519', 'mlDsa65'] };
export const alice = { leaked: ['alice'] };
export const bob = { leaked: ['bob'] };
export const bobLater = { leakedLater: ['bob'] };

/** Takes parts out of transcripts: `header.kind` is the kind in the header. */
export function without(...parts) {
  const drop = {};
  for (const part of parts) {
    const [name, member] = part.split('.');
    drop[name] = [...(drop[name] ?? []), member];
  }
  return { drop };
}
