// The terms of the model: keys, names, signatures, and transcripts as the code makes them.
import { transcripts as ofEnvelopes } from './read-code.mjs';
import { sessionTranscripts } from './read-session-code.mjs';
import { signalTranscripts } from './read-signal-code.mjs';

const transcripts = { ...ofEnvelopes, ...sessionTranscripts, ...signalTranscripts };

/** An absent member. */
export const NONE = 'none';

/** A length-prefixed list: one of another length, or with other parts, is another byte string. */
export const lp = (...parts) => `lp${parts.length}(${parts.join(',')})`;
export const hash = (term) => `sha(${term})`;

/** The secret keys of a participant, derived from its seed. `who` is a participant or a variable. */
export const keysOf = (who) => ({
  ed25519: `ed(seed(${who}))`,
  x25519: `xsk(seed(${who}))`,
  mlKem768: `ksk(seed(${who}))`,
  mlDsa65: `dsk(seed(${who}))`,
});
/** The secret keys that envelopes for `who` are sealed to: from its seed, or random ones of an epoch. */
export const encryptionKeysOf = (who, { epochs = false }) =>
  epochs ? { x25519: `xrand(${who})`, mlKem768: `krand(${who})` } : keysOf(who);

/** Public keys of X25519, ML-KEM and ML-DSA. */
export const xpub = (secret) => `xpub(${secret})`;
export const kpub = (secret) => `kpub(${secret})`;
export const dpub = (secret) => `dpub(${secret})`;
/** A DID is the Ed25519 public key. */
export const did = (who) => `did(${keysOf(who).ed25519})`;
/** Ed25519 and ML-DSA signatures. */
export const esig = (key, term) => `esig(${key},${term})`;
export const dsig = (key, term) => `dsig(${key},${term})`;

/** The attacker has it. */
export const att = (term) => `att(${term})`;

/**
 * Builds transcripts of the parts that the code has, in its order. `drop` names parts that a mutation leaves out, such as
 * `{ header: ['kind'] }`. A part that the model has no value for, or a value without a part, is an error.
 */
export const transcriber = (drop = {}) => {
  for (const [name, parts] of Object.entries(drop))
    for (const part of parts)
      if (!transcripts[name]?.includes(part)) throw new Error(`no ${part} in ${name}`);
  return (name, values) => {
    const parts = transcripts[name];
    for (const part of [...parts, ...Object.keys(values)])
      if (!parts.includes(part) || !(part in values)) throw new Error(`${part} of ${name}`);
    return lp(...parts.map((part) => (drop[name]?.includes(part) ? NONE : values[part])));
  };
};
