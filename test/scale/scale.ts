/** `SCALE=full` runs what the promises are about; otherwise the same tests run smaller, so that everybody runs them. */
export const FULL = process.env['SCALE'] === 'full';

export const scaled = (full: number, small: number): number => (FULL ? full : small);
