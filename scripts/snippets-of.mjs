// Finds the ```ts blocks of a Markdown page. "```ts ignore" marks one that is not meant to compile.

const fence = /^(\s*)(`{3,})\s*(.*)$/;

/**
 * Each text is padded with empty lines to stand at the line it has in the page.
 * @returns {{ file: string, text: string, ignored: boolean }[]}
 */
export function snippetsOf(markdown, file) {
  const snippets = [];
  let open;
  for (const [index, line] of markdown.split(/\r?\n/).entries()) {
    const [, indent, ticks, info] = fence.exec(line) ?? [];
    if (open && ticks && info === '' && ticks.length >= open.ticks.length) {
      if (open.isTs) snippets.push({ file, text: open.lines.join('\n'), ignored: open.ignored });
      open = undefined;
    } else if (open) {
      open.lines.push(line.startsWith(open.indent) ? line.slice(open.indent.length) : line);
    } else if (ticks) {
      const [language, ...words] = info.split(/\s+/);
      const padding = new Array(index + 1).fill('');
      open = { indent, ticks, isTs: language === 'ts', ignored: words.includes('ignore'), lines: padding };
    }
  }
  if (open) throw new Error(`${file}: a code block is never closed`);
  return snippets;
}
