/** What the page takes of an operation of the OpenAPI document. */
interface Operation {
  readonly tags?: readonly string[];
  readonly summary?: string;
  readonly description?: string;
}

interface Document {
  readonly info: { readonly version: string; readonly title: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

/** Headers of the page of the documentation: nothing but text and its own style. */
export const DOCS_HEADERS = {
  'Content-Type': 'text/html; charset=utf-8',
  'Content-Security-Policy':
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'Cache-Control': 'no-store',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
} as const;

/** Every route of the OpenAPI document, by its tag, for people: HTML that wants {@link DOCS_HEADERS}, and {@link PAGE_STYLE} at `/docs/page.css`. */
export function docsPage(document: object): string {
  const { info, paths } = document as Document;
  const all = Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => ({ path, method, ...operation })),
  );
  const tags = [...new Set(all.map(({ tags: [tag = 'Other'] = [] }) => tag))];
  const sections = tags.map((tag) => {
    const rows = all.filter(({ tags: [own = 'Other'] = [] }) => own === tag).map(rowOf);
    return `<section>\n<h2>${escaped(tag)}</h2>\n<dl>\n${rows.join('\n')}\n</dl>\n</section>`;
  });
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(info.title)}</title>
<link rel="stylesheet" href="/docs/page.css">
</head>
<body>
<main class="wide">
<h1>${escaped(info.title)} ${escaped(info.version)}</h1>
<p>All schemas and answers are in the OpenAPI 3.1 document, <a href="/openapi.json">openapi.json</a>.</p>
${sections.join('\n')}
</main>
</body>
</html>
`;
}

const rowOf = ({ method, path, summary = '' }: { method: string; path: string } & Operation): string =>
  `<dt><code>${method.toUpperCase()} ${escaped(path)}</code></dt><dd>${escaped(summary)}</dd>`;

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
