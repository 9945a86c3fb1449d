// The worker in which a passkey is put together, for one task; its memory ends with it.
import type { Task } from '../src/passkey/tasks.js';
import { doTask, type ThreadPort } from '../src/passkey/thread-words.js';

const port = globalThis as unknown as ThreadPort & { onmessage: (event: MessageEvent<Task>) => void };
port.onmessage = ({ data }) => void doTask(port, data);
port.postMessage({ ready: true }, []);
