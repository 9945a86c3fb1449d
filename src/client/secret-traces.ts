/** Finds a secret of printable ASCII in what leaves the client. */
export class SecretTraces {
  readonly #traces: readonly string[];

  constructor(secret: string) {
    // OAuth percent-encodes what it puts into Basic credentials.
    const inBase64 = [secret, encodeURIComponent(secret)].flatMap(base64Traces);
    this.#traces = [secret, ...inBase64];
  }

  /**
   * Whether a text holds it: as it is, percent-encoded (form-encoded included, also more than once), or within base64 or
   * base64url, as in Basic credentials.
   */
  areIn(text: string): boolean {
    const base64 = text.replaceAll('-', '+').replaceAll('_', '/');
    if (this.#traces.some((trace) => text.includes(trace) || base64.includes(trace))) return true;
    const plain = text.replace(/%([\da-f]{2})/gi, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)));
    return plain !== text && this.areIn(plain);
  }
}

/** The characters that stand for a text alone, whatever is before and after it. Fewer than three would be found by chance. */
const base64Traces = (text: string): string[] =>
  [0, 1, 2]
    .map((before) =>
      btoa('\0'.repeat(before) + text).slice(before && before + 1, ((before + text.length) * 4) / 3),
    )
    .filter((trace) => trace.length > 2);
