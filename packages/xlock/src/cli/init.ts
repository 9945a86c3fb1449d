import { join } from 'node:path';
import { replacePrivateFile } from '@private.me/xlink/file';
import { integerIn } from '../util/options.js';
import { configOf, type HomeConfig, initialized, openHome } from './home.js';
import { type Terminal, UsageError } from './output.js';
import { checkDistinct, isInHome, keyFileOf, storeOf } from './places.js';

/** What `xlock init` is told. */
export interface InitOptions {
  readonly store?: readonly string[] | undefined;
  readonly threshold?: string | undefined;
  readonly relay?: string | undefined;
  readonly name?: string | undefined;
}

/** `xlock init`: writes the configuration, or changes what is given in the one that is there; stores are added to those it has. */
export async function init(
  home: string,
  options: InitOptions,
  terminal: Terminal,
  env: NodeJS.ProcessEnv,
): Promise<number> {
  const before = await configOf(home).catch((error) => {
    if ((error as { isMissing?: unknown }).isMissing) return undefined;
    throw error;
  });
  const { store = [], threshold, relay, name } = options;
  if (before && store.length === 0 && [threshold, relay, name].every((one) => one === undefined))
    throw new UsageError(`there is a configuration in ${home} already: say what to change`);
  const stores = [...new Set([...(before?.stores ?? []), ...store])];
  const needs = threshold === undefined ? (before?.threshold ?? 2) : Number(threshold);
  if (stores.length < 2 || stores.length > 9) throw new UsageError('--store is needed 2 to 9 times');
  if (!integerIn(2, stores.length)(needs)) throw new UsageError(`--threshold is 2 to ${stores.length}`);
  for (const [at, text] of stores.entries()) storeOf(text, at, home, env);
  checkDistinct(stores, home);
  const config: HomeConfig = {
    ...before,
    name: name ?? before?.name ?? 'terminal',
    stores,
    threshold: needs,
    ...(relay === undefined ? {} : { relay }),
  };
  if (before) await replacePrivateFile(join(home, 'config.json'), textOf(config));
  else if (!(await initialized(home, config)))
    throw new UsageError('another xlock init was faster: run it again');
  const opened = await openHome(home, env, () => {});
  const has = (await opened.device.passkeys()).length > 0;
  terminal.out(`device  ${opened.device.id}`);
  opened.close();
  show(home, config, terminal);
  if (has && before && (stores.length !== before.stores.length || needs !== before.threshold))
    terminal.err('xlock: now run xlock rotate, which splits your passkeys anew into these stores');
  return 0;
}

export const textOf = (config: HomeConfig): string => `${JSON.stringify(config, undefined, 2)}\n`;

function show(home: string, { stores, threshold, relay }: HomeConfig, { out, err }: Terminal): void {
  out(`shares  ${threshold} of ${stores.length} stores`);
  for (const [at, text] of stores.entries()) out(`  ${at + 1}  ${text}${meaning(text, home)}`);
  out(`relay   ${relay ?? 'none: logins are approved by their links'}`);
  const kept = stores.filter((text) => !isInHome(text, home)).length;
  if (kept < threshold)
    err(
      `xlock: WARNING: ${kept} of the stores outlive this device, and it takes ${threshold}: if ${home} is lost, your passkeys are. Add a --store elsewhere, or keep a copy of that folder, store.key included`,
    );
  else if (kept < stores.length)
    err(
      `xlock: if ${home} is lost, the other ${kept} stores recover your passkeys: on the new device run xlock init with the same places, then xlock recover`,
    );
}

function meaning(text: string, home: string): string {
  if (isInHome(text, home)) return '  (lost with this device)';
  if (text.startsWith('file:'))
    return `  (its key is ${keyFileOf(text, home)}: whoever has the medium has this share)`;
  return text.startsWith('passphrase:')
    ? '  (opened by XLOCK_PASSPHRASE only: keep it in your head or a safe)'
    : '';
}
