// The blocks of a page that its reader is told to type, in order.
import { readFileSync } from 'node:fs';

const FENCE = /^```(\w+)\n([\s\S]*?)^```$/gm;
const NAMED = /^(?:\/\/|#) ([\w-]+\.(?:mjs|py))\b.*\n/;

/**
 * A block is a file (its first line names it), a change of a file (a diff with its header) or commands. Everything else, such
 * as TypeScript that shows an option, is to be read and not to be typed.
 * @returns {({ kind: 'heading', title: string } | { kind: 'file' | 'change', name: string, text: string } | { kind: 'commands', lines: string[] })[]}
 */
export function stepsOf(path) {
  const page = readFileSync(path, 'utf8');
  const found = [...page.matchAll(/^## (.*)$/gm)].map((match) => [
    match.index,
    { kind: 'heading', title: match[1] },
  ]);
  for (const match of page.matchAll(FENCE)) {
    const step = stepOf(match[1], match[2]);
    if (step) found.push([match.index, step]);
  }
  return found.toSorted(([a], [b]) => a - b).map(([, step]) => step);
}

function stepOf(language, text) {
  if (language === 'sh') return { kind: 'commands', lines: text.trim().split('\n') };
  if (language === 'diff') {
    const [, name] = /^--- (\S+)\n\+\+\+ \1\n/.exec(text) ?? [];
    return name && { kind: 'change', name, text: text.split('\n').slice(2, -1).join('\n') };
  }
  const [, name] = NAMED.exec(text) ?? [];
  return ['js', 'python'].includes(language) && name ? { kind: 'file', name, text } : undefined;
}
