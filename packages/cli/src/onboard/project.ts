import { stat } from 'node:fs/promises';
import { contentOf } from '../local/whole-file.js';
import { UsageError } from '../run.js';

/** Frameworks that code is written for, as people and `--framework` call them. The first that a project has counts. */
export const FRAMEWORKS = {
  nest: { label: 'Node.js (Nest)', dependency: '@nestjs/core' },
  fastify: { label: 'Node.js (Fastify)', dependency: 'fastify' },
  hono: { label: 'Node.js (Hono)', dependency: 'hono' },
  koa: { label: 'Node.js (Koa)', dependency: 'koa' },
  express: { label: 'Node.js (Express)', dependency: 'express' },
  node: { label: 'Node.js', dependency: undefined },
} as const;

export type Framework = keyof typeof FRAMEWORKS;

export interface Manifest {
  readonly name?: string;
  readonly type?: string;
  readonly scripts?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

/** What a folder holds, as far as code for it depends on that. */
export interface Project {
  /** package.json; `undefined`: there is none. */
  readonly manifest: Manifest | undefined;
  /** The same, as it stands there. */
  readonly manifestText: string | undefined;
  readonly framework: Framework;
  readonly isTypeScript: boolean;
  /** Whether its JavaScript is in ES modules. */
  readonly isEsm: boolean;
  /** Where code goes: `src/`, or nothing. */
  readonly folder: '' | 'src/';
}

/** Looks at the working directory. */
export async function projectHere(): Promise<Project> {
  const manifestText = (await contentOf('package.json'))?.toString();
  const manifest = parsed(manifestText);
  const isTypeScript = (await contentOf('tsconfig.json')) !== undefined;
  const hasSource = await stat('src')
    .then((found) => found.isDirectory())
    .catch(() => false);
  return {
    manifest,
    manifestText,
    framework: frameworkOf(manifest),
    isTypeScript,
    isEsm: manifest === undefined || manifest.type === 'module',
    folder: isTypeScript || hasSource ? 'src/' : '',
  };
}

/** The language of a folder without package.json, by the files that its tools make; `undefined`: that of Node. */
export async function languageHere(): Promise<'python' | 'go' | 'rust' | undefined> {
  const has = async (path: string) => (await contentOf(path)) !== undefined;
  if (await has('package.json')) return undefined;
  for (const path of ['pyproject.toml', 'requirements.txt', 'setup.py', 'Pipfile'])
    if (await has(path)) return 'python';
  if (await has('go.mod')) return 'go';
  return (await has('Cargo.toml')) ? 'rust' : undefined;
}

/** Where the program of the project listens: the PORT of the environment or of .env; `undefined`: nobody says. */
export async function portHere(): Promise<number | undefined> {
  const env = (await contentOf('.env'))?.toString() ?? '';
  const text = process.env['PORT'] ?? /^\s*(?:export\s+)?PORT\s*=\s*["']?(\d{1,5})["']?\s*$/m.exec(env)?.[1];
  return text !== undefined && /^\d{1,5}$/.test(text) && Number(text) > 0 && Number(text) < 65_536
    ? Number(text)
    : undefined;
}

function parsed(text: string | undefined): Manifest | undefined {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    throw new UsageError('package.json of this folder is not JSON');
  }
}

function frameworkOf(manifest: Manifest | undefined): Framework {
  const all = { ...manifest?.devDependencies, ...manifest?.dependencies };
  const found = Object.entries(FRAMEWORKS).find(
    ([, { dependency }]) => dependency !== undefined && dependency in all,
  );
  return (found?.[0] ?? 'node') as Framework;
}

/** A framework by its name, or by what it is called in the question. Throws a `UsageError`. */
export function frameworkNamed(text: string): Framework {
  const wanted = text.toLowerCase().replace(/js$/, '');
  const found = Object.entries(FRAMEWORKS).find(
    ([name, { label }]) => name === wanted || label.toLowerCase() === text.toLowerCase(),
  );
  if (!found) throw new UsageError(`--framework is one of ${Object.keys(FRAMEWORKS).join(', ')}`);
  return found[0] as Framework;
}
