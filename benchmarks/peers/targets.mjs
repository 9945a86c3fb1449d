/** Requests/s of the one, at least so many times those of the other. */
const TARGETS = [
  ['session', 'oauth', 1.5],
  ['session', 'bare', 0.55],
  ['sealed', 'oauth', 1.25],
  ['redis', 'oauth', 1],
];

/** What was promised and not reached, in words. */
export const missed = (results) =>
  TARGETS.filter(([one, other]) => results[one] && results[other])
    .map(([one, other, least]) => ({
      one,
      other,
      least,
      ratio: results[one].perSecond / results[other].perSecond,
    }))
    .filter(({ ratio, least }) => ratio < least)
    .map(({ one, other, least, ratio }) => `${one} is ${ratio.toFixed(2)} of ${other}, not ${least}`);
