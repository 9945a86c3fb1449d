import { LENGTH, OF_THE_BODY, REQUIRED, SIGNATURE, SIGNATURE_INPUT, wrongComponent } from './profile.js';

const TAKEN = new Set<string>([...REQUIRED, ...OF_THE_BODY, LENGTH, SIGNATURE, SIGNATURE_INPUT]);
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9a-z-]+$/;

/** The components behind those that the profile names. Throws `SIGNATURE_MALFORMED:COMPONENTS` unless those are there, in their order. */
export function chosenOf(components: readonly string[]): readonly string[] {
  let at = 0;
  const take = (names: readonly string[]) => {
    for (const name of names) if (components[at++] !== name) throw wrongComponent(name);
  };
  take(REQUIRED);
  if (components[at] === OF_THE_BODY[0]) {
    take(OF_THE_BODY);
    if (components[at] === LENGTH) at++;
  }
  const chosen = components.slice(at);
  for (const [index, name] of chosen.entries())
    if (TAKEN.has(name) || !HEADER_NAME.test(name) || chosen.indexOf(name) !== index)
      throw wrongComponent(name);
  return chosen;
}
