// The network is the attacker (Dolev and Yao): it hears everything, and sends whatever it can put together.
import { fact, rule } from './clauses.mjs';
import { att, did, dpub, dsig, esig, hash, kpub, lp, xpub } from './terms.mjs';

const PUBLIC_KEYS = { ed25519: 'did(K)', x25519: xpub('K'), mlKem768: kpub('K'), mlDsa65: dpub('K') };

/** The lengths of the lists that a theory speaks of. */
const listsIn = (theory) =>
  [...new Set(JSON.stringify(theory).match(/lp\d+/g))].map((name) => Number(name.slice(2)));

/** The constants of a theory. All are public: secrets are seeds, and what belongs to one envelope or one client. */
const constantsIn = (theory) => [
  ...new Set(
    JSON.stringify(theory.map(({ premises, conclusion }) => [...premises, conclusion])).match(
      /\b[a-z]\w*\b(?!\()/g,
    ),
  ),
];

/** What the attacker can do with what it has. `has` is the predicate of its knowledge, `broken` the algorithms it breaks. */
export function deduction(theory, broken = [], has = att) {
  const can = (why, premises, conclusion) => rule(why, premises.map(has), has(conclusion));
  return [
    ...constantsIn(theory)
      .filter((name) => name !== 'attack')
      .map((name) => can('constants are public', [], name)),
    ...['ed(S)', 'xsk(S)', 'ksk(S)', 'dsk(S)'].map((key) => can('keys follow from a seed', ['S'], key)),
    ...Object.values(PUBLIC_KEYS).map((key) => can('public keys follow from secret ones', ['K'], key)),
    ...broken.map((name) =>
      can(`${name} is broken: secret keys follow from public ones`, [PUBLIC_KEYS[name]], 'K'),
    ),
    ...listsIn(theory).map((length) => {
      const parts = Array.from({ length }, (_, at) => `P${at}`);
      return can('lists are put together', parts, lp(...parts));
    }),
    ...['P', 'Q'].map((part) =>
      can('what is sealed and opened, and payloads, are taken apart', [lp('P', 'Q')], part),
    ),
    can('hashes are computed', ['M'], hash('M')),
    can('Ed25519 signs with the secret key', ['K', 'M'], esig('K', 'M')),
    can('and hides nothing', [esig('K', 'M')], 'M'),
    can('ML-DSA signs with the secret key', ['K', 'M'], dsig('K', 'M')),
    can('and hides nothing', [dsig('K', 'M')], 'M'),
    can('X25519: one secret key and the other public key', ['K', xpub('L')], 'dh(K,L)'),
    can('X25519: one secret key and the other public key', ['L', xpub('K')], 'dh(K,L)'),
    can('X25519: the two sides compute the same', ['dh(K,L)'], 'dh(L,K)'),
    can('ML-KEM: encapsulation to a public key, ciphertext', [kpub('K'), 'R'], 'kct(K,R)'),
    can('ML-KEM: encapsulation to a public key, secret', [kpub('K'), 'R'], 'kss(K,R)'),
    can('ML-KEM: decapsulation', ['K', 'kct(K,R)'], 'kss(K,R)'),
    can('HKDF of a secret and info', ['I', 'N'], 'hkdf(I,N)'),
    can('the commitment to a key', ['O'], 'com(O)'),
    can('AES-GCM seals a plaintext with associated data', ['O', 'H', 'F'], 'enc(O,H,F)'),
    can('AES-GCM opens', ['O', 'enc(O,H,F)'], 'F'),
  ];
}

/**
 * What the attacker has from the beginning. Participants are whatever names there are, and all of them follow the protocol; the
 * attacker acts for those whose seeds it has: eve, who is registered like the others, and those that leaked.
 */
export const beginning = (leaked = []) => [
  ...['eve', ...leaked].map((one) => fact('seeds that the attacker has', att(`seed(${one})`))),
  fact('a value that nobody else makes', att('forged')),
  fact('names of participants are public', att(did('P'))),
];

/** Seeds that leak after everything was sent: from then on the attacker computes alone. `late` is what it has then. */
export const LATE = (term) => `late(${term})`;
export const leakedLater = (leaked) => [
  rule('what the attacker has it keeps', [att('X')], LATE('X')),
  ...leaked.map((one) => fact('seeds that leak afterwards', LATE(`seed(${one})`))),
];
