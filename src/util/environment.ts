/** A variable of the environment; `undefined` where there is none, or it may not be read, as in Deno without `--allow-env`. */
export function environment(name: string): string | undefined {
  try {
    return globalThis.process?.env?.[name];
  } catch {
    return undefined;
  }
}
