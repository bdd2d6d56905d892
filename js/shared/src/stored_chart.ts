import type { BackendResponse, Backend } from './backend';
import type { ColourBy } from './arrangement';
import { asF64 } from './binary';
import { Chart, type ChartView } from './chart';
import { errorBox, h, messageOf } from './dom';
import type { Curves, RunRef } from './requests';
import { SeriesSet } from './series';
import { systemLoader } from './system_curves';

export interface StoredChartOptions {
  backend: Backend;
  runIds: string[];
  /** By default all metrics but those of the machine. */
  keys?: string[];
  chart?: Partial<ChartView>;
  /** Is told what somebody makes of it, to begin with that another time. */
  onView?(view: ChartView): void;
  title?: string;
  /** `run`: each run in the colour that it has elsewhere, also where it is the only one. */
  colourBy?: ColourBy;
  onHighlight?(runId: string | null): void;
  /** Is told when what is known of the runs has been drawn, or that there is nothing to draw. */
  onDrawn?(): void;
}

interface NotedCurves extends Curves {
  /** Why there are no curves, where that is not the runs' doing. */
  note?: string;
}

/** Curves of runs that are stored: asked of the store, and asked again in detail when somebody zooms. */
export class StoredChart {
  private readonly place: HTMLElement;
  private readonly failed = h('div', { class: 'nbt-unread' });
  private readonly data = new SeriesSet();
  private readonly chart: Chart;
  private readonly known = new Map<string, RunRef>();
  private readonly measured = new Set<string>();
  private wanted: string[];
  private requestNumber = 0;
  private disposed = false;
  private answered = false;
  private note = '';

  constructor(
    root: HTMLElement,
    private readonly options: StoredChartOptions
  ) {
    this.wanted = [...options.runIds];
    this.place = h('div', { class: 'nbt-stored-chart' });
    root.append(this.place);
    const { backend, onHighlight, onView, colourBy, chart: view = {} } = options;
    const onDrawn = (): void => {
      if (this.answered) options.onDrawn?.();
    };
    const { x = 'auto', smoothing = 0, logX = false, logY = false } = view;
    const extras = { backend, onHighlight, onView, view, colourBy, onDrawn, systemOpen: options.keys !== undefined };
    this.chart = new Chart(this.place, this.data, { x, smoothing, logX, logY }, () => undefined, extras);
    this.place.append(this.failed);
    this.chart.setTitle(options.title ?? '');
    void this.load(this.wanted);
  }

  /** Show these runs; only those that are new are asked for. */
  setRuns(runIds: string[]): void {
    const missing = runIds.filter(id => !this.known.has(id));
    // what is asked of the same runs again stays asked
    if (missing.length === 0 && runIds.join() === this.wanted.join()) return;
    this.wanted = [...runIds];
    for (const id of [...this.known.keys()]) {
      if (runIds.includes(id)) continue;
      this.known.delete(id);
      this.data.remove(id);
    }
    if (missing.length > 0) void this.load(missing);
    else {
      this.requestNumber += 1; // a response that is under way is of runs that are not wanted any more
      this.show();
    }
  }

  /** Let the curves of one run stand out. */
  highlight(runId: string | null): void {
    this.chart.highlight(runId);
  }

  /** Ask for everything again. */
  refresh(): void {
    void this.load(this.wanted);
  }

  dispose(): void {
    this.disposed = true;
    this.chart.dispose();
    this.place.remove();
  }

  private async load(runIds: readonly string[]): Promise<void> {
    const number = ++this.requestNumber;
    if (runIds.length === 0) {
      this.show();
      return;
    }
    if (this.known.size === 0) this.chart.setEmpty('Loading…');
    try {
      const params = { run_ids: runIds, ...(this.options.keys ? { keys: this.options.keys } : {}) };
      const { body, buffers }: BackendResponse<NotedCurves> = await this.options.backend.ask('chart.runs', params);
      if (this.disposed || number !== this.requestNumber) return;
      for (const run of body.runs) {
        this.known.set(run.id, run);
        if (this.options.keys) this.data.remove(run.id);
        else this.data.removeSome(run.id, { system: false });
        this.measured.delete(run.id);
      }
      // what was saved with a notebook does not say it
      for (const id of body.system ?? []) this.measured.add(id);
      this.data.add(body.series, asF64(buffers[0]), asF64(buffers[1]), asF64(buffers[2]));
      this.note = body.note ?? '';
      this.failed.replaceChildren();
    } catch (error) {
      if (this.disposed || number !== this.requestNumber) return;
      const retry = h('button', { type: 'button' }, 'Try again');
      retry.addEventListener('click', () => void this.load(runIds));
      this.failed.replaceChildren(errorBox(`The curves could not be read: ${messageOf(error)}`), retry);
    }
    this.show();
  }

  private show(): void {
    this.answered = true;
    this.chart.setEmpty(this.wanted.length > 0 ? this.note || 'These runs have no metrics' : 'Select runs to see their curves');
    this.chart.setRuns(this.wanted.map(id => this.known.get(id)).filter(run => run !== undefined));
    const measured = this.wanted.filter(id => this.known.has(id) && this.measured.has(id));
    this.chart.offerSystem(systemLoader(this.options.backend, this.data, measured));
  }
}
