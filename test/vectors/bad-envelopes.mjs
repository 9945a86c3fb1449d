import { sealedFaults } from './bad-encryption.mjs';
import { formFaults } from './bad-forms.mjs';
import { memberFaults } from './bad-members.mjs';
import { useFaults } from './bad-use.mjs';
import { maker } from './envelope-maker.mjs';
import { b64u, SUITE } from './reference.mjs';
import { editOf, nonEmpty } from './text-edits.mjs';
import { fixed } from './world.mjs';

export function badCases(version, sealed, good) {
  const prefix = `v${version}${sealed ? '' : ' signed-only'}`;
  const make = maker(version, sealed);
  const cases = [];
  const full = good[1];
  const minimal = good[0];
  const members = JSON.parse(full.envelope);
  const names = Object.keys(members);
  const withBinding = full.settings;

  /** Adds a case that is an edit of a good one. */
  const edited = (name, text, error, settings = {}, base = full) =>
    cases.push({
      name: `${prefix}: ${name}`,
      ...editOf(base, text),
      ...nonEmpty({ ...(base === full ? withBinding : {}), ...settings }),
      error,
    });
  /** Adds a case that stands for itself. */
  const whole = (name, text, error, settings = {}) =>
    cases.push({ name: `${prefix}: ${name}`, envelope: text, ...nonEmpty(settings), error });
  /** Adds a case where alice is the author and signs what she made. */
  const made = (name, error, more = {}, change = {}, settings = {}) =>
    whole(name, make(name, more, change).text, error, settings);
  const bare = JSON.parse(minimal.envelope);
  const forbidden = {
    ephemeralPub: b64u(fixed('forbidden', 32)),
    kemCiphertext: b64u(fixed('forbidden', 1088)),
    pqSignature: b64u(fixed('forbidden', 3309)),
  };
  const other = sealed ? SUITE.sealed : SUITE.signedOnly;
  const context = {
    version,
    sealed,
    good,
    prefix,
    make,
    cases,
    full,
    minimal,
    members,
    names,
    edited,
    whole,
    made,
    bare,
    forbidden,
    other,
  };
  memberFaults(context);
  formFaults(context);
  useFaults(context);
  if (sealed) sealedFaults(version, made, whole, make);
  return cases;
}
