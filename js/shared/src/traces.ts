import { logTicks } from './comparison_scale';
import { formatNumber } from './format';
import { averaged, extent, hasPlace, smooth, type XKind } from './points';
import type { Points } from './series';
import type { Theme } from './theme';

/** One curve of a panel, with how it looks. */
export interface Line {
  points: Points;
  /** Where `points` stand on the x axis. */
  x: Float64Array;
  label: string;
  /** What the heading shows of the label, where a legend above names the runs. */
  short: string;
  colour: string;
  dash: string;
  /** Whether it is of the last or the best run, drawn behind for comparison. */
  isBaseline: boolean;
  width: number;
  opacity: number;
}

export interface PanelState {
  kind: XKind;
  /** The name of the x axis where it is a metric. */
  xName: string;
  smoothing: number;
  logX: boolean;
  logY: boolean;
  zoom: readonly [number, number] | null;
  /** From the first to the last x of all plots, so that the same x stands at the same place in each. */
  span: readonly [number, number] | null;
  theme: Theme;
}

/** A point that has no place on the axis, and what it is. */
export interface Odd {
  x: number;
  words: string;
}

export interface Drawing {
  traces: object[];
  /** Which run each trace belongs to, and how opaque it is; '' is none. */
  owners: { run: string; opacity: number }[];
  odd: Odd[];
  low: number;
  high: number;
  /** Why there are marks alone; '' where something is drawn. */
  nothing: string;
}

/** A baseline shows the course of a run, not its noise: in this many pieces. */
const BASELINE_PIECES = 100;
/** More markers than this are no longer told apart. */
const MOST_MARKS = 400;

/** What Plotly draws of some lines; `scale` turns an x into the axis's unit. */
export function drawingOf(lines: readonly Line[], state: PanelState, scale: XScale): Drawing {
  const drawing: Drawing = { traces: [], owners: [], odd: [], low: Infinity, high: -Infinity, nothing: '' };
  const window = state.zoom ?? state.span;
  const marks: { x: number[]; symbols: string[] } = { x: [], symbols: [] };
  const add = (line: Line, trace: object, opacity: number): void => {
    drawing.traces.push({ ...trace, uid: `n${drawing.traces.length}`, opacity });
    drawing.owners.push({ run: line.points.run, opacity });
  };
  for (const line of lines) {
    const raw = line.points.value;
    const smoothed =
      state.smoothing > 0 && raw.length > 2 ? smooth(raw, state.smoothing, line.x, line.points.total) : null;
    const range = extent(raw, line.x, window, state.logY);
    if (range) {
      drawing.low = Math.min(drawing.low, range[0]);
      drawing.high = Math.max(drawing.high, range[1]);
    }
    const at = scale.toAxis(line.x);
    if (line.isBaseline) {
      const [course, y] = averaged(at, smoothed ?? raw, BASELINE_PIECES);
      add(line, curve(line, course, y, line.width, line.dash, y.length === 1 ? 'markers' : 'lines'), line.opacity);
      continue;
    }
    if (smoothed) add(line, curve(line, at, raw, 1, 'solid', 'lines'), line.opacity * 0.28);
    // a line between points at one place stands on the axis, and nobody sees it
    const stands = at.length > 1 && at.every(x => x === at[0]);
    add(line, curve(line, at, smoothed ?? raw, line.width, line.dash, at.length === 1 || stands ? 'markers' : 'lines'), line.opacity);
    const single = alone(line, at, smoothed ?? raw);
    if (single) add(line, single, line.opacity);
    markOdd(line, at, state, drawing.odd, marks);
  }
  const points = lines.reduce((sum, { isBaseline, points }) => sum + (isBaseline ? 0 : points.n), 0);
  if (points > 0 && points === drawing.odd.length && drawing.low > drawing.high) drawing.nothing = nothingText(lines, state.logY);
  if (marks.x.length > 0) {
    drawing.traces.push(marksTrace(marks, state.theme));
    drawing.owners.push({ run: '', opacity: 1 });
  }
  return drawing;
}

/** What values are of which none has a place on the axis; as `nothing_text` in `nbtrack.views.drawing.values`. */
function nothingText(lines: readonly Line[], logY: boolean): string {
  const values = lines.filter(line => !line.isBaseline).flatMap(line => [...line.points.value]);
  const words = [...new Set(values.map(value => formatNumber(value)))];
  if (logY && values.some(Number.isFinite)) return 'No value is above 0: none is on a logarithmic axis';
  const which = words.length === 1 ? words[0] : words.slice(0, -1).join(', ') + ` or ${words.at(-1)}`;
  return values.length === 1 ? `The value is ${which}` : `All ${formatNumber(values.length)} values are ${which}`;
}

