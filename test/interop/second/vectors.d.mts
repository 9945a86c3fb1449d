export interface Tally {
  cases: number;
  failures: string[];
}
export function runIdentity(): Promise<Tally>;
export function runKeyRecord(): Promise<Tally>;
export function runSuccession(): Promise<Tally>;
export function runDiscovery(): Promise<Tally>;
export function runRequestBinding(): Promise<Tally>;
export function runAnswers(): Promise<Tally>;
export function runShares(): Promise<Tally>;
export function runEnvelopes(file: string): Promise<Tally>;
