import { byId, setText } from './dom.js';

/** Between two announcements that can wait. */
const PAUSE_MS = 30_000;

let last = Number.NEGATIVE_INFINITY;
let waiting: string | undefined;

/**
 * Tells who listens to the page instead of looking at it. What is not urgent waits its turn, and gives way to what is
 * newer.
 */
export function announce(text: string, urgent = false): void {
  waiting = text;
  if (urgent) last = Number.NEGATIVE_INFINITY;
  deliver();
}

/** Called with every snapshot, so that nothing waits for ever. */
export function deliver(): void {
  if (waiting === undefined || performance.now() - last < PAUSE_MS) return;
  setText(byId('announcement'), waiting);
  waiting = undefined;
  last = performance.now();
}
