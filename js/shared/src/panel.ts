import type { PlotAxis, PlotElement, PlotlyApi } from 'plotly.js-basic-dist-min';
import { h, lineSample } from './dom';
import { formatDuration, formatNumber, formatTime } from './format';
import { titleOf } from './groups';
import { nearest, trend, type XKind } from './points';
import { Readout } from './readout';
import { type Drawing, drawingOf, layoutOf, type Line, type PanelState, XScale } from './traces';

export interface PanelEvents {
  /** The x below the cursor, and the run whose curve is nearest to it. */
  hover(x: number | null, run: string | null): void;
  zoom(window: readonly [number, number] | null): void;
}

const CONFIG = { displayModeBar: false, doubleClick: false, responsive: false, displaylogo: false };
/** So many curves have their values in the heading; of more, the one that is looked at. */
const IN_HEADING = 4;
const IN_SUMMARY = 6;
const STRIP_REACH_PX = 7;
const KEYS: Record<string, (from: number, to: number) => [number, number] | null> = {
  ArrowLeft: (from, to) => [from - (to - from) / 5, to - (to - from) / 5],
  ArrowRight: (from, to) => [from + (to - from) / 5, to + (to - from) / 5],
  '+': (from, to) => [from + (to - from) / 4, to - (to - from) / 4],
  '=': (from, to) => [from + (to - from) / 4, to - (to - from) / 4],
  '-': (from, to) => [from - (to - from) / 2, to + (to - from) / 2],
  '0': () => null,
  Escape: () => null
};

/** One plot of the small multiples: heading with values, curves below. */
export class Panel {
  readonly element: HTMLElement;
  private readonly name: string;
  private readonly plot: PlotElement;
  private readonly keys: HTMLElement;
  private readonly odd: HTMLElement;
  private readonly box: HTMLElement;
  private readonly readout = new Readout();
  private readonly cursor = h('div', { class: 'nbt-cursor', hidden: true });
  private lines: readonly Line[] = [];
  private shown: { look: string; value: HTMLElement }[] = [];
  private drawing: Drawing | undefined;
  private state: PanelState | undefined;
  private scale = new XScale('step', false, null);
  private highlighted: string | null = null;
  private wired = false;
  /** Settled when nobody drags in the plot: a drawing in mid-drag would end the drag. */
  private released: Promise<void> = Promise.resolve();
  private release: () => void = () => undefined;

  constructor(
    readonly group: string,
    private readonly plotly: PlotlyApi,
    private readonly events: PanelEvents
  ) {
    this.plot = h('div', { class: 'nbt-plot' });
    this.keys = h('div', { class: 'nbt-keys' });
    this.odd = h('span', { class: 'nbt-odd', hidden: true });
    this.box = h('div', { class: 'nbt-plotbox', role: 'img', tabindex: '0' }, this.plot, this.cursor, this.readout.element);
    this.name = titleOf(group);
    this.element = h(
      'section',
      { class: 'nbt-panel' },
      h('header', {}, h('h4', { title: group }, this.name), this.odd, this.keys),
      this.box
    );
    this.plot.addEventListener('mousemove', this.onMove);
    this.plot.addEventListener('mouseleave', this.onLeave);
    this.plot.addEventListener('mousedown', this.onPress, true);
    this.box.addEventListener('keydown', this.onKey);
  }

  /** How many pixels the curves are wide. */
  get width(): number {
    return this.plot._fullLayout?.xaxis._length ?? 300;
  }

  /** Wait until nobody drags in the plot. */
  quiet(): Promise<void> {
    return this.released;
  }

  async draw(lines: readonly Line[], state: PanelState): Promise<void> {
    this.lines = lines;
    this.state = state;
    this.scale = new XScale(state.kind, state.logX, state.zoom ?? state.span);
    this.drawing = drawingOf(lines, state, this.scale);
    const { odd, traces } = this.drawing;
    this.odd.hidden = odd.length === 0;
    this.odd.textContent = `✕ ${odd.length}`;
    this.odd.title = `${odd.length} points are NaN, infinite or too large to draw${state.logY ? ' or not positive (log axis)' : ''}: marked below the curves`;
    this.buildKeys();
    this.showValues(null, null);
    const drawn = await this.plotly.react(this.plot, traces, layoutOf(state, this.scale, this.drawing), CONFIG);
    if (!this.wired) this.wire(drawn);
    this.applyHighlight();
    this.plot.dataset['points'] = String(lines.reduce((n, line) => n + line.points.n, 0));
  }

