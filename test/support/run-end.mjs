import { rmSync } from 'node:fs';

export default function after() {
  rmSync(process.env.XLINK_TEST_RUN, { recursive: true, force: true });
}
