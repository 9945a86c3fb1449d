// The snippets of the documentation, as programs.
import { readFile } from 'node:fs/promises';

/** The snippets of TypeScript in a file of the package. */
export async function snippetsIn(file: string): Promise<string[]> {
  const text = await readFile(new URL(`../${file}`, import.meta.url), 'utf8');
  return [...text.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, snippet]) => snippet!);
}

const FRONTS: Record<string, () => Promise<object>> = {
  '@private.me/xlock': () => import('../src/index.js'),
  '@private.me/xlink': () => import('@private.me/xlink'),
  express: () => import('express'),
};

/** Runs a snippet, and gives what it printed: its imports are looked up here; `places` are its variables. */
export async function runSnippet(snippet: string, places: Record<string, unknown> = {}): Promise<string[]> {
  const text = snippet
    .replace(/^declare const .*$/gm, '')
    .replace(/import (\{[^}]*\}|\w+) from '([^']+)';/g, (_, names: string, from: string) =>
      names.startsWith('{')
        ? `const ${names} = await load('${from}');`
        : `const ${names} = (await load('${from}')).default;`,
    );
  const printed: string[] = [];
  const console = { log: (...parts: unknown[]) => void printed.push(parts.map(String).join(' ')) };
  const AsyncFunction = (async () => undefined).constructor as new (
    ...text: string[]
  ) => (...values: unknown[]) => Promise<void>;
  const load = (from: string) => (places[from] as () => object)?.() ?? FRONTS[from]!();
  const names = Object.keys(places).filter((name) => /^\w+$/.test(name) && !text.includes(`load('${name}')`));
  await new AsyncFunction('load', 'console', ...names, text)(
    load,
    console,
    ...names.map((name) => places[name]),
  );
  return printed;
}
