import type { XMode } from './protocol';
import type { Points } from './series';

/** What an x axis shows; `metric` is another metric of the same run. */
export type XKind = 'step' | 'time' | 'relative' | 'metric';

const KINDS: readonly string[] = ['step', 'time', 'relative'];

/** How finely a moving average looks at a curve: it does not matter how many points were kept of it. */
const SMOOTH_PLACES = 1000;

/**
 * What a mode means for these series.
 *
 * `auto` is the step, or relative time where no series has two steps; the name of a metric is the step until
 * that metric is there.
 */
export function resolveX(mode: XMode, all: Iterable<Points>): XKind {
  if (KINDS.includes(mode)) return mode as XKind;
  if (mode !== 'auto') {
    for (const series of all) if (series.key === mode) return 'metric';
    return 'step';
  }
  let several = false;
  for (const series of all) {
    if (series.n < 2) continue;
    several = true;
    const steps = series.step;
    if (steps[0] !== steps[series.n - 1] || steps.some(step => step !== steps[0])) return 'step';
  }
  return several ? 'relative' : 'step';
}

/** Where the points stand on the x axis: step, ms since the epoch, seconds since `start`, or `other`'s value. */
export function xValues(series: Points, kind: XKind, start: number, other?: Points): Float64Array {
  if (kind === 'step') return series.step;
  if (kind === 'time') return series.time;
  if (kind === 'metric') return joined(series.step, other);
  return series.time.map(t => (t - start) / 1000);
}

/**
 * The values of another metric at these steps; NaN where it has none.
 *
 * Of metrics that were thinned out hardly a step is left in both, so between two points of such a one a
 * straight line is taken.
 */
export function joined(steps: Float64Array, other: Points | undefined): Float64Array {
  const out = new Float64Array(steps.length).fill(NaN);
  if (!other || other.n === 0) return out;
  const thinned = other.total > other.n;
  let at = 0;
  for (let i = 0; i < steps.length; i++) {
    const step = steps[i]!;
    if (at > 0 && step < other.step[at - 1]!) at = 0;
    while (at < other.n && other.step[at]! < step) at++;
    if (at < other.n && other.step[at] === step) out[i] = other.value[at]!;
    else if (thinned && at > 0 && at < other.n) {
      const share = (step - other.step[at - 1]!) / (other.step[at]! - other.step[at - 1]!);
      out[i] = other.value[at - 1]! + share * (other.value[at]! - other.value[at - 1]!);
    }
  }
  return out;
}

/**
 * Exponential moving average, free of the bias towards zero at its start (as in Adam).
 *
 * The weight is that of one point of a curve of at most a thousand points: where `x` and `total` tell that
 * points were left out, a longer way between two points counts for more of them. Points that are no numbers
 * stay as they are and do not count.
 */
export function smooth(values: Float64Array, weight: number, x?: Float64Array, total = values.length): Float64Array {
  const out = new Float64Array(values.length);
  const way = x && total > SMOOTH_PLACES ? Math.abs(x[x.length - 1]! - x[0]!) / SMOOTH_PLACES : 0;
  let average = 0;
  let mass = 0;
  let before = NaN;
  values.forEach((value, i) => {
    if (!Number.isFinite(value)) {
      out[i] = value;
      return;
    }
    const places = way > 0 && Number.isFinite(before) ? Math.abs(x![i]! - before) / way : 1;
    const kept = places === 1 ? weight : weight ** places;
    if (x) before = x[i]!;
    average = kept * average + (1 - kept) * value;
    mass = kept * mass + (1 - kept);
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

/** Plotly draws no number beyond 1.8e304. */
const LARGEST = 1e300;

/** Whether a value has a place on the y axis. */
export function hasPlace(value: number, log: boolean): boolean {
  return Math.abs(value) <= LARGEST && !(log && value <= 0);
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
    if (!hasPlace(value, positive)) continue;
    if (window && (x[i]! < window[0] || x[i]! > window[1])) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low <= high ? [low, high] : null;
}

/** Index of the point nearest to `at`; with `sorted`, `x` does not fall. */
export function nearest(x: Float64Array, at: number, sorted = true): number {
  if (!sorted) {
    let best = 0;
    for (let i = 1; i < x.length; i++) {
      if (!(Math.abs(x[best]! - at) <= Math.abs(x[i]! - at)) && !Number.isNaN(x[i])) best = i;
    }
    return best;
  }
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
