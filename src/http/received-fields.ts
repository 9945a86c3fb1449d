import type { Header } from '../envelope/plaintext.js';
import { xlinkError } from '../errors/service-errors.js';
import { NOT_COVERED, READABLE_BESIDE } from './covered-fields.js';
import { headerMatcher } from './header-matcher.js';

/** What a caller's HTTP library may set by itself although the caller's own value is sealed: that one counts. */
const isSetBeside = headerMatcher([
  ...READABLE_BESIDE,
  'accept-language',
  'cache-control',
  'pragma',
  'priority',
  'sec-*',
]);

/** Says of a request what may be sealed or signed of its headers. */
export class ReceivedFields {
  readonly #isRefused: (name: string) => boolean;

  /** `proxyHeaders`: what else the proxies of this API set. */
  constructor(proxyHeaders: readonly string[] = []) {
    this.#isRefused = headerMatcher([...NOT_COVERED, ...proxyHeaders]);
  }

  /** Throws `FIELD_NOT_ALLOWED` for a header that is not the caller's to set: what an API believes of its proxy would be replaced. */
  assertAllowed(names: Iterable<string>): void {
    for (const name of names)
      if (this.#isRefused(name)) throw xlinkError('FIELD_NOT_ALLOWED', { field: name });
  }

  /** Both of the headers that were sealed. */
  assertSealed(sealed: readonly Header[], onTheWire: (name: string) => string | undefined): void {
    if (sealed.length === 0) return;
    this.assertAllowed(sealed.map(([name]) => name));
    this.assertAlone(sealed, onTheWire);
  }

  /** Throws `FIELDS_MISMATCH` for a sealed header that came on the wire as well, with another value: somebody on the way put it there. */
  private assertAlone(sealed: readonly Header[], onTheWire: (name: string) => string | undefined): void {
    for (const [name, value] of sealed) {
      if (isSetBeside(name)) continue;
      if ((onTheWire(name) ?? value) !== value) throw xlinkError('FIELDS_MISMATCH', { field: name });
    }
  }
}
