import { invalidOption } from '../util/options.js';

/** Loads an optional package. Throws `INVALID_OPTION` that says how to install it. */
export async function loadPeer<T>(name: string, version: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw invalidOption(name, `This needs a package that is not installed: npm install ${name}@${version}`);
  }
}
