import { type DataColumn, label, type RunData } from './comparison_data';
import { labelWidth, type Scale, scaleOf } from './comparison_scale';
import type { Brush } from './view_data';

/** One axis of the parallel coordinates. */
export interface Axis {
  name: string;
  label: string;
  column: DataColumn;
  scale: Scale;
  /** Whether some run has no value here; those lines pass below the axis. */
  gaps: boolean;
}

export interface ParallelState {
  axes: readonly string[];
  log: Readonly<Record<string, boolean>>;
  brushes: readonly Brush[];
  metric: string;
}

const FIRST = 9;
const SIDE = 46;
const MOST_SIDE = 96;

/** The axes by these names; without any, the params that vary most, then metrics, last what is judged by. */
export function axesOf(data: RunData, names: readonly string[], metric: string, log: Readonly<Record<string, boolean>>): Axis[] {
  const wanted = names.length > 0 ? names : firstAxes(data, metric);
  return wanted.flatMap(name => {
    const column = data.columns.get(name);
    if (!column) return [];
    const gaps = column.values.some(value => !Number.isFinite(value));
    return [{ name, label: label(name), column, scale: scaleOf(column, log[name]), gaps }];
  });
}

function firstAxes(data: RunData, metric: string): string[] {
  const names = [...data.columns.keys()];
  const params = names.filter(name => name.startsWith('params.'));
  const metrics = names.filter(name => name.startsWith('metrics.') && name !== metric);
  const last = data.columns.has(metric) ? [metric] : [];
  const ends = [...metrics.slice(0, 1), ...last];
  return [...params.slice(0, FIRST - ends.length), ...ends];
}

/** Move an axis by some places; at the ends it stays. */
export function moveAxis(names: readonly string[], name: string, by: number): string[] {
  const from = names.indexOf(name);
  const to = Math.max(0, Math.min(names.length - 1, from + by));
  if (from < 0 || from === to) return [...names];
  const moved = names.filter(other => other !== name);
  moved.splice(to, 0, name);
  return moved;
}

/** The brush between two places of an axis (0 at the bottom, 1 at the top); null where it holds nothing. */
export function brushBetween(axis: Axis, a: number, b: number): Brush | null {
  const [low, high] = [Math.max(0, Math.min(a, b)), Math.min(1, Math.max(a, b))];
  const { scale, column } = axis;
  if (scale.kind !== 'category') {
    // what stands at the very end is meant to be in it, whatever rounding says
    return { column: axis.name, low: low <= 0.001 ? scale.low : scale.value(low), high: high >= 0.999 ? scale.high : scale.value(high) };
  }
  const values = column.categories.filter((_, i) => scale.place(i) >= low - 1e-9 && scale.place(i) <= high + 1e-9);
  return values.length > 0 ? { column: axis.name, values } : null;
}

/** Where a brush stands on its axis, as pairs of places. */
export function placesOf(axis: Axis, brush: Brush): [number, number][] {
  if (!('values' in brush)) return [[axis.scale.place(brush.low), axis.scale.place(brush.high)]];
  const half = 0.5 / Math.max(1, axis.column.categories.length);
  const parts: [number, number][] = [];
  axis.column.categories.forEach((name, i) => {
    if (!brush.values.includes(name)) return;
    const at = axis.scale.place(i);
    const last = parts.at(-1);
    if (last && Math.abs(last[1] - (at - half)) < 1e-9) last[1] = at + half;
    else parts.push([at - half, at + half]);
  });
  return parts;
}

/** Put a brush in the place of the one on the same axis; null takes it away. */
export function withBrush(brushes: readonly Brush[], column: string, brush: Brush | null): Brush[] {
  const others = brushes.filter(other => other.column !== column);
  return brush ? [...others, brush] : others;
}

/** Where a curve between two axes is, `x` and the result from 0 to 1 (a cubic with level ends). */
export function bend(x: number): number {
  let t = x;
  for (let i = 0; i < 6; i++) {
    const at = 1.5 * t - 1.5 * t * t + t * t * t;
    const slope = 1.5 - 3 * t + 3 * t * t;
    t -= (at - x) / slope;
  }
  return 3 * t * t - 2 * t * t * t;
}

/** The label of a tick, as far as there is room. */
export function shortLabel(text: string): string {
  return text.length > 13 ? `${text.slice(0, 12)}…` : text;
}

/** What the labels and the name of an axis at the end need beyond it. */
export function sideOf(axis: Axis | undefined): number {
  if (!axis) return SIDE;
  const labels = axis.scale.ticks.map(tick => labelWidth(shortLabel(tick.label)) + 12);
  return Math.min(MOST_SIDE, Math.max(SIDE, (labelWidth(axis.label) + 34) / 2, ...labels));
}
