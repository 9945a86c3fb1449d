import { isXlockError, XLOCK_ERROR_TABLE, XlockError, type XlockErrorId } from '../errors.js';
import { type Task, type TaskAnswer, work } from './tasks.js';

/** What a thread says: that it is there, the steps of its task, and how that ended. */
export type ThreadWord =
  | { readonly ready: true }
  | { readonly step: number }
  | { readonly answer: TaskAnswer }
  | { readonly failed: string; readonly details: unknown };

/** The end of the thread, in Node or in a browser. */
export interface ThreadPort {
  postMessage(word: ThreadWord, transfer: ArrayBuffer[]): void;
}

/** In the thread: does the task and says how it ended. */
export async function doTask(port: ThreadPort, task: Task): Promise<void> {
  try {
    const answer = await work(task, (step) => port.postMessage({ step }, []));
    port.postMessage(
      { answer },
      answer.shares.map(({ buffer }) => buffer),
    );
  } catch (error) {
    const failed = isXlockError(error) ? error : undefined;
    port.postMessage({ failed: failed?.id ?? 'INTERNAL', details: failed?.details }, []);
  }
}

/** Outside: the memory that goes to the thread with a task. */
export const movedWith = (task: Task): ArrayBuffer[] =>
  task.kind === 'use' ? task.shares.map(({ buffer }) => buffer as ArrayBuffer) : [];

/** Outside: what a word means for who waits. */
export function hear(
  word: ThreadWord,
  step: (at: number) => void,
  resolve: (answer: TaskAnswer) => void,
  reject: (error: XlockError) => void,
): void {
  if ('step' in word) step(word.step);
  else if ('answer' in word) resolve(word.answer);
  else if ('failed' in word)
    reject(
      new XlockError(word.failed in XLOCK_ERROR_TABLE ? (word.failed as XlockErrorId) : 'INTERNAL', {
        details: word.details,
      }),
    );
}

/** Outside: why there is no answer. */
export const threadFailed = (cause?: unknown): XlockError =>
  new XlockError('PLATFORM_CRYPTO_UNAVAILABLE', {
    cause: cause instanceof Error ? cause : new Error('The thread ended without an answer.'),
  });
