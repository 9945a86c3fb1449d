import { printable } from './printable.js';

/** Errors below an error that are named at most. */
const MOST = 3;

/** What an error says, and what it came from, in one line that a terminal can show. */
export function toldWith(error: unknown): string {
  const said: string[] = [];
  for (let at = error; at instanceof Error && said.length <= MOST; at = at.cause) {
    const text = printable(messageOf(at), 300);
    if (text !== '' && !said.includes(text)) said.push(text);
  }
  return said.join(' Because: ') || 'something failed';
}

/** Errors of sockets may have a code and no message. */
function messageOf(error: Error): string {
  const { code } = error as { code?: unknown };
  const [first] = error instanceof AggregateError ? (error.errors as unknown[]) : [];
  return (
    error.message || (first instanceof Error ? first.message : '') || (typeof code === 'string' ? code : '')
  );
}
