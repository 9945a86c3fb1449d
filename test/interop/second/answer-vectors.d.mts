import type { Tally } from './vectors.mjs';

export function runAnswers(): Promise<Tally>;
