import type { XMode } from './protocol';
import type { Series } from './series';

export type XKind = Exclude<XMode, 'auto'>;

/** What `auto` means for these series: the step, or relative time where no series has two steps. */
export function resolveX(mode: XMode, all: Iterable<Series>): XKind {
  if (mode !== 'auto') return mode;
  let several = false;
  for (const series of all) {
    if (series.n < 2) continue;
    several = true;
    const steps = series.step;
    if (steps[0] !== steps[series.n - 1] || steps.some(step => step !== steps[0])) return 'step';
  }
  return several ? 'relative' : 'step';
}

/** Where the points stand on the x axis: step, ms since the epoch, or seconds since `start`. */
export function xValues(series: Series, kind: XKind, start: number): Float64Array {
  if (kind === 'step') return series.step;
  if (kind === 'time') return series.time;
  return series.time.map(t => (t - start) / 1000);
}

/**
 * Exponential moving average, free of the bias towards zero at its start (as in Adam).
 *
 * Points that are no numbers stay as they are and do not count.
 */
export function smooth(values: Float64Array, weight: number): Float64Array {
  const out = new Float64Array(values.length);
  let average = 0;
  let mass = 0;
  values.forEach((value, i) => {
    if (!Number.isFinite(value)) {
      out[i] = value;
      return;
    }
    average = weight * average + (1 - weight) * value;
    mass = weight * mass + (1 - weight);
    out[i] = average / mass;
  });
  return out;
}

/** The course of a curve: the mean of each of about `places` pieces. */
export function averaged(x: Float64Array, values: Float64Array, places: number): [Float64Array, Float64Array] {
  const width = Math.max(1, Math.round(values.length / places));
  if (width === 1) return [x, values];
  const n = Math.ceil(values.length / width);
  const mean = (a: Float64Array, i: number): number => {
    const piece = a.subarray(i * width, (i + 1) * width).filter(Number.isFinite);
    return piece.reduce((sum, v) => sum + v, 0) / piece.length;
  };
  return [Float64Array.from({ length: n }, (_, i) => mean(x, i)), Float64Array.from({ length: n }, (_, i) => mean(values, i))];
}

/** Smallest and largest number among `values` whose `x` lies in the window. */
export function extent(
  values: Float64Array,
  x: Float64Array,
  window: readonly [number, number] | null,
  positive: boolean
): [number, number] | null {
  let low = Infinity;
  let high = -Infinity;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (!Number.isFinite(value) || (positive && value <= 0)) continue;
    if (window && (x[i]! < window[0] || x[i]! > window[1])) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low <= high ? [low, high] : null;
}

/** Index of the point nearest to `at`; `x` should not fall. */
export function nearest(x: Float64Array, at: number): number {
  let low = 0;
  let high = x.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (x[middle]! < at) low = middle + 1;
    else high = middle;
  }
  return low > 0 && at - x[low - 1]! < x[low]! - at ? low - 1 : low;
}

/** Whether a curve falls, rises or is level at its end: the last fifth against the fifth before. */
export function trend(values: Float64Array): 'falling' | 'rising' | 'level' | '' {
  const finite = values.filter(Number.isFinite);
  const n = Math.max(1, Math.floor(finite.length / 5));
  if (finite.length < 4) return '';
  const mean = (a: Float64Array): number => a.reduce((sum, v) => sum + v, 0) / a.length;
  const last = mean(finite.subarray(finite.length - n));
  const before = mean(finite.subarray(finite.length - 2 * n, finite.length - n));
  const [low, high] = extent(finite, finite, null, false) ?? [0, 0];
  if (Math.abs(last - before) <= (high - low) * 0.01) return 'level';
  return last < before ? 'falling' : 'rising';
}
