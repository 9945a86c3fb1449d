import { askSecretly, isAtTerminal } from '../ask.js';
import { Failure } from '../failures.js';
import type { CommonValues } from '../options.js';
import { UsageError } from '../run.js';
import { secretIn } from './secret-file.js';

/** A passphrase: from a file, the environment, or the terminal; never from the arguments, which others can see. Throws `PASSPHRASE_NEEDED`. */
export async function passphraseOf(values: CommonValues, question = 'Passphrase: '): Promise<string> {
  const { 'passphrase-file': file } = values;
  if (file !== undefined) return (await secretIn('passphrase-file', file)).replace(/\r?\n$/, '');
  const { XLINK_PASSPHRASE: known } = process.env;
  if (known) return known;
  if (!isAtTerminal({ ...values, yes: false })) throw new Failure('PASSPHRASE_NEEDED');
  return askSecretly(question);
}

/** A new one, which at a terminal is typed twice. */
export async function newPassphrase(values: CommonValues): Promise<string> {
  const first = await passphraseOf(values, 'New passphrase: ');
  assertPassphrase(first);
  const isTyped = values['passphrase-file'] === undefined && !process.env['XLINK_PASSPHRASE'];
  if (isTyped && (await askSecretly('Once more: ')) !== first)
    throw new UsageError('the two are not the same');
  return first;
}

/** As the key is made of it: spaces around it count for nothing here, and one character over and over is none. */
function assertPassphrase(text: string): void {
  const characters = [...text.normalize('NFKC').replaceAll(/^[\s\p{C}]+|[\s\p{C}]+$/gu, '')];
  if (characters.length < 8 || new Set(characters).size < 4)
    throw new UsageError(
      'a passphrase has 8 characters or more, at least 4 of them different; spaces around it do not count',
    );
}
