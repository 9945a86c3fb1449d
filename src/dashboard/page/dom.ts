type Child = Node | string;
type Attributes = Readonly<Record<string, string | undefined>>;

/** An element with attributes and children. Text is text: it is never read as markup. */
export function el(tag: string, attributes: Attributes = {}, ...children: readonly Child[]): HTMLElement {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes))
    if (value !== undefined) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** An element of the document, which has it. */
export const byId = <T extends HTMLElement = HTMLElement>(id: string): T => document.getElementById(id) as T;

/** Writes only what changed: screen readers and selections are left alone. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** Replaces the children, unless they would be the same again. */
export function replaceIfChanged(element: Element, children: readonly Node[]): void {
  const fresh = document.createElement('div');
  fresh.append(...children);
  const same =
    fresh.childNodes.length === element.childNodes.length &&
    [...fresh.childNodes].every((node, at) => node.isEqualNode(element.childNodes[at] ?? null));
  if (!same) element.replaceChildren(...fresh.childNodes);
}
