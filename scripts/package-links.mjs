// Links of a Markdown page that point to files, and where they point, as paths from the root of the package.
import { posix } from 'node:path';
import { linksOf, withTargets } from './markdown-links.mjs';

const ELSEWHERE = /^([a-z][a-z0-9+.-]*:|#)/i;

/** @returns {string[]} targets without their anchors */
export const fileLinksOf = (markdown, page) =>
  linksOf(markdown)
    .filter(({ target }) => !ELSEWHERE.test(target))
    .map(({ target }) => targetOf(target, page));

/** Makes the links whose target `isHere` denies absolute. */
export function absolute(markdown, page, isHere, base) {
  return withTargets(markdown, (link) => {
    if (ELSEWHERE.test(link) || isHere(targetOf(link, page))) return link;
    const anchor = link.includes('#') ? link.slice(link.indexOf('#')) : '';
    return `${base}/${targetOf(link, page)}${anchor}`;
  });
}

const targetOf = (link, page) => posix.join(posix.dirname(page), link.split('#')[0]);
