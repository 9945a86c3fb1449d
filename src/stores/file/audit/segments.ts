import { LOG_FORMAT } from '../../audit/record-text.js';
import { Journal } from '../journal.js';
import type { OnRepair } from '../journal-file.js';
import { places, segmentsIn } from './places.js';

export interface SegmentsOptions {
  readonly folder: string;
  /** A new file is begun when one has as many bytes. */
  readonly segmentBytes: number;
  readonly lockWaitMs: number;
  readonly onRepair?: OnRepair | undefined;
}

/** The files of a log: one journal behind the other, of which the last one grows. */
export class Segments {
  readonly #options: SegmentsOptions;
  #journal: Journal;

  private constructor(options: SegmentsOptions, journal: Journal) {
    this.#options = options;
    this.#journal = journal;
  }

  /** Opens the last file, and cuts off what a crash left of a line. Rejects with a {@link FileStoreError}. */
  static async open(options: SegmentsOptions): Promise<Segments> {
    const last = (await segmentsIn(options.folder)).at(-1);
    return new Segments(options, await openSegment(options, last ?? 0));
  }

  /** Resolves when the records are on the disk, all of them or, if it rejects, none. `first`: the number of the first. */
  async append(texts: readonly string[], first: number): Promise<void> {
    if (this.#journal.size.now >= this.#options.segmentBytes) {
      const next = await openSegment(this.#options, first);
      await this.#journal.close();
      this.#journal = next;
    }
    await this.#journal.append(texts);
  }

  close(): Promise<void> {
    return this.#journal.close();
  }
}

const openSegment = ({ folder, lockWaitMs, onRepair }: SegmentsOptions, start: number): Promise<Journal> =>
  Journal.open({
    path: places(folder).segment(start),
    format: LOG_FORMAT,
    replay: () => {},
    lockWaitMs,
    onRepair,
  });
