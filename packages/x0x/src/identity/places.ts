import { homedir } from 'node:os';
import { join } from 'node:path';
import { checkNames, checkValue, isText } from '../util/options.js';

/** Where an instance keeps what it is and what it does. */
export interface Places {
  /** Keys: what the agent is. */
  readonly identityDir: string;
  /** State of the daemon: `api.port`, `api-token`, contacts. */
  readonly dataDir: string;
}

/** Options of {@link placesOf}. */
export interface PlacesOptions {
  /** A second identity on this machine: 1 to 32 characters of `a-z 0-9 _ -`. Default: the one without a name. */
  readonly name?: string;
  /** Default `~/.x0x`, or `~/.x0x-NAME`. */
  readonly identityDir?: string;
  /** Default `x0x`, or `x0x-NAME`, where the platform keeps data of programs: `~/.local/share` on Linux. */
  readonly dataDir?: string;
}

export const PLACES_OPTIONS = ['name', 'identityDir', 'dataDir'] as const;

/** The directories of an instance, where x0x has them. Throws `INVALID_OPTION`. */
export function placesOf(options: PlacesOptions = {}): Places {
  const owner = 'placesOf';
  checkNames(owner, options, PLACES_OPTIONS);
  const { name, identityDir, dataDir } = options;
  checkValue(owner, 'name', name, (text) => /^[a-z0-9_-]{1,32}$/.test(text), '1 to 32 of a-z 0-9 _ -');
  checkValue(owner, 'identityDir', identityDir, isText, 'a path');
  checkValue(owner, 'dataDir', dataDir, isText, 'a path');
  const suffix = name === undefined ? '' : `-${name}`;
  return {
    identityDir: identityDir ?? join(homedir(), `.x0x${suffix}`),
    dataDir: dataDir ?? join(dataHome(), `x0x${suffix}`),
  };
}

function dataHome(): string {
  const { XDG_DATA_HOME, APPDATA } = process.env;
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Application Support');
  if (process.platform === 'win32') return APPDATA ?? join(homedir(), 'AppData', 'Roaming');
  return XDG_DATA_HOME?.startsWith('/') ? XDG_DATA_HOME : join(homedir(), '.local', 'share');
}
