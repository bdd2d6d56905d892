import type { Backend } from './backend';
import { asF64 } from './binary';
import type { Chart } from './chart';
import { isSystemMetric } from './groups';
import type { CardHead } from './head';
import type { RunRef } from './requests';
import type { SeriesSet } from './series';
import { systemLoader } from './system_curves';
import type { Head } from './view_data';
import { Visibility } from './visibility';

/** A live widget that is only late takes the place of the saved output before anything is asked. */
const FIRST_MS = 1000;
/** How often a run that goes on is asked for, and how much longer than a response takes. */
const EVERY_MS = 1500;
const REST = 15;
const LONGEST_MS = 30_000;

export interface Followed {
  backend: Backend;
  root: HTMLElement;
  chart: Chart;
  data: SeriesSet;
  head: CardHead;
  /** What the first line said when the output was saved. */
  saved: Head;
  runs: readonly RunRef[];
}

/**
 * Let the saved output of a run that was going on grow with the run, as a server reads it from the store.
 *
 * A page that is reloaded in mid-run gets nothing from the kernel before the cell has ended. Nothing is asked
 * while nobody sees the output, nor after the run has ended. Without responses the saved output stays as it is.
 */
export class Follower {
  private readonly visibility: Visibility;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private asking = false;
  private ended = false;
  private failures = 0;

  constructor(private readonly followed: Followed) {
    this.visibility = new Visibility(followed.root, () => {
      if (this.timer === undefined) void this.look();
    });
    this.timer = setTimeout(() => void this.look(), FIRST_MS);
  }

  dispose(): void {
    this.ended = true;
    clearTimeout(this.timer);
    this.visibility.dispose();
  }

  private async look(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.asking || this.ended || !this.visibility.visible) return;
    this.asking = true;
    const begin = performance.now();
    try {
      await this.ask();
      this.failures = 0;
    } catch {
      // a server that is away may come back; the output does not claim meanwhile that the run goes on
      this.failures += 1;
      if (!this.ended) this.followed.head.setLive(false);
    }
    this.asking = false;
    if (this.ended) return;
    const wait = Math.max(EVERY_MS * 2 ** this.failures, (performance.now() - begin) * REST);
    this.timer = setTimeout(() => void this.look(), Math.min(LONGEST_MS, wait));
  }

  private async ask(): Promise<void> {
    const { backend, data, chart, head, saved, runs } = this.followed;
    const id = saved.run_id ?? '';
    const { body, buffers } = await backend.ask('chart.runs', { run_ids: [id] });
    if (this.ended) return;
    const now = body.runs.find(run => run.id === id);
    if (!now) return;
    data.removeSome(id, { system: false });
    data.add(body.series, asF64(buffers[0]), asF64(buffers[1]), asF64(buffers[2]));
    chart.setRuns(runs.map(run => (run.id === id ? { ...run, state: now.state } : run)));
    chart.offerSystem(systemLoader(backend, data, body.system));
    head.setLive(true);
    const { step, pace } = progressOf(data, id);
    head.setHead({ ...saved, name: now.name, state: now.state, elapsed_s: body.elapsed_s[id] ?? null, step, steps_per_s: pace });
    if (now.state !== 'RUNNING' && now.state !== 'SCHEDULED') this.dispose();
  }
}

const PACE_MS = 10_000;

/** The greatest step of a run, and its steps per second over the last ten seconds that it logged. */
export function progressOf(data: SeriesSet, id: string): { step: number | null; pace: number | null } {
  let best: { step: number; pace: number | null } | null = null;
  for (const { run, key, n, step, time } of data) {
    if (run !== id || n === 0 || isSystemMetric(key) || (best && best.step >= step[n - 1]!)) continue;
    const first = Math.min(Math.max(0, n - 2), time.findIndex(at => at >= time[n - 1]! - PACE_MS));
    const seconds = (time[n - 1]! - time[first]!) / 1000;
    best = { step: step[n - 1]!, pace: seconds > 0.05 ? (step[n - 1]! - step[first]!) / seconds : null };
  }
  return best ?? { step: null, pace: null };
}
