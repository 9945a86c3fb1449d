import { open } from 'node:fs/promises';
import { type FoundLine, recordsIn } from '../../audit/record-text.js';
import { sumOf } from '../journal-line.js';
import { places, segmentsIn } from './places.js';

const LINE = /^\{"sum":"([0-9a-f]{16})","data":(.*)\}$/s;
const CHUNK_BYTES = 1 << 20;

/** All lines with entries, oldest first. Damage ends nothing: the one who reads decides. */
export async function* readLog(folder: string): AsyncGenerator<FoundLine> {
  for (const start of await segmentsIn(folder)) {
    let sum: string | undefined;
    for await (const text of linesOf(places(folder).segment(start))) {
      const [, found, data = ''] = LINE.exec(text) ?? [];
      const expected = sumOf(sum ?? '', data);
      const isFirst = sum === undefined;
      sum = found ?? '';
      if (isFirst) {
        if (found !== expected) yield { records: [], whole: false, sound: false };
        continue;
      }
      const { records, whole } = recordsIn(data);
      yield { records, whole, sound: found === expected };
    }
  }
}

/** Whole lines; what is behind the last newline was never acknowledged. */
async function* linesOf(path: string): AsyncGenerator<string> {
  const file = await open(path, 'r');
  try {
    let rest = '';
    const buffer = Buffer.alloc(CHUNK_BYTES);
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, buffer.length);
      if (bytesRead === 0) return;
      const lines = (rest + buffer.toString('latin1', 0, bytesRead)).split('\n'); // records are ASCII
      rest = lines.pop()!;
      yield* lines;
    }
  } finally {
    await file.close();
  }
}
