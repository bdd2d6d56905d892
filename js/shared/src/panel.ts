import type { PlotAxis, PlotElement, PlotlyApi } from 'plotly.js-basic-dist-min';
import { h, lineSample } from './dom';
import { formatDuration, formatNumber, formatTime } from './format';
import { averaged, extent, nearest, smooth, trend, type XKind, xValues } from './points';
import type { Series } from './series';
import type { Theme } from './theme';

/** One curve of a panel, with how it looks. */
export interface Line {
  series: Series;
  label: string;
  /** What the heading shows of the label, where a legend above names the runs. */
  short: string;
  colour: string;
  dash: string;
  ghost: boolean;
  /** Time of the first point of its run, ms since the epoch. */
  start: number;
}

export interface PanelState {
  kind: XKind;
  smoothing: number;
  logY: boolean;
  zoom: readonly [number, number] | null;
  /** From the first to the last x of all plots, so that the same x stands at the same place in each. */
  span: readonly [number, number] | null;
  theme: Theme;
}

export interface PanelEvents {
  hover(x: number | null): void;
  zoom(window: readonly [number, number] | null): void;
}

const UNITS: readonly (readonly [limit: number, seconds: number, name: string])[] = [
  [180, 1, 's'],
  [3 * 3600, 60, 'min'],
  [Infinity, 3600, 'h']
];

/** A ghost shows the course of a run, not its noise: in this many pieces. */
const GHOST_PLACES = 100;
const MARKS = { opacity: 1, width: 1, dash: 'solid' };
const CONFIG = { displayModeBar: false, doubleClick: false, responsive: false, displaylogo: false };

/** One plot of the small multiples: heading with values, curves below. */
export class Panel {
  readonly element: HTMLElement;
  private readonly plot: PlotElement;
  private readonly keys: HTMLElement;
  private readonly odd: HTMLElement;
  private readonly cursor = h('div', { class: 'nbt-cursor', hidden: true });
  private lines: readonly Line[] = [];
  private xs: Float64Array[] = [];
  private shown: { look: string; value: HTMLElement }[] = [];
  private state: PanelState | undefined;
  private unit = 1;
  private wired = false;

  constructor(
    readonly group: string,
    private readonly plotly: PlotlyApi,
    private readonly events: PanelEvents
  ) {
    this.plot = h('div', { class: 'nbt-plot' });
    this.keys = h('div', { class: 'nbt-keys' });
    this.odd = h('span', { class: 'nbt-odd', hidden: true });
    this.element = h(
      'section',
      { class: 'nbt-panel', role: 'img' },
      h('header', {}, h('h4', { title: group }, group), this.odd, this.keys),
      h('div', { class: 'nbt-plotbox' }, this.plot, this.cursor)
    );
    this.plot.addEventListener('mousemove', this.onMove);
    this.plot.addEventListener('mouseleave', this.onLeave);
  }

  async draw(lines: readonly Line[], state: PanelState): Promise<void> {
    this.lines = lines;
    this.state = state;
    this.xs = lines.map(line => xValues(line.series, state.kind, line.start));
    const traces: object[] = [];
    let odd = 0;
    const window = state.zoom ?? state.span;
    this.unit = 1;
    let unitName = '';
    if (state.kind === 'relative') {
      const found = UNITS.find(([limit]) => (window?.[1] ?? 0) <= limit) ?? UNITS[0]!;
      this.unit = found[1];
      unitName = found[2];
    }
    let low = Infinity;
    let high = -Infinity;
    lines.forEach((line, i) => {
      const x = this.xs[i]!;
      const raw = line.series.value;
      const smoothed = state.smoothing > 0 && raw.length > 2 ? smooth(raw, state.smoothing) : null;
      const range = extent(raw, x, window, state.logY);
      if (range) {
        low = Math.min(low, range[0]);
        high = Math.max(high, range[1]);
      }
      const at = this.unit === 1 ? x : x.map(v => v / this.unit);
      if (line.ghost) {
        const [course, y] = averaged(at, smoothed ?? raw, GHOST_PLACES);
        traces.push(curve(line, course, y, { opacity: 0.5, width: 1.3, dash: line.dash }));
        return;
      }
      if (smoothed) traces.push(curve(line, at, raw, { opacity: 0.28, width: 1, dash: 'solid' }));
      traces.push(curve(line, at, smoothed ?? raw, { opacity: 1, width: 1.8, dash: line.dash }));
      const single = alone(line, at, smoothed ?? raw);
      if (single) traces.push(single);
      odd += this.markOdd(at, raw, state, traces);
    });
    this.odd.hidden = odd === 0;
    this.odd.textContent = `✕ ${odd}`;
    this.odd.title = `${odd} points are NaN, infinite${state.logY ? ' or not positive (log axis)' : ''}; marked at the edge of the plot`;
    this.buildKeys();
    this.showValues(null);
    const layout = this.layout(state, window, [low, high], unitName);
    const drawn = await this.plotly.react(this.plot, traces, layout, CONFIG);
    if (!this.wired) this.wire(drawn);
    this.plot.dataset['points'] = String(lines.reduce((n, line) => n + line.series.n, 0));
  }

