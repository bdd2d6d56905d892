import type { ChartOptions } from './chart';
import { h, lineSample } from './dom';
import type { XKind } from './points';

const X_NAMES: readonly (readonly [XKind, string])[] = [
  ['step', 'Step'],
  ['relative', 'Relative'],
  ['time', 'Time']
];

export interface LegendEntry {
  name: string;
  colour: string;
  dash: string;
}

/** The quiet line above the plots: title, legend of the runs, and the switches. */
export class Toolbar {
  readonly element: HTMLElement;
  private readonly title = h('span', { class: 'nbt-title' });
  private readonly legend = h('span', { class: 'nbt-legend' });
  private readonly hover = h('span', { class: 'nbt-hover' });
  private readonly log = h('button', { type: 'button', class: 'nbt-toggle', title: 'Logarithmic y axis' }, 'log');
  private readonly slider = h('input', {
    type: 'range',
    min: 0,
    max: 0.99,
    step: 0.01,
    'aria-label': 'Smoothing'
  });
  private readonly amount = h('output', { class: 'nbt-amount' });
  private readonly modes = new Map<XKind, HTMLButtonElement>();
  private readonly abort = new AbortController();
  private options: ChartOptions = { x: 'auto', smoothing: 0, logY: false };

  constructor(private readonly changed: (options: ChartOptions) => void) {
    const { signal } = this.abort;
    const segments = h('span', { class: 'nbt-segments', role: 'group', 'aria-label': 'x axis' });
    for (const [kind, name] of X_NAMES) {
      const button = h('button', { type: 'button' }, name);
      button.addEventListener('click', () => this.emit({ x: kind }), { signal });
      this.modes.set(kind, button);
      segments.append(button);
    }
    this.log.addEventListener('click', () => this.emit({ logY: !this.options.logY }), { signal });
    this.slider.addEventListener('input', () => this.emit({ smoothing: Number(this.slider.value) }), { signal });
    this.element = h(
      'div',
      { class: 'nbt-toolbar' },
      this.title,
      this.legend,
      this.hover,
      h('label', { class: 'nbt-smoothing' }, 'Smooth', this.slider, this.amount),
      this.log,
      segments
    );
  }

  setTitle(title: string): void {
    this.title.textContent = title;
  }

  setHover(text: string): void {
    this.hover.textContent = text;
  }

  setLegend(entries: readonly LegendEntry[]): void {
    this.legend.replaceChildren(
      ...entries.map(({ name, colour, dash }) => h('span', {}, lineSample(colour, dash), name))
    );
  }

  show(options: ChartOptions, kind: XKind): void {
    this.options = options;
    for (const [name, button] of this.modes) button.setAttribute('aria-pressed', String(name === kind));
    this.log.setAttribute('aria-pressed', String(options.logY));
    if (document.activeElement !== this.slider) this.slider.value = String(options.smoothing);
    this.amount.textContent = options.smoothing > 0 ? options.smoothing.toFixed(2) : 'off';
  }

  dispose(): void {
    this.abort.abort();
    this.element.remove();
  }

  private emit(part: Partial<ChartOptions>): void {
    this.options = { ...this.options, ...part };
    this.changed(this.options);
  }
}
