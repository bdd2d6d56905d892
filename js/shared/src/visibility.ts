/** So far from what is seen, a chart that was hidden is drawn again: it is there when somebody scrolls to it. */
const MARGIN = '1500px';

/**
 * Whether an element can be seen: neither its page nor a panel that it is in is hidden.
 *
 * Tells when that may have changed.
 */
export class Visibility {
  private readonly observer: IntersectionObserver | null;

  constructor(
    private readonly element: HTMLElement,
    private readonly changed: () => void
  ) {
    this.observer =
      typeof IntersectionObserver === 'undefined' ? null : new IntersectionObserver(this.onChange, { rootMargin: MARGIN });
    this.observer?.observe(element);
    document.addEventListener('visibilitychange', this.onChange);
  }

  get visible(): boolean {
    if (document.visibilityState === 'hidden') return false;
    const { element } = this;
    // what is not in the page yet is about to be
    return !element.isConnected || typeof element.checkVisibility !== 'function' || element.checkVisibility();
  }

  dispose(): void {
    this.observer?.disconnect();
    document.removeEventListener('visibilitychange', this.onChange);
  }

  private readonly onChange = (): void => {
    if (this.visible) this.changed();
  };
}

/** Wait until the browser draws; it does not while the page is hidden. */
export function nextFrame(): Promise<unknown> {
  return new Promise(requestAnimationFrame);
}
