/** What was found out about one thing. */
export interface Finding {
  readonly check: string;
  /** `off`: it was not looked at, and `says` tells why. */
  readonly status: 'ok' | 'warn' | 'fail' | 'off';
  readonly says: string;
  /** What to do; of `warn` and `fail` alone. */
  readonly remedy?: string;
}

export const ok = (check: string, says: string): Finding => ({ check, status: 'ok', says });
export const off = (check: string, says: string): Finding => ({ check, status: 'off', says });
export const warn = (check: string, says: string, remedy: string): Finding => ({
  check,
  status: 'warn',
  says,
  remedy,
});
export const fail = (check: string, says: string, remedy: string): Finding => ({
  check,
  status: 'fail',
  says,
  remedy,
});

/** A check that cannot be made is a finding, too. */
export async function guarded(
  check: string,
  remedy: string,
  look: () => Promise<readonly Finding[]>,
): Promise<readonly Finding[]> {
  try {
    return await look();
  } catch (error) {
    return [fail(check, (error as Error).message, remedy)];
  }
}
