// Links of a Markdown page that point to files, and where they point, as paths from the root of the package.
import { posix } from 'node:path';
import { linksOf } from './markdown-links.mjs';

const LINK = /(\]\()([^)\s]+)(\))/g;
const ELSEWHERE = /^([a-z][a-z0-9+.-]*:|#)/i;

/** @returns {string[]} targets without their anchors */
export const fileLinksOf = (markdown, page) =>
  linksOf(markdown)
    .filter(({ target }) => !ELSEWHERE.test(target))
    .map(({ target }) => targetOf(target, page));

/** Makes the links whose target `isHere` denies absolute. */
export function absolute(markdown, page, isHere, base) {
  return markdown.replace(LINK, (whole, before, link, after) => {
    if (ELSEWHERE.test(link) || isHere(targetOf(link, page))) return whole;
    const anchor = link.includes('#') ? link.slice(link.indexOf('#')) : '';
    return `${before}${base}/${targetOf(link, page)}${anchor}${after}`;
  });
}

const targetOf = (link, page) => posix.join(posix.dirname(page), link.split('#')[0]);
