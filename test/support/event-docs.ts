import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The members of an event: those that are always there, and those that may be. */
export interface EventMembers {
  readonly always: string[];
  readonly sometimes: string[];
}

const read = (path: string) => readFileSync(fileURLToPath(new URL(`../../${path}`, import.meta.url)), 'utf8');

/** The tables of docs/events.md, by type of event. */
export function documentedEvents(): Record<string, EventMembers> {
  const sections = read('docs/events.md').split(/^## /m).slice(1);
  const events = sections.flatMap((section): [string, EventMembers][] => {
    const rows = [...section.matchAll(/^\| `(\w+)` \| ([^|]+) \|/gm)];
    if (rows.length === 0) return [];
    const named = (always: boolean) =>
      rows.filter(([, , present]) => (present!.trim() === 'always') === always).map(([, name]) => name!);
    return [[section.split('\n')[0]!.trim(), { always: named(true).sort(), sometimes: named(false).sort() }]];
  });
  return Object.fromEntries(events);
}

/** The interfaces of src/types/events.ts that make up `XlinkEvent`, by type of event. */
export function declaredEvents(): Record<string, EventMembers> {
  const source = read('src/types/events.ts').replace(/\/\*\*[\s\S]*?\*\//g, '');
  const union = /type XlinkEvent =([^;]+);/.exec(source)![1]!;
  const names = [...union.matchAll(/\w+/g)].map(([name]) => name);
  const membersOf = (name: string): [string, string, string][] => {
    const [, base, body] = new RegExp(`interface ${name}(?: extends (\\w+))? \\{([^}]*)\\}`).exec(source)!;
    const own = [...body!.matchAll(/readonly (\w+)(\??): ([^;]+);/g)];
    return [
      ...(base ? membersOf(base) : []),
      ...own.map(([, key, mark, type]) => [key, mark, type] as [string, string, string]),
    ];
  };
  return Object.fromEntries(
    names.map((name) => {
      const members = membersOf(name);
      const type = members.find(([key]) => key === 'type')![2].replaceAll("'", '');
      const named = (mark: string) =>
        members
          .filter((member) => member[1] === mark)
          .map(([key]) => key)
          .sort();
      return [type, { always: named(''), sometimes: named('?') }];
    }),
  );
}