  /** Let the curves of one run stand out; nothing is drawn again for it. */
  highlight(run: string | null): void {
    if (run === this.highlighted) return;
    this.highlighted = run;
    this.applyHighlight();
  }

  /** Show the values at `x` with a line through the plot; the last values where `x` is null. */
  showValues(x: number | null, run: string | null): void {
    const main = this.lines.filter(line => !line.isBaseline);
    if (this.shown.length > 0) {
      main.forEach((line, i) => {
        const target = this.shown[i]?.value;
        if (target) target.textContent = formatNumber(valueAt(line, x, this.sorted));
      });
    } else {
      this.showFocus(main, x, run);
    }
    const axis = this.plot._fullLayout?.xaxis;
    const pixels = x === null || !axis ? NaN : axis._offset + axis.l2p(this.scale.toRange(x));
    this.cursor.hidden = !axis || !(pixels >= axis._offset && pixels <= axis._offset + axis._length);
    if (!this.cursor.hidden) this.cursor.style.transform = `translateX(${pixels}px)`;
    if (x === null) this.readout.hide();
  }

  /** One line for a screen reader, such as `loss: step 500, train 0.31, falling`. */
  summary(): string {
    const drawn = this.lines.filter(line => !line.isBaseline && line.points.n > 0);
    const parts = drawn.slice(0, IN_SUMMARY).map(line => {
      const { value } = line.points;
      const direction = trend(value);
      const words = [line.label || this.name, formatNumber(value[value.length - 1])].join(' ');
      return direction ? `${words}, ${direction}` : words;
    });
    if (drawn.length > IN_SUMMARY) parts.push(`and ${drawn.length - IN_SUMMARY} more curves`);
    const text = parts.length > 0 ? `${this.name}: ${parts.join('; ')}` : '';
    this.box.setAttribute('aria-label', text || `${this.name}: no points yet`);
    return text;
  }

  /** What stands under the cursor, such as `step 120`. */
  static describe(x: number, kind: XKind, name: string): string {
    if (kind === 'step') return `step ${formatNumber(Math.round(x))}`;
    if (kind === 'metric') return `${name} ${formatNumber(x)}`;
    return kind === 'time' ? formatTime(x) : `after ${formatDuration(x)}`;
  }

  resize(): void {
    if (this.wired && this.plot.clientWidth > 0) void this.plotly.Plots.resize(this.plot);
  }

  dispose(): void {
    this.plot.removeEventListener('mousemove', this.onMove);
    this.plot.removeEventListener('mouseleave', this.onLeave);
    this.plot.removeEventListener('mousedown', this.onPress, true);
    this.onRelease();
    this.box.removeEventListener('keydown', this.onKey);
    this.plotly.purge(this.plot);
    this.element.remove();
  }

  private get sorted(): boolean {
    return this.state?.kind !== 'metric';
  }

  private wire(drawn: PlotElement): void {
    this.wired = true;
    drawn.on?.('plotly_relayout', event => {
      const from = event['xaxis.range[0]'];
      const to = event['xaxis.range[1]'];
      if (from === undefined || to === undefined) return;
      const number = (v: unknown): number => (typeof v === 'string' ? Date.parse(`${v.replace(' ', 'T')}Z`) : Number(v));
      this.events.zoom([this.scale.fromRange(number(from)), this.scale.fromRange(number(to))]);
    });
    drawn.on?.('plotly_doubleclick', () => this.events.zoom(null));
  }

  private buildKeys(): void {
    const main = this.lines.filter(line => !line.isBaseline);
    const wanted = main.length > IN_HEADING ? [] : main;
    const look = (line: Line): string => `${line.label} ${line.short} ${line.colour} ${line.dash}`;
    if (wanted.length > 0 && this.shown.length === wanted.length && wanted.every((line, i) => this.shown[i]!.look === look(line))) return;
    this.shown = wanted.map(line => ({ look: look(line), value: h('b', {}) }));
    this.keys.replaceChildren(...wanted.map((line, i) => key(line, line.short, this.shown[i]!.value)));
  }

