// Threads of the browser in the place of those of Node (`src/passkey/threads.ts`): one worker for each task, which ends with it.
import type { Task, TaskAnswer } from '../src/passkey/tasks.js';
import { hear, movedWith, type ThreadWord, threadFailed } from '../src/passkey/thread-words.js';

export class PasskeyThreads {
  async warm(): Promise<void> {}

  close(): void {}

  /** Rejects with what the task fails with. The memory of the shares moves to the worker, which is ended afterwards. */
  async run(task: Task, step: (at: number) => void = () => {}): Promise<TaskAnswer> {
    const worker = new Worker('/passkey.js', { type: 'module' });
    try {
      return await new Promise<TaskAnswer>((resolve, reject) => {
        worker.onerror = (event) => reject(threadFailed(event.error));
        worker.onmessage = ({ data }: MessageEvent<ThreadWord>) => {
          // Only who is there can hear: a module loads for a while.
          if ('ready' in data) worker.postMessage(task, movedWith(task));
          else hear(data, step, resolve, reject);
        };
      });
    } finally {
      worker.terminate();
    }
  }
}
