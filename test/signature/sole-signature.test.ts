import { expect, test } from '@jest/globals';
import { ED25519 } from '../../src/signature/profile.js';
import { SignatureHeaders } from '../../src/signature/signature-input.js';
import { soleSignature } from '../../src/signature/sole-signature.js';
import { load } from '../vectors/load.js';

interface Case {
  readonly name: string;
  readonly headers: readonly (readonly [string, string])[];
}
const file = load<{ good: Case[]; bad: Case[] }>('signature/requests.json');

const inputsOf = ({ headers }: Case) =>
  ['Signature-Input', 'Signature'].map((wanted) =>
    headers
      .filter(([name]) => name === wanted)
      .map(([, value]) => value)
      .join(', '),
  ) as [string, string];

test('what is read fast is what the whole parser reads, and is read so in nearly all requests', () => {
  let fast = 0;
  for (const one of [...file.good, ...file.bad]) {
    const [input, signature] = inputsOf(one);
    const sole = soleSignature(input, signature);
    if (!sole) continue;
    fast += 1;
    let whole: unknown;
    try {
      whole = new SignatureHeaders(input, signature).find(ED25519);
    } catch (error) {
      whole = (error as { id: string }).id;
    }
    // the whole parser looks at the tag, which is looked at again later
    if (whole === 'SIGNATURE_MALFORMED:PARAMETERS') expect(sole.parameters.get('tag')).not.toBe('xlink');
    else expect([one.name, sole]).toEqual([one.name, whole]);
  }
  expect(fast).toBeGreaterThan(70);
});

test.each([
  ['a second member', 'xlink=("@method");created=1, a=()'],
  ['an escape', 'xlink=("@method");nonce="a\\"b"'],
  ['a parameter twice', 'xlink=("@method");created=1;created=1'],
  ['two spaces', 'xlink=("@method"  "@path")'],
  ['a component with a parameter', 'xlink=("@method";req)'],
  ['a number that is written otherwise', 'xlink=("@method");created=01'],
])('leaves %s to it', (_, input) => {
  expect(soleSignature(input, `xlink=:${'A'.repeat(86)}==:`)).toBeUndefined();
});
