/** Instrumentation scope of the spans: the package and its version, which a test holds against package.json. */
export const SCOPE = { name: '@private.me/xlink', version: '0.1.0' } as const;
