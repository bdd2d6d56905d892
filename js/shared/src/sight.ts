/** So far from what is seen, a chart is kept up to date: it is there when somebody scrolls to it. */
const MARGIN = '1500px';

/** Whether somebody may see an element: its page is not hidden, and it is not far from what is shown. */
export class Sight {
  private near = true;
  private readonly observer: IntersectionObserver | null;

  constructor(
    element: HTMLElement,
    private readonly changed: () => void
  ) {
    this.observer =
      typeof IntersectionObserver === 'undefined'
        ? null
        : new IntersectionObserver(
            entries => {
              this.near = entries.some(entry => entry.isIntersecting);
              if (this.seen) this.changed();
            },
            { rootMargin: MARGIN }
          );
    this.observer?.observe(element);
    document.addEventListener('visibilitychange', this.onVisibility);
  }

  get seen(): boolean {
    return this.near && document.visibilityState !== 'hidden';
  }

  dispose(): void {
    this.observer?.disconnect();
    document.removeEventListener('visibilitychange', this.onVisibility);
  }

  private readonly onVisibility = (): void => {
    if (this.seen) this.changed();
  };
}

/** Wait until the browser draws; it does not while the page is hidden. */
export function nextFrame(): Promise<unknown> {
  return new Promise(requestAnimationFrame);
}
