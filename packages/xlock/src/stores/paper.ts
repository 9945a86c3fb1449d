import { checkNames, checkValue, invalidOption, isFunction, isText } from '../util/options.js';
import type { XStoreBackend } from './backend.js';
import { readSheet, type SheetImage, shareSheet } from './sheet.js';

/** Options of {@link PaperBackend}. */
export interface PaperBackendOptions {
  /** Prints or saves a sheet (SVG, 150 mm x 180 mm). Resolve once the user says that it is on paper. */
  readonly print: (svg: string, name: string) => Promise<void> | void;
  /** Asks for the sheet of this name: a picture of it, or the text of its code; `undefined` if the user has none. */
  readonly scan: (name: string) => Promise<SheetImage | string | undefined> | SheetImage | string | undefined;
  /** On the sheet, to tell it from others. Default `xLock share`. */
  readonly title?: string;
  /** Name for messages. Default `paper`. */
  readonly id?: string;
}

/**
 * A share on paper. It is asked for only where the other stores do not suffice. What was printed cannot be deleted: destroy old sheets
 * when a new one was printed.
 */
export class PaperBackend implements XStoreBackend {
  readonly id: string;
  /** A human has to find the sheet. */
  readonly manual = true;
  readonly #options: PaperBackendOptions;

  /** Throws `INVALID_OPTION`. */
  constructor(options: PaperBackendOptions) {
    const OWNER = 'PaperBackend';
    checkNames(OWNER, options, ['print', 'scan', 'title', 'id']);
    for (const name of ['print', 'scan'] as const)
      if (!isFunction(options[name])) throw invalidOption(name, `${OWNER}: ${name} must be a function.`);
    checkValue(OWNER, 'title', options.title, isText, 'a text');
    checkValue(OWNER, 'id', options.id, isText, 'a text');
    this.#options = options;
    this.id = options.id ?? 'paper';
  }

  /** Prints a sheet. */
  async put(name: string, bytes: Uint8Array): Promise<void> {
    await this.#options.print(shareSheet(name, bytes, this.#options.title), name);
  }

  /** Reads a sheet; `undefined` for the sheet of another passkey. */
  async get(name: string): Promise<Uint8Array | undefined> {
    const sheet = await this.#options.scan(name);
    const read = sheet === undefined ? undefined : readSheet(sheet);
    return read?.name === name ? read.bytes : undefined;
  }

  /** Does nothing: paper is destroyed by hand. */
  delete(): void {}
}
