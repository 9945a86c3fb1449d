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

/** A name that others chose, which must not turn around the line it stands in. */
export const nameOf = (text: string): HTMLElement => el('bdi', { class: 'name' }, text);

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

/** Items by key: an item stays the same element while it is shown, as what is in it may have the focus. */
export class KeyedList<Item> {
  readonly #parent: Element;
  readonly #keyOf: (item: Item) => string;
  readonly #make: (item: Item) => HTMLElement;
  readonly #update: (element: HTMLElement, item: Item) => void;
  readonly #elements = new Map<string, HTMLElement>();

  constructor(
    parent: Element,
    keyOf: (item: Item) => string,
    make: (item: Item) => HTMLElement,
    update: (element: HTMLElement, item: Item) => void,
  ) {
    this.#parent = parent;
    this.#keyOf = keyOf;
    this.#make = make;
    this.#update = update;
  }

  show(items: readonly Item[]): void {
    const keys = new Set(items.map(this.#keyOf));
    for (const [key, element] of this.#elements) {
      if (keys.has(key)) continue;
      element.remove();
      this.#elements.delete(key);
    }
    for (const [at, item] of items.entries()) {
      const key = this.#keyOf(item);
      const element = this.#elements.get(key) ?? this.#make(item);
      this.#elements.set(key, element);
      this.#update(element, item);
      // Moving an element takes the focus from it; what is around it moves instead.
      if (this.#parent.children[at] !== element && !element.contains(document.activeElement))
        this.#parent.insertBefore(element, this.#parent.children[at] ?? null);
    }
  }
}
