import { formatNumber, formatTime } from '../format';
import type { ImageSeries, RunImages } from '../requests';

/** An image of a run, and the small one of it where there is one. */
export interface Picture {
  run: string;
  path: string;
  small: string | null;
}

/** What was logged for one step of one key: one image, or several of a batch. */
export interface ImageStep {
  step: number;
  /** When the last of them was logged, in milliseconds since the epoch. */
  time: number;
  pictures: Picture[];
}

/** The steps of one key of one run. */
export interface KeyedImages {
  key: string;
  steps: ImageStep[];
  /** How many images there are, and how many of them are not listed. */
  total: number;
  left: number;
}

/** The images of a run by key, their files grouped by step. */
export function imagesOf({ run_id, folder, series }: RunImages): KeyedImages[] {
  return series.map(one => ({ key: one.key, steps: stepsOf(run_id, folder, one), total: one.total, left: one.total - one.files.length }));
}

function stepsOf(run: string, folder: string, series: ImageSeries): ImageStep[] {
  const found: ImageStep[] = [];
  series.files.forEach((file, i) => {
    const step = series.steps[i]!;
    const path = `${folder}/${file}`;
    const small = series.small[i] ? path.replace(/\.[^.]*$/, '') + series.thumbnail : null;
    const picture = { run, path, small };
    const last = found.at(-1);
    if (last?.step === step) {
      last.pictures.push(picture);
      last.time = series.times[i]!;
    } else found.push({ step, time: series.times[i]!, pictures: [picture] });
  });
  return found;
}

/** The place of the last step at or before `step`; -1 where all are later. */
export function placeAt(steps: readonly { step: number }[], step: number): number {
  let [low, high] = [0, steps.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (steps[middle]!.step <= step) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** Where a slider stands after its steps have changed: at the end if it was there, else at the same step. */
export function placeAfter(before: readonly number[], place: number, after: readonly number[]): number {
  const last = after.length - 1;
  if (before.length === 0 || place >= before.length - 1) return last;
  const step = before[place]!;
  return Math.max(0, placeAt(after.map(each => ({ step: each })), step));
}

/** A step in words: `step 40`, and when it was logged. */
export function stepWords({ step, time }: Pick<ImageStep, 'step' | 'time'>): string {
  const when = formatTime(time);
  return when ? `step ${formatNumber(step)}, ${when}` : `step ${formatNumber(step)}`;
}
