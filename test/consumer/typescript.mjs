// TypeScript that compiles to CommonJS and resolves as Node 10 did: it knows "main", "types" and "typesVersions" only.
import { compile } from './compile.mjs';
import { attempt, bin, copy, install, node, ours } from './kit.mjs';

export default function typescript({ root }) {
  const nest = ['common', 'core', 'platform-express'].map((name) => `@nestjs/${name}@10`);
  const types = [ours('@types/node'), '@types/express@5'];
  const tools = ['typescript@5.9', 'reflect-metadata', 'rxjs@7', 'express@5', 'prom-client@15'];
  const home = install('typescript5', [root, ...nest, ...types, ...tools]);
  const options = { module: 'commonjs', moduleResolution: 'node10' };
  const node10 = { name: 'node10', type: 'commonjs', options };
  for (const source of ['typed.ts', 'fronts.ts']) compile(home, '[D2]', source, node10);
  copy(home, 'nest');
  attempt('[D2] Nest, with the tsconfig that `nest new` makes', [
    bin(home, 'tsc', '-p', 'nest'),
    node(home, 'nest/dist/main.js'),
  ]);
}
