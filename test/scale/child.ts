import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';

/** A question to a program of this folder: what is asked, and what it is about. */
export interface Question {
  readonly ask: string;
  readonly [about: string]: unknown;
}

interface Waiting {
  readonly resolve: (answer: never) => void;
  readonly reject: (error: Error) => void;
}

/** A forked program that answers questions, several at a time; see programs/questions.mjs for its side. */
export class Child {
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  #asked = 0;

  private constructor(child: ChildProcess) {
    this.#process = child;
    child.on('message', ({ id, answer }: { id: number; answer: never }) => {
      this.#waiting.get(id)?.resolve(answer);
      this.#waiting.delete(id);
    });
    child.on('exit', (code) => {
      for (const { reject } of this.#waiting.values()) reject(new Error(`A program ended with ${code}`));
      this.#waiting.clear();
    });
  }

  /** Resolves to the program and what it says once it is ready. Its settings are in the variable SETTINGS. */
  static async start<T>(file: string, settings: object, execArgv: string[] = []): Promise<[Child, T]> {
    const env = { ...process.env, NODE_ENV: 'production', SETTINGS: JSON.stringify(settings) };
    const child = new Child(fork(file, { env, execArgv }));
    try {
      return [child, await child.#answer<T>(0)];
    } catch (error) {
      await child.stop();
      throw error;
    }
  }

  async ask<T>(question: Question): Promise<T> {
    const id = ++this.#asked;
    const answer = this.#answer<T>(id);
    this.#process.send({ id, question });
    return answer;
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const ended = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await ended;
  }

  #answer<T>(id: number): Promise<T> {
    return new Promise<T>((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
  }
}
