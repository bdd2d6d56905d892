import { keepFocus } from '../kept_focus';

/** A part of a page. */
export interface Part {
  name: string;
  /** What it shows; it is drawn again only where that is another. */
  about: unknown;
  draw(): HTMLElement;
}

/**
 * The parts of a page, one after the other.
 *
 * A run that goes on has news every second, most of it in one part. The others stay the elements that they are, with
 * the focus, what is selected in them and how far they are scrolled; a click needs its button to be the same at the end.
 */
export class Slots {
  private readonly drawn = new Map<string, { seen: string; element: HTMLElement }>();

  constructor(readonly element: HTMLElement) {}

  /** Have these parts, in this order; null stands for one that is not there. */
  set(wanted: readonly (Part | null | false)[]): void {
    const parts = wanted.filter(part => part !== null && part !== false);
    keepFocus(this.element, () => {
      const elements = parts.map(part => this.elementOf(part));
      const names = new Set(parts.map(part => part.name));
      for (const [name, { element }] of [...this.drawn]) {
        if (names.has(name)) continue;
        this.drawn.delete(name);
        element.remove();
      }
      elements.forEach((element, i) => {
        if (this.element.children[i] !== element) this.element.insertBefore(element, this.element.children[i] ?? null);
      });
    });
  }

  private elementOf({ name, about, draw }: Part): HTMLElement {
    const known = this.drawn.get(name);
    const seen = JSON.stringify(about ?? null);
    if (known?.seen === seen) return known.element;
    const element = draw();
    if (known && known.element !== element) known.element.replaceWith(element);
    this.drawn.set(name, { seen, element });
    return element;
  }
}
