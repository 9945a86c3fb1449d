import type { PlacesOptions } from '../identity/places.js';

/** Which instance a command is about. */
export const PLACE_OPTIONS = {
  name: { type: 'string' },
  'identity-dir': { type: 'string' },
  'data-dir': { type: 'string' },
} as const;

/** The same as options of `placesOf`. */
export function placesIn(
  values: {
    readonly [K in keyof typeof PLACE_OPTIONS]?: string | undefined;
  },
): PlacesOptions {
  const { name, 'identity-dir': identityDir, 'data-dir': dataDir } = values;
  return {
    ...(name === undefined ? {} : { name }),
    ...(identityDir === undefined ? {} : { identityDir }),
    ...(dataDir === undefined ? {} : { dataDir }),
  };
}
