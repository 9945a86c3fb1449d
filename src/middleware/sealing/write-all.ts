import type { Written } from './sealed-output.js';

/** The parts of Node's `Writable` that are used. */
interface Corkable {
  cork(): void;
  uncork(): void;
}

/** Writes several pieces of bytes as one, without a copy of them; calls back behind the last. */
export function writeAll(
  stream: Corkable,
  write: (bytes: Uint8Array, written?: Written) => boolean,
  parts: readonly Uint8Array[],
  written: Written,
): boolean {
  if (parts.length === 1) return write(parts[0]!, written);
  stream.cork();
  for (const part of parts.slice(0, -1)) write(part);
  const hasRoom = write(parts.at(-1)!, written);
  stream.uncork();
  return hasRoom;
}
