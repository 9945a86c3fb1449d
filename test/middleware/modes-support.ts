import type { DeprecationOptions, Mode, XlinkEvent } from '@private.me/xlink';

export const MIGRATION_URL = 'https://api.example.com/migrate';
export const DEPRECATION: DeprecationOptions = {
  since: new Date('2025-01-01T00:00:00Z'),
  sunset: new Date('2025-06-30T12:00:00Z'),
  migrationUrl: MIGRATION_URL,
};

/** The headers that say how keys are going out of use. */
export const WARNINGS = [
  'x-deprecated-auth',
  'x-migration-url',
  'deprecation',
  'sunset',
  'link',
  'access-control-expose-headers',
] as const;
export const isOf =
  <T extends XlinkEvent['type']>(type: T) =>
  (event: XlinkEvent): event is Extract<XlinkEvent, { type: T }> =>
    event.type === type;
/** What this mode names in a 401. */
export const challengeOf = (mode: Mode, id: string): string => {
  const [xlink, key] = [`Xlink realm="api", error="${id}"`, 'ApiKey realm="api"'];
  return mode === 'observe' ? key : mode === 'xlink-only' ? xlink : `${xlink}, ${key}`;
};
