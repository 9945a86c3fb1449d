// Builds the site into dist/. Pages are copied here first: they are compiled to modules, which find packages from where they lie.
import { spawnSync } from 'node:child_process';
import { cpSync, renameSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
rmSync(`${here}pages`, { recursive: true, force: true });
cpSync(`${here}../docs`, `${here}pages`, { recursive: true });
for (const folder of ['', 'api/'])
  renameSync(`${here}pages/${folder}README.md`, `${here}pages/${folder}index.md`);
const { status } = spawnSync('npx', ['vitepress', 'build'], { cwd: here, stdio: 'inherit' });
rmSync(`${here}pages`, { recursive: true, force: true });
process.exit(status ?? 1);
