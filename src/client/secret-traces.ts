/** Below it, as in tests, a secret is part of other words by chance. */
const LENGTH_OF_SECRETS = 8;

/** Finds a secret of printable ASCII in what leaves the client; one of less than 8 characters only where it stands alone. */
export class SecretTraces {
  readonly #alone: RegExp | undefined;
  readonly #traces: readonly string[];

  constructor(secret: string) {
    // OAuth percent-encodes what it puts into Basic credentials.
    const inBase64 = [secret, encodeURIComponent(secret)].flatMap(base64Traces);
    const alone = secret.replace(/\W/g, '\\$&');
    this.#alone = secret.length < LENGTH_OF_SECRETS ? new RegExp(`(?<!\\w)${alone}(?!\\w)`) : undefined;
    this.#traces = this.#alone ? inBase64 : [secret, ...inBase64];
  }

  /**
   * Whether a text holds it: as it is, percent-encoded (form-encoded included, also more than once), or within base64 or
   * base64url, as in Basic credentials.
   */
  areIn(text: string): boolean {
    const base64 = text.replaceAll('-', '+').replaceAll('_', '/');
    if (this.#alone?.test(text)) return true;
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
