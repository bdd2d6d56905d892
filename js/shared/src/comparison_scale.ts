import type { DataColumn } from './comparison_data';
import { formatNumber } from './format';

export interface Tick {
  value: number;
  label: string;
}

/** Where values stand on an axis, from 0 to 1. */
export interface Scale {
  kind: 'linear' | 'log' | 'category';
  low: number;
  high: number;
  ticks: Tick[];
  /** Whether it has few values, which then are its ticks. */
  discrete: boolean;
  place(value: number): number;
  value(place: number): number;
}

const FEW = 7;
/** From this ratio of largest to smallest on, positive numbers are seen better on a logarithmic axis. */
const WIDE = 50;
const WIDE_FEW = 7;

/** The scale of a column; `log` is what somebody chose, undefined where nobody did. */
export function scaleOf(column: DataColumn, log?: boolean): Scale {
  return column.kind === 'category' ? categories(column.categories) : numbers(column.values, log);
}

function categories(names: readonly string[]): Scale {
  const n = Math.max(1, names.length);
  return {
    kind: 'category',
    low: 0,
    high: n - 1,
    discrete: true,
    ticks: names.map((label, value) => ({ value, label })),
    place: value => (value + 0.5) / n,
    value: place => place * n - 0.5
  };
}

function numbers(values: Float64Array, chosen: boolean | undefined): Scale {
  let low = Infinity;
  let high = -Infinity;
  let positive = true;
  const distinct = new Set<number>();
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
    if (value <= 0) positive = false;
    if (distinct.size <= FEW) distinct.add(value);
  }
  if (low > high) [low, high] = [0, 1];
  const few = distinct.size > 0 && distinct.size <= FEW;
  const log = positive && distinct.size > 0 && (chosen ?? high / low >= (few ? WIDE_FEW : WIDE));
  if (low === high) [low, high] = log ? [low / 2, high * 2] : [low - (Math.abs(low) || 1) / 2, high + (Math.abs(high) || 1) / 2];
  const to = log ? Math.log10 : (v: number): number => v;
  const back = log ? (v: number): number => 10 ** v : (v: number): number => v;
  const [from, span] = [to(low), to(high) - to(low)];
  const ticks = few ? [...distinct].sort((a, b) => a - b) : log ? logTicks(low, high) : niceTicks(low, high, 5);
  return {
    kind: log ? 'log' : 'linear',
    low,
    high,
    discrete: few,
    ticks: ticks.map(value => ({ value, label: formatNumber(value) })),
    place: value => (to(value) - from) / span,
    value: place => back(from + place * span)
  };
}

/**
 * The labels that do not run into each other, as their places in the list.
 *
 * `at` is where the middle of each stands, `sizes` how long it is; the first and the last come before those between.
 */
export function apart(at: readonly number[], sizes: readonly number[], gap = 4): number[] {
  const kept: number[] = [];
  const fits = (i: number): boolean => kept.every(k => Math.abs(at[i]! - at[k]!) >= (sizes[i]! + sizes[k]!) / 2 + gap);
  const order = [0, at.length - 1, ...at.keys()];
  for (const i of order) if (i >= 0 && i < at.length && !kept.includes(i) && fits(i)) kept.push(i);
  return kept.sort((a, b) => a - b);
}

/** About how wide a label of an axis is, in pixels. */
export function labelWidth(text: string): number {
  return text.length * 6.3;
}

/** About `count` round numbers between two. */
export function niceTicks(low: number, high: number, count: number): number[] {
  const rough = (high - low) / count;
  const size = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map(m => m * size).find(s => s >= rough) ?? rough;
  const ticks: number[] = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) ticks.push(Number((i * step).toPrecision(12)));
  return ticks;
}

/** Powers of ten between two numbers; with digits between them where that gives too few. */
export function logTicks(low: number, high: number): number[] {
  const decades = Math.log10(high / low);
  const digits = decades > 2.5 ? [1] : decades > 1.2 ? [1, 3] : [1, 2, 5];
  const every = Math.max(1, Math.ceil(decades / 6));
  const ticks: number[] = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) {
    if (power % every !== 0) continue;
    for (const digit of digits) {
      const value = Number((digit * 10 ** power).toPrecision(3));
      if (value >= low * 0.999 && value <= high * 1.001) ticks.push(value);
    }
  }
  return ticks.length >= 2 ? ticks : niceTicks(low, high, 4).filter(value => value > 0);
}