  /** Points that have no place on the axis are marked at its edge, on a second axis from 0 to 1. */
  private markOdd(
    x: Float64Array,
    values: Float64Array,
    state: PanelState,
    traces: object[]
  ): number {
    const at: number[] = [];
    const edge: number[] = [];
    const symbols: string[] = [];
    values.forEach((value, i) => {
      if (Number.isFinite(value) && !(state.logY && value <= 0)) return;
      at.push(x[i]!);
      edge.push(value === Infinity ? 0.985 : 0.015);
      symbols.push(Number.isNaN(value) ? 'x-thin' : value === Infinity ? 'triangle-up' : 'triangle-down');
    });
    if (at.length > 0) {
      traces.push({
        x: at,
        y: edge,
        yaxis: 'y2',
        type: 'scatter',
        mode: 'markers',
        hoverinfo: 'skip',
        marker: {
          symbol: symbols,
          size: 7,
          color: state.theme.danger,
          line: { width: 1.5, color: state.theme.danger }
        }
      });
    }
    return at.length;
  }

  private layout(
    state: PanelState,
    window: readonly [number, number] | null,
    [low, high]: readonly [number, number],
    unitName: string
  ): object {
    const { theme } = state;
    const axis = {
      gridcolor: theme.grid,
      zeroline: false,
      linecolor: theme.grid,
      tickfont: { size: 10.5, color: theme.muted },
      ticklen: 3,
      tickcolor: 'rgba(0,0,0,0)',
      automargin: false
    };
    const range = window ? [window[0] / this.unit, window[1] / this.unit] : [0, 1];
    if (range[0] === range[1]) {
      range[0]! -= 1;
      range[1]! += 1;
    } else if (!state.zoom) {
      const pad = (range[1]! - range[0]!) * 0.015;
      range[0]! -= pad;
      range[1]! += pad;
    }
    return {
      autosize: true,
      margin: { l: 46, r: 8, t: 6, b: 22 },
      paper_bgcolor: 'rgba(0,0,0,0)',
      plot_bgcolor: 'rgba(0,0,0,0)',
      font: { family: theme.font, color: theme.muted, size: 11 },
      showlegend: false,
      hovermode: false,
      dragmode: 'zoom',
      xaxis: {
        ...axis,
        showgrid: false,
        showline: true,
        type: state.kind === 'time' ? 'date' : 'linear',
        range,
        nticks: 6,
        ticksuffix: unitName ? ` ${unitName}` : '',
        showticksuffix: 'last',
        ...(state.kind === 'time' ? {} : { tickformat: '~s' })
      },
      yaxis: {
        ...axis,
        type: state.logY ? 'log' : 'linear',
        range: yRange(low, high, state.logY),
        fixedrange: true,
        nticks: 5,
        exponentformat: 'e',
        minexponent: 2,
        ...(state.logY ? { dtick: logTick(low, high) } : {})
      },
      yaxis2: { overlaying: 'y', range: [0, 1], visible: false, fixedrange: true }
    };
  }

  private wire(drawn: PlotElement): void {
    this.wired = true;
    drawn.on?.('plotly_relayout', event => {
      const from = event['xaxis.range[0]'];
      const to = event['xaxis.range[1]'];
      if (from === undefined || to === undefined) return;
      const number = (v: unknown): number => (typeof v === 'string' ? Date.parse(`${v.replace(' ', 'T')}Z`) : Number(v));
      this.events.zoom([number(from) * this.unit, number(to) * this.unit]);
    });
    drawn.on?.('plotly_doubleclick', () => this.events.zoom(null));
  }

  private buildKeys(): void {
    const wanted = this.lines.filter(line => !line.ghost);
    const look = (line: Line): string => `${line.label} ${line.short} ${line.colour} ${line.dash}`;
    if (this.shown.length === wanted.length && wanted.every((line, i) => this.shown[i]!.look === look(line))) return;
    this.shown = wanted.map(line => ({ look: look(line), value: h('b', {}) }));
    this.keys.replaceChildren(
      ...wanted.map((line, i) => {
        const label = line.short ? [h('span', {}, line.short)] : [];
        return h('span', { class: 'nbt-key', title: line.label || undefined }, lineSample(line.colour, line.dash), ...label, this.shown[i]!.value);
      })
    );
  }

