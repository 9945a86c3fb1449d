// Before and after a whole run of Jest: the bundles that the sources import, and a folder for what the
// files of the run share, such as one build of the package.
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import buildPage from '../../scripts/build-page.mjs';
import buildStructuredFields from '../../scripts/build-structured-fields.mjs';

export default async function before() {
  await buildPage();
  await buildStructuredFields();
  process.env.XLINK_TEST_RUN = mkdtempSync(join(tmpdir(), 'xlink-run-')); // workers inherit it
}
