import { environment } from '../util/environment.js';

/** The parts of Node's `process` used here; absent elsewhere. */
interface ProcessLike {
  getBuiltinModule?(name: string): { readonly isWorker?: boolean } | undefined;
}

/** A worker of Node's cluster, or any but the first instance under PM2, which counts them from 0, also where there is one. */
export function isOneOfSeveral(): boolean {
  const { process } = globalThis as { process?: ProcessLike };
  return (
    process?.getBuiltinModule?.('node:cluster')?.isWorker === true ||
    Number(environment('NODE_APP_INSTANCE') ?? 0) > 0
  );
}
