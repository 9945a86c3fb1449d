import { existsSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';

/** The source files that one loads at run time, itself included; paths below `src/`. Types are not loaded. */
export function importsOf(entry: string): readonly string[] {
  const found = new Set<string>();
  const visit = (file: string) => {
    if (found.has(file) || !existsSync(`src/${file}`)) return;
    found.add(file);
    const text = readFileSync(`src/${file}`, 'utf8');
    for (const [, types, specifier] of text.matchAll(
      /^(?:import|export)( type)?[^;]*? from '(\.[^']+)';/gms,
    )) {
      if (types) continue;
      visit(posix.join(posix.dirname(file), specifier!).replace(/\.js$/, '.ts'));
    }
  };
  visit(entry);
  return [...found];
}