  /** Show the values at `x` with a line through the plot; the last values where `x` is null. */
  showValues(x: number | null): void {
    const axis = this.plot._fullLayout?.xaxis;
    let shown = 0;
    this.lines.forEach((line, i) => {
      if (line.ghost) return;
      const target = this.shown[shown++]?.value;
      const at = x === null ? line.series.n - 1 : nearest(this.xs[i]!, x);
      if (target) target.textContent = formatNumber(line.series.value[at] ?? null);
    });
    this.cursor.hidden = x === null || !axis;
    if (x !== null && axis) {
      const pixels = axis._offset + axis.l2p(x / this.unit);
      this.cursor.hidden = pixels < axis._offset || pixels > axis._offset + axis._length;
      this.cursor.style.transform = `translateX(${pixels}px)`;
    }
  }

  /** One line for a screen reader, such as `loss: step 500, train 0.31, falling`. */
  summary(): string {
    const parts = this.lines
      .filter(line => !line.ghost && line.series.n > 0)
      .map(line => {
        const { value } = line.series;
        const direction = trend(value);
        const words = [line.label || this.group, formatNumber(value[value.length - 1])].join(' ');
        return direction ? `${words}, ${direction}` : words;
      });
    const text = parts.length > 0 ? `${this.group}: ${parts.join('; ')}` : '';
    this.element.setAttribute('aria-label', text || `${this.group}: no points yet`);
    return text;
  }

  /** What stands under the cursor, such as `step 120`. */
  static describe(x: number, kind: XKind): string {
    if (kind === 'step') return `step ${formatNumber(Math.round(x))}`;
    return kind === 'time' ? formatTime(x) : `after ${formatDuration(x)}`;
  }

  resize(): void {
    if (this.wired && this.plot.clientWidth > 0) void this.plotly.Plots.resize(this.plot);
  }

  dispose(): void {
    this.plot.removeEventListener('mousemove', this.onMove);
    this.plot.removeEventListener('mouseleave', this.onLeave);
    this.plotly.purge(this.plot);
    this.element.remove();
  }

  private readonly onMove = (event: MouseEvent): void => {
    const axis: PlotAxis | undefined = this.plot._fullLayout?.xaxis;
    if (!axis || !this.state) return;
    const pixels = event.clientX - this.plot.getBoundingClientRect().left - axis._offset;
    const inside = pixels >= 0 && pixels <= axis._length;
    this.events.hover(inside ? axis.p2l(pixels) * this.unit : null);
  };

  private readonly onLeave = (): void => this.events.hover(null);
}

function curve(
  line: Line,
  x: Float64Array,
  y: Float64Array,
  look: { opacity: number; width: number; dash: string },
  mode = y.length === 1 ? 'markers' : 'lines'
): object {
  return {
    x,
    y,
    type: 'scatter',
    mode,
    opacity: look.opacity,
    hoverinfo: 'skip',
    line: { color: line.colour, width: look.width, dash: look.dash },
    marker: { color: line.colour, size: 6 }
  };
}

/** Points without a neighbour to draw a line to, as marks. */
function alone(line: Line, x: Float64Array, y: Float64Array): object | null {
  if (y.length < 2) return null;
  const at: number[] = [];
  y.forEach((value, i) => {
    const neighbours = Number.isFinite(y[i - 1]) || Number.isFinite(y[i + 1]);
    if (Number.isFinite(value) && !neighbours) at.push(i);
  });
  if (at.length === 0) return null;
  return curve(line, Float64Array.from(at, i => x[i]!), Float64Array.from(at, i => y[i]!), MARKS, 'markers');
}

function yRange(low: number, high: number, log: boolean): [number, number] {
  if (low > high) return log ? [-1, 1] : [0, 1];
  const [a, b] = log ? [Math.log10(low), Math.log10(high)] : [low, high];
  const pad = (b - a) * 0.06 || Math.abs(a) * 0.05 || 0.5;
  return [a - pad, b + pad];
}

/** A label at every decade, or the digits between them where less than two decades show. */
function logTick(low: number, high: number): number | string {
  const decades = Math.log10(high / low);
  if (!(decades > 0) || decades < 1.5) return 'D2';
  return Math.max(1, Math.ceil(decades / 5));
}
