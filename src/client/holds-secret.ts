/**
 * Whether a text gives away a secret of printable ASCII: as it is, percent-encoded (form-encoded included, also more than
 * once), or in base64 or base64url, as in Basic credentials.
 */
export const holdsSecret = (text: string, secret: string): boolean =>
  unescaped(text).some((reading) =>
    [reading, ...fromBase64(reading, (secret.length * 4) / 3)].some((inner) =>
      unescaped(inner).some((one) => one.includes(secret)),
    ),
  );

/** A text, and what it says without percent-encoding. A `%` that begins no escape stays as it is. */
function unescaped(text: string): string[] {
  const plain = text.replace(/%([\da-f]{2})/gi, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)));
  return plain === text ? [text] : [text, ...unescaped(plain)];
}

/** What parts of a text say if they are base64, from each place on: what stands before it may look like base64, too. */
const fromBase64 = (text: string, minLength: number): string[] =>
  text
    .replaceAll('-', '+')
    .replaceAll('_', '/')
    .split(/[^\w+/]/)
    .filter((run) => run.length >= minLength)
    .flatMap((run) =>
      [0, 1, 2, 3].map((at) => atob(run.slice(at, run.length - ((run.length - at) % 4 === 1 ? 1 : 0)))),
    );
