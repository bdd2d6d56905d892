import { h } from './dom';
import { keepFocus } from './kept_focus';
import type { XKind } from './points';
import type { XMode } from './protocol';

const X_NAMES: readonly (readonly [XKind, string])[] = [
  ['step', 'Step'],
  ['relative', 'Relative'],
  ['time', 'Time']
];

/** What the switches choose. */
export interface ChartOptions {
  x: XMode;
  smoothing: number;
  logX: boolean;
  logY: boolean;
}

export interface ToolbarEvents {
  options(options: ChartOptions): void;
  reset(): void;
}

/** The quiet line above the plots: title, what the cursor is at, and the switches. */
export class Toolbar {
  readonly element: HTMLElement;
  private readonly title = h('span', { class: 'nbt-title' });
  readonly hover = h('span', { class: 'nbt-hover' });
  private readonly reset = h('button', { type: 'button', class: 'nbt-toggle nbt-reset', hidden: true, title: 'Show the whole axis again (double-click)' }, 'Reset zoom');
  private readonly logY = h('button', { type: 'button', class: 'nbt-toggle', title: 'Logarithmic y axis' }, 'log y');
  private readonly logX = h('button', { type: 'button', class: 'nbt-toggle', title: 'Logarithmic x axis' }, 'log x');
  private readonly slider = h('input', {
    type: 'range',
    min: 0,
    max: 0.99,
    step: 0.01,
    'aria-label': 'Smoothing'
  });
  private readonly amount = h('output', { class: 'nbt-amount' });
  private readonly modes = new Map<XKind, HTMLButtonElement>();
  private readonly metric = h('select', { 'aria-label': 'A metric as x axis', title: 'A metric as x axis' });
  private readonly abort = new AbortController();
  private options: ChartOptions = { x: 'auto', smoothing: 0, logX: false, logY: false };
  private metrics = '';

  constructor(private readonly events: ToolbarEvents) {
    const { signal } = this.abort;
    const segments = h('span', { class: 'nbt-segments', role: 'group', 'aria-label': 'x axis' });
    for (const [kind, name] of X_NAMES) {
      const button = h('button', { type: 'button' }, name);
      button.addEventListener('click', () => this.emit({ x: kind }), { signal });
      this.modes.set(kind, button);
      segments.append(button);
    }
    segments.append(this.metric);
    this.metric.addEventListener('change', () => this.emit({ x: this.metric.value || 'step' }), { signal });
    this.logY.addEventListener('click', () => this.emit({ logY: !this.options.logY }), { signal });
    this.logX.addEventListener('click', () => this.emit({ logX: !this.options.logX }), { signal });
    this.reset.addEventListener('click', () => events.reset(), { signal });
    this.slider.addEventListener('input', () => this.emit({ smoothing: Number(this.slider.value) }), { signal });
    this.element = h(
      'div',
      { class: 'nbt-toolbar' },
      this.title,
      this.hover,
      this.reset,
      h('label', { class: 'nbt-smoothing' }, 'Smooth', this.slider, this.amount),
      h('span', { class: 'nbt-logs' }, this.logX, this.logY),
      segments
    );
  }

  setTitle(title: string): void {
    this.title.textContent = title;
  }

  setHover(text: string): void {
    this.hover.textContent = text;
  }

  show(options: ChartOptions, kind: XKind, metrics: readonly string[], zoomed: boolean): void {
    this.options = options;
    keepFocus(this.element, () => void (this.reset.hidden = !zoomed));
    for (const [name, button] of this.modes) button.setAttribute('aria-pressed', String(name === kind));
    this.logY.setAttribute('aria-pressed', String(options.logY));
    this.logX.setAttribute('aria-pressed', String(options.logX));
    this.logX.hidden = kind === 'time';
    if (document.activeElement !== this.slider) this.slider.value = String(options.smoothing);
    this.amount.textContent = options.smoothing > 0 ? options.smoothing.toFixed(2) : 'off';
    const look = metrics.join('\n');
    if (look !== this.metrics) {
      this.metrics = look;
      this.metric.replaceChildren(h('option', { value: '' }, 'Metric'), ...metrics.map(name => h('option', { value: name }, name)));
    }
    this.metric.hidden = metrics.length < 2;
    this.metric.value = kind === 'metric' ? options.x : '';
    this.metric.toggleAttribute('data-chosen', kind === 'metric');
  }

  dispose(): void {
    this.abort.abort();
    this.element.remove();
  }

  private emit(part: Partial<ChartOptions>): void {
    this.options = { ...this.options, ...part };
    this.events.options(this.options);
  }
}
