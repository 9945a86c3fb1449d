// The claim about key commitment: AES-GCM alone lets whoever knows two keys make a ciphertext that opens under both.
import { rule } from '../clauses.mjs';
import { att, lp } from '../terms.mjs';

/** One payload does not open to two contents, whatever keys its sender shows. */
export function oneContent({ commitment = true }) {
  const opens = (key, ciphertext, content) => {
    const payload = lp(commitment ? `com(${key})` : 'X', ciphertext);
    return rule('a payload opens under a key', [att(key), att(payload)], `opens(${payload},${content})`);
  };
  return [
    rule('AES-GCM: a ciphertext for two keys', ['F', 'G'].map(att), att('both(key1,F,key2,G)')),
    opens('O', 'enc(O,H,F)', 'F'),
    opens('key1', 'both(key1,F,key2,G)', 'F'),
    opens('key2', 'both(key1,F,key2,G)', 'G'),
    rule('one payload, two contents', ['opens(P,yes)', 'opens(P,no)'], 'attack'),
  ];
}