function markOdd(
  line: Line,
  at: Float64Array,
  state: PanelState,
  odd: Odd[],
  marks: { x: number[]; symbols: string[] }
): void {
  const { value, step } = line.points;
  for (let i = 0; i < value.length; i++) {
    const v = value[i]!;
    if (hasPlace(v, state.logY)) continue;
    const what = hasPlace(v, false) ? `${formatNumber(v)}, not on a log axis` : formatNumber(v);
    odd.push({ x: line.x[i]!, words: `${line.label ? `${line.label}: ` : ''}${what} at step ${formatNumber(step[i])}` });
    if (marks.x.length >= MOST_MARKS) continue;
    marks.x.push(at[i]!);
    marks.symbols.push(Number.isNaN(v) ? 'x-thin' : v > 0 ? 'triangle-up' : 'triangle-down');
  }
}

/** The strip below the curves, on an axis of its own. */
function marksTrace({ x, symbols }: { x: number[]; symbols: string[] }, theme: Theme): object {
  return {
    x,
    y: x.map(() => 0.5),
    yaxis: 'y2',
    type: 'scatter',
    mode: 'markers',
    hoverinfo: 'skip',
    uid: 'odd',
    cliponaxis: false,
    marker: { symbol: symbols, size: 6.5, color: theme.danger, line: { width: 1.5, color: theme.danger } }
  };
}

