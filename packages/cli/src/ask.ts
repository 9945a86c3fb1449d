import { Failure } from './failures.js';
import type { CommonValues } from './options.js';

/** Whether there is somebody to ask. */
export const isAtTerminal = ({ yes }: CommonValues = {}): boolean =>
  !yes && Boolean(process.stdin.isTTY && process.stderr.isTTY);

/**
 * Asks at the terminal; `fallback` is taken for an empty answer, and where nobody can be asked. Throws `INTERRUPTED` after Ctrl-C, Ctrl-D or
 * where the terminal was lost.
 */
export async function ask(values: CommonValues, question: string, fallback: string): Promise<string> {
  if (!isAtTerminal(values)) return fallback;
  const answer = await answerTo(`? ${question}${fallback && ` (${fallback})`}: `);
  return answer.trim() || fallback;
}

/** Whether it may go on. Without a terminal, or with `--yes`, it may: running the command was the word. */
export async function confirm(values: CommonValues, question: string): Promise<boolean> {
  return /^y(es)?$/i.test(await ask(values, `${question} y/n`, 'y'));
}

/** A text that is not shown while it is typed. */
export const askSecretly = (question: string): Promise<string> => answerTo(question, true);

async function answerTo(question: string, hidden = false): Promise<string> {
  const [{ createInterface }, { Writable }] = await Promise.all([
    import('node:readline/promises'), // most commands ask nothing
    import('node:stream'),
  ]);
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({
    input: process.stdin,
    output: hidden ? nowhere : process.stderr,
    terminal: true,
    prompt: '',
  });
  process.stderr.write(question); // from now on keys come here, and Ctrl-C, too
  try {
    return await new Promise<string>((resolve, reject) => {
      const ended = () => reject(new Failure('INTERRUPTED'));
      lines.once('line', resolve).once('SIGINT', ended).once('close', ended);
    });
  } finally {
    lines.close();
    if (hidden) process.stderr.write('\n');
  }
}
