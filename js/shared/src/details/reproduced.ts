import type { Backend, BackendResponse, Body, Params, RequestName } from '../backend';
import { asF64 } from '../binary';
import { errorBox, h } from '../dom';
import { formatTime } from '../format';
import { keepFocus } from '../kept_focus';
import { released } from '../presses';
import { problemOf } from '../problem';
import type { ComparedValue, Curves, CurvesParams, Reproduced, WindowCurves, WindowParams } from '../requests';
import { StoredChart } from '../stored_chart';
import { verdictSign } from '../verdict_sign';
import { facts, scroller, section, textTable } from './parts';

const AGAIN = 'again';
const RESULTS: Record<ComparedValue['result'], [sign: string, words: string]> = {
  exact: ['yes', 'the same'],
  close: ['yes', 'close'],
  different: ['no', 'different'],
  missing: ['failed', 'missing now'],
  new: ['no', 'new']
};
const CELLS: Record<string, string> = { needed: 'the cells that the run needed', all: 'all cells that had run before it' };
const ENVIRONMENTS: Record<string, string> = { this: 'the environment that nbtrack was in', recorded: 'the recorded environment' };

/** What came of running a run again: the verdict, both curves in one chart, and each value then and now. */
export class ReproducedPanel {
  private readonly head = h('div', { class: 'nbt-again' });
  private readonly plots = h('div');
  private readonly values = h('div');
  private chart: StoredChart | null = null;
  private seen = '';
  private requestNumber = 0;
  private disposed = false;

  constructor(
    private readonly panel: HTMLElement,
    private readonly backend: Backend,
    private readonly runId: string
  ) {
    panel.replaceChildren(this.head, this.values, this.plots);
    this.refresh();
  }

  dispose(): void {
    this.disposed = true;
    this.chart?.dispose();
  }

  refresh(): void {
    void this.load();
  }

  private async load(): Promise<void> {
    const number = ++this.requestNumber;
    try {
      const response = await this.backend.ask('run.reproduced', { run_id: this.runId });
      await released(this.panel);
      if (this.disposed || number !== this.requestNumber) return;
      const seen = JSON.stringify(response.body);
      if (seen === this.seen) return;
      this.seen = seen;
      keepFocus(this.panel, () => this.show(response));
    } catch (error) {
      if (this.disposed || number !== this.requestNumber) return;
      this.seen = '';
      this.head.replaceChildren(errorBox(problemOf(error).advice));
    }
  }

  private show({ body, buffers }: BackendResponse<Reproduced>): void {
    const { verdict, comparison, curves, left_out: leftOut } = body;
    if (!verdict) return;
    const words = verdict.reproduced === 'yes' ? `Verified: ${verdict.short}` : `${verdict.short.charAt(0).toUpperCase()}${verdict.short.slice(1)}`;
    this.head.replaceChildren(
      h('p', { class: 'nbt-againhead' }, verdictSign(verdict.reproduced), h('b', {}, words)),
      facts([
        ['Run again', formatTime(verdict.date)],
        ['Cause', verdict.cause],
        ['What ran', CELLS[verdict.cells ?? ''] ?? verdict.cells],
        ['Where', ENVIRONMENTS[verdict.environment ?? ''] ?? verdict.environment],
        ['Says', verdict.text === verdict.short ? null : verdict.text]
      ])
    );
    this.values.replaceChildren(...(comparison.length > 0 ? [section('Then and now', ...compared(comparison, leftOut))] : []));
    this.chart?.dispose();
    this.chart = null;
    this.plots.replaceChildren();
    if (curves.length === 0) return;
    const place = h('div');
    this.plots.append(section('Curves', h('p', { class: 'nbt-hint' }, 'Solid: the run. Dashed: the run again.'), place));
    const keys = curves.map(curve => curve.key);
    const backend = new BothCurves(this.backend, body, buffers);
    this.chart = new StoredChart(place, { backend, runIds: [this.runId, AGAIN], keys, chart: { x: 'step' }, colourBy: 'run' });
  }
}

function compared(rows: readonly ComparedValue[], leftOut: number): HTMLElement[] {
  const table = textTable(
    'Then and now',
    ['Logged', 'Kind', 'Then', 'Now', 'Result', ''],
    rows.map(row => {
      const [sign, words] = RESULTS[row.result];
      return [row.key, row.kind, textOf(row.then), textOf(row.now), h('span', { class: 'nbt-verdict' }, verdictSign(sign), words), row.detail ?? ''];
    })
  );
  const parts: HTMLElement[] = [scroller('Then and now', table)];
  if (leftOut > 0) parts.push(h('p', { class: 'nbt-empty' }, `and ${leftOut.toLocaleString('en-US')} more, in the artifact .nbtrack/reproduced.json`));
  return parts;
}

/** All digits: two numbers that look the same here are the same. */
function textOf(value: string | number | null): string {
  return value === null ? '–' : String(value).replace(/^-/, '−');
}

/** Answers for the curves of a run, and for those of the run again, which no store has as a run. */
class BothCurves implements Backend {
  constructor(
    private readonly backend: Backend,
    private readonly again: Reproduced,
    private readonly buffers: readonly DataView[]
  ) {}

  async ask<N extends RequestName>(type: N, params: Params<N>): Promise<BackendResponse<Body<N>>> {
    if (type !== 'chart.runs' && type !== 'chart.window') return this.backend.ask(type, params);
    const of = params as CurvesParams | WindowParams;
    const stored = of.run_ids.filter(id => id !== AGAIN);
    const response = (await this.backend.ask(type, { ...params, run_ids: stored })) as BackendResponse<Curves | WindowCurves>;
    return ('runs' in response.body ? this.both(response as BackendResponse<Curves>) : response);
  }

  private both({ body, buffers }: BackendResponse<Curves>): BackendResponse<Curves> {
    const [steps, values] = [asF64(this.buffers[0]), asF64(this.buffers[1])];
    const times = steps.map(() => NaN); // it ran on another day
    const series = this.again.curves.map(({ key, n }) => ({ run: AGAIN, key, n, total: n }));
    return {
      body: {
        ...body,
        runs: [...body.runs, { id: AGAIN, name: 'run again', role: 'again', state: 'FINISHED' }],
        series: [...body.series, ...series]
      },
      buffers: [steps, times, values].map((more, i) => joined(asF64(buffers[i]), more))
    };
  }
}

function joined(first: Float64Array, second: Float64Array): DataView {
  const all = new Float64Array(first.length + second.length);
  all.set(first);
  all.set(second, first.length);
  return new DataView(all.buffer);
}
