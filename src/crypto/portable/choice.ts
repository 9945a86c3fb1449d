import type { Awaitable } from '../../util/awaitable.js';

/**
 * One primitive in WebCrypto and in noble. The first use tries WebCrypto on a known answer and that settles it: what a
 * runtime claims to support is not what it does. Once noble is chosen, calls are synchronous.
 */
export class Choice<T extends object> {
  readonly #webCrypto: T | undefined;
  readonly #noble: T;
  readonly #works: (candidate: T) => Promise<boolean>;
  #chosen: T | Promise<T> | undefined;
  #name: 'untried' | 'noble' | 'WebCrypto' = 'untried';

  constructor(webCrypto: T | undefined, noble: T, works: (candidate: T) => Promise<boolean>) {
    this.#webCrypto = webCrypto;
    this.#noble = noble;
    this.#works = works;
    if (!webCrypto) this.#settle(noble);
  }

  get name(): string {
    return this.#name;
  }

  use<R>(call: (chosen: T) => Awaitable<R>): Awaitable<R> {
    this.#chosen ??= this.#choose(this.#webCrypto!);
    const chosen = this.#chosen;
    return chosen instanceof Promise ? chosen.then(call) : call(chosen);
  }

  async #choose(webCrypto: T): Promise<T> {
    const works = await this.#works(webCrypto).catch(() => false);
    return this.#settle(works ? webCrypto : this.#noble);
  }

  #settle(chosen: T): T {
    this.#name = chosen === this.#noble ? 'noble' : 'WebCrypto';
    this.#chosen = chosen;
    return chosen;
  }
}
