import type { InitValues } from '../init.js';
import type { Output } from '../run.js';
export async function onboard(_values: InitValues, _output: Output): Promise<number> {
  return 1;
}
