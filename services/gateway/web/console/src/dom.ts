// The page's own small way with the document. Text only ever becomes text.

/** The element with this id; the page is ours, so it is there. */
export function byId(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`no element ${id}`);
  return found;
}

/** A new element with a class and children. */
export function element(
  name: string,
  className: string,
  ...children: (Node | string)[]
): HTMLElement {
  const made = document.createElement(name);
  if (className !== "") made.className = className;
  made.append(...children);
  return made;
}

/** Sets a text, and leaves the document alone when it is there already. */
export function say(target: Element, text: string): void {
  if (target.textContent !== text) target.textContent = text;
}

/**
 * Makes the children of `list` those for `items`, by key: what stays is updated in place and moved
 * only when it must, so that nothing blinks and a reader's place is kept.
 */
export function keep<T>(
  list: Element,
  items: readonly T[],
  key: (item: T, index: number) => string,
  make: () => HTMLElement,
  update: (child: HTMLElement, item: T) => void,
): void {
  const known = new Map<string, HTMLElement>();
  for (const child of list.children) {
    if (child instanceof HTMLElement) known.set(child.dataset["key"] ?? "", child);
  }
  let place: Element | null = list.firstElementChild;
  items.forEach((item, index) => {
    const name = key(item, index);
    let child = known.get(name);
    known.delete(name);
    if (child === undefined) {
      child = make();
      child.dataset["key"] = name;
    }
    update(child, item);
    if (child === place) {
      place = place.nextElementSibling;
    } else {
      list.insertBefore(child, place);
    }
  });
  for (const child of known.values()) child.remove();
}

/**
 * Hides the children of `list` that do not fit into `box` as a whole, and gives their number. On a
 * page that scrolls the box is as large as its content, so nothing is hidden.
 */
export function fit(list: Element, box: Element): number {
  const children = [...list.children].filter((child) => child instanceof HTMLElement);
  for (const child of children) child.hidden = false;
  const { paddingBottom, paddingRight } = getComputedStyle(box);
  const { bottom, right } = box.getBoundingClientRect();
  const outside = children.filter((child) => {
    const place = child.getBoundingClientRect();
    const below = place.bottom > bottom - parseFloat(paddingBottom) + 1;
    return below || place.right > right - parseFloat(paddingRight) + 1;
  });
  for (const child of outside) child.hidden = true;
  return outside.length;
}
