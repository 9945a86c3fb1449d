/**
 * What is wrong with the file of a store.
 *
 * - `ELOCKED`: another process, or another store of this one, has it open.
 * - `EFOREIGN`: it is a file of another kind, or its first line is damaged.
 * - `EDAMAGED`: a line, or the record in the `.head` file, was altered, removed or put elsewhere.
 * - `ELOST`: it holds less than was acknowledged: it was emptied, cut, removed, or replaced by an older copy.
 * - `ECHANGED`: it was removed, replaced or written to by another program while it was open.
 */
export type FileStoreFault = 'ELOCKED' | 'EFOREIGN' | 'EDAMAGED' | 'ELOST' | 'ECHANGED';

/** The file of a store cannot be used. Nothing was written to it; the message says what an operator can do. */
export class FileStoreError extends Error {
  override readonly name = 'FileStoreError';
  /** What is wrong with the file. */
  readonly code: FileStoreFault;

  /** `message` says what an operator can do. */
  constructor(code: FileStoreFault, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
