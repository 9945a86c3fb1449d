import { type Command, UsageError } from './run.js';
import type { Route } from './server/route.js';

/**
 * What an installed wing adds to the command and to the server: the default export of its `./xlink-cli`. Names of commands and paths of
 * routes that are there already are refused.
 *
 * ```ts
 * // @private.me/x0x, exports: { "./xlink-cli": "./dist/xlink-cli.js" }
 * export default { name: 'x0x', commands: { x0x: command }, routes: [route({ ... }, handle)] } satisfies XlinkModule;
 * ```
 */
export interface XlinkModule {
  /** For messages about it. */
  readonly name: string;
  /** By the word after `xlink`. */
  readonly commands?: Readonly<Record<string, Command>>;
  /** Rows of the route table. Paths begin with `/v1/` and the name. */
  readonly routes?: readonly Route[];
}

/** Packages that are asked, where they are installed. */
const WINGS = ['xid', 'xfuse', 'xlock', 'x0x', 'mesh', 'mesh-mls'].map((name) => `@private.me/${name}`);
/** More packages, separated by commas. */
const VARIABLE = 'XLINK_MODULES';

/** Of runtimes, and of the tools that stand in for them. */
const ABSENT = new Set(['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND', 'ERR_PACKAGE_PATH_NOT_EXPORTED']);

/**
 * The modules of installed wings. A wing that is not installed, or has no module, is left out; one that is named in `XLINK_MODULES` must be
 * there. Throws a `UsageError` for a module that is none, or takes what is taken.
 */
export async function installedModules(
  env: NodeJS.ProcessEnv = process.env,
  load: (name: string) => Promise<{ default?: unknown }> = (name) => import(name),
): Promise<readonly XlinkModule[]> {
  const named = (env[VARIABLE] ?? '').split(',').filter((name) => name.trim() !== '');
  const found: XlinkModule[] = [];
  for (const name of [...WINGS, ...named]) {
    const module = await loaded(name.trim(), named.includes(name), load);
    if (module) found.push(module);
  }
  return found;
}

async function loaded(
  name: string,
  isNamed: boolean,
  load: (name: string) => Promise<{ default?: unknown }>,
): Promise<XlinkModule | undefined> {
  let made: unknown;
  try {
    made = (await load(`${name}/xlink-cli`)).default;
  } catch (cause) {
    const { code, message } = cause as { code?: string; message: string };
    const isOfIt = message.includes(`'${name}`) || message.includes(`${name}/package.json`); // and not of what it imports
    const isAbsent = isOfIt && ABSENT.has(String(code));
    if (isAbsent && !isNamed) return undefined;
    throw new Error(`the module of ${name} could not be loaded`, { cause });
  }
  if (isModule(made)) return made;
  throw new UsageError(`${name}/xlink-cli has no default export with name, commands and routes`);
}

function isModule(value: unknown): value is XlinkModule {
  const { name, commands = {}, routes = [] } = (value ?? {}) as Partial<XlinkModule>;
  return (
    typeof name === 'string' &&
    typeof commands === 'object' &&
    Array.isArray(routes) &&
    routes.every((route) => typeof route?.path === 'string' && route.path.startsWith(`/v1/${name}`))
  );
}

/** The commands of the modules, by name. Throws a `UsageError` for one that is there already. */
export async function moduleCommands(
  commands: Readonly<Record<string, Command>>,
): Promise<Readonly<Record<string, Command>>> {
  const found: Record<string, Command> = {};
  for (const { name, commands: more = {} } of await installedModules())
    for (const [word, command] of Object.entries(more)) {
      if (Object.hasOwn(commands, word) || Object.hasOwn(found, word))
        throw new UsageError(`the module ${name} has a command ${word}, which is there already`);
      found[word] = command;
    }
  return found;
}