function curve(
  line: Line,
  x: Float64Array,
  y: Float64Array,
  width: number,
  dash: string,
  mode: string
): object {
  return {
    x,
    y,
    type: 'scatter',
    mode,
    hoverinfo: 'skip',
    line: { color: line.colour, width, dash },
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
  return curve(line, Float64Array.from(at, i => x[i]!), Float64Array.from(at, i => y[i]!), 1, 'solid', 'markers');
}

const UNITS: readonly (readonly [limit: number, seconds: number, name: string])[] = [
  [180, 1, 's'],
  [3 * 3600, 60, 'min'],
  [Infinity, 3600, 'h']
];

/** From our x to Plotly's and back: the unit of relative time, local time, decades. */
export class XScale {
  readonly unit: number;
  readonly unitName: string;
  private readonly shift: number;

  constructor(
    readonly kind: XKind,
    readonly log: boolean,
    window: readonly [number, number] | null
  ) {
    const found = kind === 'relative' ? UNITS.find(([limit]) => (window?.[1] ?? 0) <= limit) : undefined;
    this.unit = found?.[1] ?? 1;
    this.unitName = found?.[2] ?? '';
    // Plotly writes dates as UTC, people read their own clock
    this.shift = kind === 'time' && window ? new Date(window[1]).getTimezoneOffset() * 60_000 : 0;
  }

  toAxis(x: Float64Array): Float64Array {
    if (this.unit === 1 && this.shift === 0) return x;
    return x.map(v => v / this.unit - this.shift);
  }

  /** The value as Plotly's ranges and pixels have it. */
  toRange(x: number): number {
    const v = x / this.unit - this.shift;
    return this.log ? Math.log10(v) : v;
  }

  fromRange(v: number): number {
    return ((this.log ? 10 ** v : v) + this.shift) * this.unit;
  }
}

/** Axes and margins for a drawing. */
export function layoutOf(state: PanelState, scale: XScale, drawing: Drawing): object {
  const { theme } = state;
  const odd = drawing.odd.length > 0;
  const axis = {
    gridcolor: theme.grid,
    zeroline: false,
    linecolor: theme.grid,
    tickfont: { size: 10.5, color: theme.muted },
    ticklen: 3,
    tickcolor: 'rgba(0,0,0,0)',
    automargin: false
  };
  return {
    autosize: true,
    margin: { l: drawing.nothing ? LEFT : labelRoom(yRange(drawing.low, drawing.high, state.logY), state.logY), r: 8, t: 6, b: state.kind === 'metric' ? 34 : 22 },
    paper_bgcolor: 'rgba(0,0,0,0)',
    plot_bgcolor: 'rgba(0,0,0,0)',
    font: { family: theme.font, color: theme.muted, size: 11 },
    showlegend: false,
    hovermode: false,
    dragmode: 'zoom',
    xaxis: {
      ...axis,
      anchor: 'free',
      position: 0,
      showgrid: false,
      showline: true,
      type: state.kind === 'time' ? 'date' : scale.log ? 'log' : 'linear',
      range: xRange(state, scale),
      nticks: 6,
      ticksuffix: scale.unitName ? ` ${scale.unitName}` : '',
      showticksuffix: 'last',
      ...(state.kind === 'metric'
        ? { title: { text: plain(state.xName), standoff: 4, font: { size: 10.5, color: theme.muted } } }
        : {}),
      ...((state.kind === 'step' || state.kind === 'metric') && !scale.log ? { tickformat: shortTicks(xRange(state, scale)) } : {}),
      ...(scale.log ? { exponentformat: 'e', ...logTicksOf(xRange(state, scale)) } : {})
    },
    yaxis: {
      ...axis,
      domain: [odd ? 0.09 : 0, 1],
      type: state.logY ? 'log' : 'linear',
      range: yRange(drawing.low, drawing.high, state.logY),
      fixedrange: true,
      nticks: 5,
      exponentformat: 'e',
      minexponent: 2,
      ...(drawing.nothing ? { showticklabels: false, showgrid: false } : {}),
      ...(state.logY ? logTicksOf(yRange(drawing.low, drawing.high, true)) : { tickformat: valueTicks(yRange(drawing.low, drawing.high, false)) })
    },
    annotations: drawing.nothing ? [{ text: plain(drawing.nothing), xref: 'paper', yref: 'paper', x: 0.5, y: 0.55, showarrow: false, font: { size: 11.5, color: theme.muted } }] : [],
    yaxis2: { domain: [0, 0.075], range: [0, 1], visible: false, fixedrange: true },
    shapes: odd
      ? [
          {
            type: 'rect',
            xref: 'paper',
            yref: 'paper',
            x0: 0,
            x1: 1,
            y0: 0,
            y1: 0.075,
            line: { width: 0 },
            fillcolor: theme.danger,
            opacity: 0.08,
            layer: 'below'
          }
        ]
      : []
  };
}

/** `20k` for large numbers; small ones as they are, for `m` would be read as metres. */
function shortTicks([low, high]: readonly [number, number]): string {
  return Math.max(Math.abs(low), Math.abs(high)) >= 10_000 && high - low >= 100 ? '~s' : '';
}

/** `4.2k` for values from a thousand on, with as many digits as tell the ticks apart. */
function valueTicks([low, high]: readonly [number, number]): string {
  const size = Math.max(Math.abs(low), Math.abs(high));
  if (!(size >= 1000)) return '';
  const digits = Math.min(12, Math.max(3, Math.ceil(Math.log10(size / (high - low))) + 2));
  if (size >= 1e12) return ''; // T, P and E are read by few
  return digits > 4 && size < 1e6 ? `,.${digits}~r` : `.${digits}~s`; // 53,601 is shorter than 53.601k
}

const LEFT = 46;
const MOST_LEFT = 110;

/** How much room the labels of an axis need at its left, in pixels. */
export function labelRoom([low, high]: readonly [number, number], log: boolean): number {
  const size = Math.max(Math.abs(low), Math.abs(high));
  if (log || !(size > 0)) return LEFT;
  const digits = Math.max(1, Math.ceil(Math.log10(size / (high - low))) + 2);
  const whole = size >= 1 && size < 1e6 ? Math.floor(Math.log10(size)) + 1 : 1;
  const sign = low < 0 ? 1 : 0;
  const power = Math.floor(Math.log10(size)); // `e−5`, `e+120`; `k`, `M` and `G` before
  const exponent = size >= 1000 || size < 1e-2 ? Math.max(3, 2 + String(Math.abs(power)).length) : 0;
  const characters = sign + (digits > whole ? digits + 1 : Math.min(whole, 6)) + exponent;
  return Math.min(MOST_LEFT, Math.max(LEFT, Math.round(characters * 6.3) + 10));
}

/** Text as Plotly takes it: without its few HTML tags. */
function plain(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
}

function xRange(state: PanelState, scale: XScale): [number, number] {
  const window = state.zoom ?? state.span;
  if (!window) return scale.log ? [0, 1] : [0, 1];
  const [from, to] = [scale.toRange(window[0]), scale.toRange(window[1])];
  if (from === to) return [from - 1, to + 1];
  const pad = state.zoom ? 0 : (to - from) * 0.015;
  return [from - pad, to + pad];
}

function yRange(low: number, high: number, log: boolean): [number, number] {
  if (low > high) return log ? [-1, 1] : [0, 1];
  const [a, b] = log ? [Math.log10(low), Math.log10(high)] : [low, high];
  const pad = (b - a) * 0.06 || Math.abs(a) * 0.05 || 0.5;
  return [a - pad, b + pad];
}

/** Ticks of a logarithmic axis from 10^from to 10^to: decades, or numbers written out where few of them show. */
function logTicksOf([from, to]: readonly [number, number]): object {
  if (to - from >= 1.5) return { dtick: Math.max(1, Math.ceil((to - from) / 5)) };
  const values = logTicks(10 ** from, 10 ** to);
  return { tickmode: 'array', tickvals: values, ticktext: values.map(value => formatNumber(value)) };
}