  /** Of many curves, the heading shows those of the run that is looked at. */
  private showFocus(main: readonly Line[], x: number | null, run: string | null): void {
    const focus = run === null ? [] : main.filter(line => line.points.run === run);
    if (x === null || focus.length === 0) {
      this.keys.replaceChildren(h('span', {}, main.length > 0 ? `${main.length} curves` : ''));
      return;
    }
    this.keys.replaceChildren(
      ...focus.slice(0, 3).map(line => key(line, line.label, h('b', {}, formatNumber(valueAt(line, x, this.sorted)))))
    );
  }

  private applyHighlight(): void {
    const { highlighted, drawing } = this;
    const known = drawing?.owners.some(owner => owner.run === highlighted) ?? false;
    drawing?.owners.forEach(({ run, opacity }, i) => {
      if (run === '') return;
      const trace = this.plot.querySelector<SVGElement>(`.trace.tracen${i}`);
      if (trace) trace.style.opacity = String(known && run !== highlighted ? Math.min(opacity, 0.12) : opacity);
    });
  }

  private readonly onMove = (event: MouseEvent): void => {
    const axis: PlotAxis | undefined = this.plot._fullLayout?.xaxis;
    const up = this.plot._fullLayout?.yaxis;
    if (!axis || !up || !this.state) return;
    const box = this.plot.getBoundingClientRect();
    const pixels = event.clientX - box.left - axis._offset;
    if (pixels < 0 || pixels > axis._length) {
      this.events.hover(null, null);
      return;
    }
    const x = this.scale.fromRange(axis.p2l(pixels));
    const level = event.clientY - box.top - up._offset;
    const { logY } = this.state;
    const near = this.lines
      .filter(line => !line.isBaseline && line.points.n > 0)
      .map(line => ({ line, value: valueAt(line, x, this.sorted) }))
      .filter(({ value }) => Number.isFinite(value) && !(logY && value <= 0))
      .map(found => ({ ...found, apart: Math.abs(up.l2p(logY ? Math.log10(found.value) : found.value) - level) }))
      .sort((a, b) => a.apart - b.apart);
    const focus = near[0]?.line.points.run ?? null;
    this.events.hover(x, focus);
    const words = this.oddAt(pixels, axis);
    if (words.length > 0 || this.shown.length === 0) {
      this.readout.show(words, near, { x: event.clientX - box.left, width: box.width }, focus);
    } else {
      this.readout.hide();
    }
  };

  /** What the marks of the strip near the cursor mean. */
  private oddAt(pixels: number, axis: PlotAxis): string[] {
    return (this.drawing?.odd ?? [])
      .filter(odd => Math.abs(axis.l2p(this.scale.toRange(odd.x)) - pixels) <= STRIP_REACH_PX)
      .map(odd => odd.words);
  }

  private readonly onPress = (): void => {
    this.onRelease();
    this.released = new Promise(resolve => (this.release = resolve));
    for (const type of ['mouseup', 'blur']) window.addEventListener(type, this.onRelease, true);
  };

  private readonly onRelease = (): void => {
    for (const type of ['mouseup', 'blur']) window.removeEventListener(type, this.onRelease, true);
    // Plotly tells of the new range a little after the button is up
    setTimeout(this.release, 50);
  };

  private readonly onLeave = (): void => {
    this.readout.hide();
    this.events.hover(null, null);
  };

  private readonly onKey = (event: KeyboardEvent): void => {
    const change = event.ctrlKey || event.metaKey || event.altKey ? undefined : KEYS[event.key];
    const window = this.state?.zoom ?? this.state?.span;
    if (!change || !window || (event.key === 'Escape' && !this.state?.zoom)) return;
    event.preventDefault();
    event.stopPropagation();
    const range = change(this.scale.toRange(window[0]), this.scale.toRange(window[1]));
    this.events.zoom(range && [this.scale.fromRange(range[0]), this.scale.fromRange(range[1])]);
  };
}

function key(line: Line, name: string, value: HTMLElement): HTMLElement {
  const label = name ? [h('span', {}, name)] : [];
  return h('span', { class: 'nbt-key', title: line.label || undefined }, lineSample(line.colour, line.dash), ...label, value);
}

function valueAt(line: Line, x: number | null, sorted: boolean): number {
  const at = x === null ? line.points.n - 1 : nearest(line.x, x, sorted);
  return line.points.value[at] ?? NaN;
}
