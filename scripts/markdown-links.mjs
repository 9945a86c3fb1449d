// Links and link targets of a Markdown page, as GitHub reads it.

const FENCE = /^\s*(`{3,}|~{3,})/;
const HEADING = /^#{1,6}\s+(.+?)\s*#*$/;

/** The lines outside of code blocks, with their numbers. */
function proseOf(markdown) {
  let fence;
  return markdown.split(/\r?\n/).flatMap((text, index) => {
    const [, ticks] = FENCE.exec(text) ?? [];
    const isInside = fence !== undefined;
    if (ticks && !fence) fence = ticks;
    else if (ticks?.startsWith(fence)) fence = undefined;
    return isInside || ticks ? [] : [{ line: index + 1, text }];
  });
}

const CODE_OR_LINK = /`[^`]*`|(?<=\]\()([^()\s]+(?:\([^()]*\)[^()\s]*)*)(?=\))/g;

/** @returns {{ line: number, target: string }[]} the targets of links and images, in order */
export function linksOf(markdown) {
  return proseOf(markdown).flatMap(({ line, text }) =>
    [...text.matchAll(CODE_OR_LINK)].flatMap(([, target]) =>
      target === undefined ? [] : [{ line, target }],
    ),
  );
}

/** The page with other targets in its links and images. What only looks like a link in code stays. */
export function withTargets(markdown, change) {
  const lines = markdown.split('\n');
  for (const { line, text } of proseOf(markdown)) {
    const end = lines[line - 1].endsWith('\r') ? '\r' : '';
    lines[line - 1] =
      text.replace(CODE_OR_LINK, (whole, target) => (target === undefined ? whole : change(target))) + end;
  }
  return lines.join('\n');
}

/** What can stand behind a #: the slugs of headings, and the ids of <a id="…">. */
export function anchorsOf(markdown) {
  const anchors = new Set();
  const seen = new Map();
  for (const { text } of proseOf(markdown)) {
    for (const [, id] of text.matchAll(/<a id="([^"]+)">/g)) anchors.add(id);
    const heading = HEADING.exec(text)?.[1];
    if (heading === undefined) continue;
    const slug = slugOf(heading);
    const before = seen.get(slug) ?? 0;
    seen.set(slug, before + 1);
    anchors.add(before === 0 ? slug : `${slug}-${before}`);
  }
  return anchors;
}

const slugOf = (heading) =>
  heading
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/<[^>]+>/g, '')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\p{M}_\- ]/gu, '')
    .replaceAll(' ', '-');
