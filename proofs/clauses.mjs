// Horn clauses, and their text in TPTP (cnf), which both provers read.

/** If all premises hold, so does the conclusion. Capital letters are variables. `why` is for the reader of the file. */
export const rule = (why, premises, conclusion) => ({ why, premises, conclusion });

export const fact = (why, conclusion) => rule(why, [], conclusion);

/** Several conclusions from the same premises. */
export const rules = (why, premises, conclusions) => conclusions.map((one) => rule(why, premises, one));

const TERM = /^[a-zA-Z0-9_(),]+$/;

function clause({ premises, conclusion }, index) {
  const literals = [conclusion, ...premises.map((premise) => `~${premise}`)];
  for (const literal of literals)
    if (!TERM.test(literal.replace(/^~/, ''))) throw new Error(`not an atom: ${literal}`);
  return `cnf(r${index},axiom,(${literals.join(' | ')})).`;
}

/** A file for the provers: a refutation derives `attack`, a completed search shows that no derivation exists. */
export function toTptp(title, theory) {
  const lines = [`% ${title}`];
  let why;
  for (const [index, one] of theory.entries()) {
    if (one.why !== why) lines.push('', `% ${one.why}`);
    why = one.why;
    lines.push(clause(one, index));
  }
  return [...lines, '', 'cnf(goal,negated_conjecture,(~attack)).', ''].join('\n');
}
