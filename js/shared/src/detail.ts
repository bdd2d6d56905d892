import { asF64 } from './binary';
import type { Backend } from './backend';
import type { SeriesHead } from './requests';
import type { Points, Series } from './series';

/** An axis along which the store can be asked for a part. */
export type StoredAxis = 'step' | 'relative' | 'time';

export interface Look {
  x: StoredAxis;
  window: readonly [number, number];
  /** What is looked at; only what is thinned out is asked for. */
  series: readonly Series[];
  /** Time of the first point of each run, ms since the epoch. */
  starts: ReadonlyMap<string, number>;
  /** How many pixels the plot is wide. */
  pixels: number;
}

/** While somebody drags, nothing is asked. */
const PAUSE_MS = 120;
const POINTS_PER_PIXEL = 4;
const MOST_POINTS = 8000;
const ALL_POINTS = 400_000;

/**
 * The fine structure of the window that is looked at, asked for when it changes.
 *
 * What was there before is shown until the response comes, and for good where none comes: a kernel may be
 * busy. Responses to earlier requests are dropped.
 */
export class Detail {
  private parts = new Map<string, Points>();
  private axis: StoredAxis = 'step';
  private requestNumber = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly backend: Backend,
    private readonly changed: () => void
  ) {}

  /** Whether anything finer than the overview is here. */
  get shown(): boolean {
    return this.parts.size > 0;
  }

  /** Ask for a window, a little later; a call that follows takes its place. */
  look(look: Look): void {
    clearTimeout(this.timer);
    const number = ++this.requestNumber;
    const thinned = look.series.filter(series => series.total > series.n);
    if (thinned.length === 0) return;
    this.timer = setTimeout(() => void this.ask(number, look, thinned), PAUSE_MS);
  }

  /** Go back to the overview. */
  forget(): void {
    clearTimeout(this.timer);
    this.requestNumber += 1;
    this.parts.clear();
  }

  /** The series with its detail in the place of the points there; newer points go on behind it. */
  merged(series: Points, x: StoredAxis): Points {
    const part = x === this.axis ? this.parts.get(`${series.run}\n${series.key}`) : undefined;
    if (!part || part.n === 0) return series;
    const along = x === 'step' ? 'step' : 'time';
    const first = part[along][0]!;
    const last = part[along][part.n - 1]!;
    const before = series[along].findIndex(at => at >= first);
    const after = series[along].findIndex(at => at > last);
    const head = before < 0 ? series.n : before;
    const tail = after < 0 ? series.n : after;
    const column = (name: 'step' | 'time' | 'value'): Float64Array => {
      const out = new Float64Array(head + part.n + series.n - tail);
      out.set(series[name].subarray(0, head));
      out.set(part[name], head);
      out.set(series[name].subarray(tail), head + part.n);
      return out;
    };
    const step = column('step');
    const { run, key, total } = series;
    return { run, key, total, n: step.length, step, time: column('time'), value: column('value') };
  }

  private async ask(number: number, look: Look, thinned: readonly Series[]): Promise<void> {
    const each = Math.min(MOST_POINTS, Math.max(400, look.pixels * POINTS_PER_PIXEL), ALL_POINTS / thinned.length);
    const runs = [...new Set(thinned.map(series => series.run))];
    try {
      const { body, buffers } = await this.backend.ask('chart.window', {
        run_ids: runs,
        keys: [...new Set(thinned.map(series => series.key))],
        x: look.x,
        window: look.window,
        starts: Object.fromEntries(runs.map(run => [run, look.starts.get(run) ?? 0])),
        points: Math.max(4, Math.round(each))
      });
      if (number !== this.requestNumber) return;
      this.axis = look.x;
      this.parts = partsOf(body.series, buffers);
      this.changed();
    } catch {
      // what is there stays: a closed view, a busy kernel or a store that is gone is no fault of the chart
    }
  }
}

function partsOf(heads: readonly SeriesHead[], buffers: readonly DataView[]): Map<string, Points> {
  const [steps, times, values] = [asF64(buffers[0]), asF64(buffers[1]), asF64(buffers[2])];
  const parts = new Map<string, Points>();
  let at = 0;
  for (const { run, key, n, total } of heads) {
    const [step, time, value] = [steps, times, values].map(column => column.subarray(at, at + n));
    parts.set(`${run}\n${key}`, { run, key, n, total: total ?? n, step: step!, time: time!, value: value! });
    at += n;
  }
  return parts;
}
