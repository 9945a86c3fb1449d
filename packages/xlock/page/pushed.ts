/** A login that waits for an answer. */
export interface Pending {
  readonly id: string;
  /** As it was pushed. */
  readonly text: string;
  /** In ms since 1970. */
  readonly respondBy: number;
  /** Kept until its time is up, so that it is not shown again when it comes by another way. */
  readonly isAnswered?: true;
}

/** No challenge is good for longer, in ms. */
const LONGEST_MS = 3_600_000;

/** What a push says of itself. Not checked: the page does that when it shows it, and drops what is bad. */
export function pushed(text: string): (Pending & { readonly origin: string }) | undefined {
  try {
    const json = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
    const { kind, id, respondBy, origin } = JSON.parse(json) as Record<string, unknown>;
    const leftMs = Number(respondBy) - Date.now();
    const isGood = kind === 'auth' && /^[\w-]{22}$/.test(String(id)) && leftMs > 0 && leftMs <= LONGEST_MS;
    return isGood
      ? { id: String(id), text, respondBy: Number(respondBy), origin: new URL(String(origin)).origin }
      : undefined;
  } catch {
    return undefined;
  }
}
