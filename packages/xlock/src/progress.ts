/** How far an operation is. */
export interface ProgressUpdate {
  /** Name of the function, such as `signChallenge`. */
  readonly operation: string;
  /** The step that begins now, as {@link PROGRESS_STEPS} names it. */
  readonly step: string;
  /** 0 to 100. */
  readonly progress: number;
  /** The same step, made to be shown. */
  readonly message: string;
}

/** Told each step as it begins. What it throws is passed over. */
export type ProgressCallback = (update: ProgressUpdate) => void;

/** The steps of each operation that tells them, in their order. */
export const PROGRESS_STEPS = {
  requestXlockAuth: ['Generating challenge', 'Sending push notification', 'Awaiting response'],
  respondXlockChallenge: [
    'Reconstructing passkey',
    'Signing challenge',
    'Purging key material',
    'Sending response',
  ],
  generatePasskey: [
    'Generating Ed25519 keypair',
    'Splitting into shares',
    'Distributing to xStore',
    'Verifying storage',
  ],
  signChallenge: ['Fetching shares', 'Reconstructing key', 'Signing', 'Purging ephemeral key'],
} as const;

/** An operation that tells its steps. */
export type ProgressOperation = keyof typeof PROGRESS_STEPS;

/** What is told at the beginning of each step, by how many there are: the last one begins when all else is done. */
const PERCENT: Readonly<Record<number, readonly number[]>> = { 3: [0, 50, 100], 4: [0, 25, 50, 100] };

/** A function that tells step 0, 1, 2 … of an operation. */
export function stepsOf(
  operation: ProgressOperation,
  onProgress: ProgressCallback | undefined,
): (step: number) => void {
  const steps: readonly string[] = PROGRESS_STEPS[operation];
  return (at) => {
    const step = steps[at]!;
    try {
      onProgress?.({ operation, step, progress: PERCENT[steps.length]![at]!, message: step });
    } catch {
      // whoever watches does not stand in the way
    }
  };
}
