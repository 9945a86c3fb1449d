/** More than that are of no help. */
const MAX_CAUSES = 5;

/** What an error says, and what its causes say, one a line. No headers, and nothing that could move the cursor. */
export function explain(error: unknown): string {
  const lines = [textOf(error)];
  let { cause } = (error ?? {}) as { cause?: unknown };
  for (let n = 0; cause !== undefined && n < MAX_CAUSES; n++) {
    lines.push(`  because: ${textOf(cause)}`);
    cause = (cause as { cause?: unknown } | null)?.cause;
  }
  return lines.join('\n');
}

function textOf(error: unknown): string {
  const { message, errors, code, field } = (error ?? {}) as Partial<
    Record<'message' | 'errors' | 'code' | 'field', unknown>
  >;
  if (typeof message !== 'string') return clean(String(error));
  // What `fetch` fails with on a host of several addresses says nothing itself.
  const parts = Array.isArray(errors) ? errors.map(textOf).join('; ') : '';
  const named = typeof field === 'string' && message.includes('`field`') ? ` (field: ${field})` : '';
  return clean((message || parts || String(code ?? error)) + named).replaceAll(
    LIBRARY_OPTION,
    (name) => OPTIONS[name]!,
  );
}

/** What options of the library are called here. */
const OPTIONS: Readonly<Record<string, string>> = {
  unsafeAllowHttp: '--unsafe-allow-http',
  unsafeAllowPrivateAddresses: '--allow-private',
};
const LIBRARY_OPTION = new RegExp(Object.keys(OPTIONS).join('|'), 'g');

const clean = (text: string): string =>
  text.replaceAll(/\b(Bearer|Basic)\s+\S+/gi, '$1 …').replaceAll(/\p{Cc}+/gu, ' ');
