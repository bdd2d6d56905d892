import { errorBox, h, messageOf } from './dom';
import { Values } from './values';

/** Reads the machine's metrics into the chart's data; they are many, and few look at them. */
export type SystemLoader = () => Promise<void>;

/**
 * The machine's metrics below the others, folded where there are others.
 *
 * Their points are there already, or are read when somebody opens the section.
 */
export class SystemSection {
  readonly grid = h('div', { class: 'nbt-grid' });
  readonly values = new Values();
  private readonly count = h('span', { class: 'nbt-count' });
  private readonly button = h('button', { type: 'button', class: 'nbt-fold', 'aria-expanded': 'false' }, 'System metrics', this.count);
  private readonly failed = h('div', { class: 'nbt-problem' });
  private readonly waiting = h('p', { class: 'nbt-empty', hidden: true }, 'Loading…');
  readonly element = h('section', { class: 'nbt-system', 'aria-label': 'System metrics', hidden: true }, this.button, this.failed, this.waiting, this.grid, this.values.element);
  /** What the user has chosen; else it is open where there is nothing else. */
  private chosen: boolean | null = null;
  private open = false;
  private loader: SystemLoader | null = null;
  private isAsked = false;
  private disposed = false;

  constructor(private readonly changed: () => void) {
    this.button.addEventListener('click', this.toggle);
  }

  /** Whether there are metrics that are read when the section is opened. */
  get isOffered(): boolean {
    return this.loader !== null;
  }

  /** Say how such metrics are read, or read again; null where there are none but those that are here. */
  offer(loader: SystemLoader | null): void {
    this.loader = loader;
    this.isAsked = false;
    this.changed();
  }

  /** Show the heading of so many plots. Returns whether the plots are shown. */
  show(plots: number, alone: boolean): boolean {
    this.open = this.chosen ?? alone;
    this.element.hidden = plots === 0 && !this.loader;
    this.button.setAttribute('aria-expanded', String(this.open));
    this.count.textContent = plots > 0 ? String(plots) : '';
    this.grid.hidden = !this.open;
    if (this.open && this.loader && !this.isAsked) void this.load(this.loader, plots === 0);
    this.waiting.hidden ||= !this.open || plots > 0;
    this.failed.hidden = !this.open;
    return this.open;
  }

  dispose(): void {
    this.disposed = true;
    this.button.removeEventListener('click', this.toggle);
  }

  private async load(loader: SystemLoader, isFirst: boolean): Promise<void> {
    this.isAsked = true;
    this.waiting.hidden = !isFirst;
    try {
      await loader();
      this.failed.replaceChildren();
    } catch (error) {
      this.failed.replaceChildren(errorBox(`The system metrics could not be read: ${messageOf(error)}`));
    }
    this.waiting.hidden = true;
    if (!this.disposed) this.changed();
  }

  private readonly toggle = (): void => {
    this.chosen = !this.open;
    if (this.chosen && this.failed.childElementCount > 0) this.isAsked = false; // opened again: tried again
    this.changed();
  };
}
