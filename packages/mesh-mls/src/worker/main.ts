import { parentPort } from 'node:worker_threads';
import { GroupError, isGroupError } from '../errors.js';
import { Engine } from './engine.js';
import type { FromWorker, Standing, ToWorker } from './protocol.js';

const port = parentPort!;
const engine = new Engine();
const asked = new Map<number, (standing: Standing | undefined) => void>();
let asks = 0;

const tell = (message: FromWorker): void => port.postMessage(message);

/** Has the main thread ask the registry. */
const askFor = (call: number) => async (did: string) => {
  const ask = ++asks;
  const standing = await new Promise<Standing | undefined>((resolve) => {
    asked.set(ask, resolve);
    tell({ kind: 'ask', ask, call, did });
  });
  if (standing === undefined) throw new GroupError('REGISTRY_UNAVAILABLE');
  return standing;
};

port.on('message', (message: ToWorker) => {
  if (message.kind === 'settle') engine.states.settle(message.held, message.key, message.proposed);
  else if (message.kind === 'answer') {
    asked.get(message.ask)?.(message.standing);
    asked.delete(message.ask);
  } else void call(message);
});

async function call({ id, op, input }: ToWorker & { kind: 'call' }): Promise<void> {
  try {
    const value = await engine[op](input as never, askFor(id));
    tell({ kind: 'done', id, value });
  } catch (error) {
    const known = isGroupError(error) ? error : undefined;
    const why = (known?.cause as Error | undefined)?.message ?? (error as Error).message;
    tell({ kind: 'failed', id, error: known?.id ?? 'WORKER_FAILED', field: known?.field, message: why });
  }
}
