import { isBaseline } from '@nbtrack/shared/arrangement';
import { showFinishedComparison } from '@nbtrack/shared/comparison_finished';
import { type Backend, serverBackend } from '@nbtrack/shared/backend';
import { asF64 } from '@nbtrack/shared/binary';
import { Chart } from '@nbtrack/shared/chart';
import { h, viewRoot } from '@nbtrack/shared/dom';
import { Follower } from '@nbtrack/shared/follow';
import { FoundLine, leavesOut } from '@nbtrack/shared/found';
import { CardHead } from '@nbtrack/shared/head';
import { AGAIN_EVENT, type RunAgain } from '@nbtrack/shared/protocol';
import { ModelCardView } from '@nbtrack/shared/model_card';
import type { FoundItem, RunRef } from '@nbtrack/shared/requests';
import { type SeriesSet, unpackCurves } from '@nbtrack/shared/series';
import { systemLoader } from '@nbtrack/shared/system_curves';
import { showFinishedTable } from '@nbtrack/shared/finished_table';
import { followTheme } from '@nbtrack/shared/theme';
import type { ChartView, FinishedView, ModelView } from '@nbtrack/shared/view_data';

const NOT_YET = 'The notebook was saved before the run ended. If its kernel is there, the curves come when the cell has ended.';

/** Show a finished output from its data. Returns what takes it away, or null where its picture shows more. */
export async function showFinished(host: HTMLElement, view: FinishedView): Promise<(() => void) | null> {
  if (view.kind === 'comparison') return showFinishedComparison(viewRoot(host, 'cmp'), view);
  if (view.kind === 'model') return showModel(host, view);
  return view.kind === 'table' ? showFinishedTable(viewRoot(host, 'table'), view) : showChart(host, view);
}

function showModel(host: HTMLElement, { facts }: ModelView): () => void {
  const root = viewRoot(host, 'card');
  new ModelCardView(root, null).show(facts);
  return followTheme(root, () => undefined);
}

async function showChart(host: HTMLElement, view: ChartView): Promise<(() => void) | null> {
  const data = await unpackCurves(view.curves);
  const backend = serverBackend(view.store_id ?? '');
  const goesOn = view.head?.state === 'RUNNING';
  if (lacksCurves(view, goesOn) && !(await askForCurves(backend, view, data))) return null;
  const root = viewRoot(host, view.kind);
  const head = view.kind === 'card' ? new CardHead(false) : null;
  if (head) {
    head.setHead(view.head ?? {});
    head.setRunDiff(view.since ?? [], view.detail ?? {});
    if (backend && !goesOn) head.element.firstElementChild?.append(againButton(view));
    root.append(head.element);
  }
  const runId = view.head?.run_id;
  const forget = (left: readonly FoundItem[]): void => {
    const kept = new Set(left.map(item => `${item.kind} ${item.key}`));
    const gone = (view.found ?? []).filter(item => item.kind === 'metric' && !kept.has(`metric ${item.key}`));
    if (!runId || gone.length === 0) return;
    for (const { key } of gone) data.remove(runId, key);
    chart.touch();
  };
  const found = new FoundLine(backend && runId ? leavesOut(backend, runId, forget) : null);
  found.set(view.found ?? []);
  head?.element.append(found.element);
  const { x, smoothing, log_x: logX = false, log_y: logY } = view.options;
  const chart = new Chart(root, data, { x, smoothing, logX, logY }, () => undefined, { backend: backend ?? undefined, systemOpen: view.keys !== undefined });
  if (view.system?.length) chart.offerSystem(systemLoader(backend, data, view.system));
  if (goesOn) chart.setEmpty(NOT_YET);
  chart.setTitle(view.title);
  chart.setRuns(view.runs);
  if (backend && runId && view.found) void askForFound(backend, runId, found, forget);
  const { head: saved, runs } = view;
  const follower = goesOn && head && saved?.run_id && backend ? new Follower({ backend, root, chart, data, head, saved, runs }) : null;
  return () => {
    follower?.dispose();
    chart.dispose();
    head?.dispose();
  };
}

/** A button that asks the page to run the run again: the page shows what that would do. */
function againButton({ head, store_id: store }: ChartView): HTMLElement {
  const button = h('button', { type: 'button', class: 'nbt-run-again' }, 'Run again');
  const detail: RunAgain = { store: store ?? '', run_id: head?.run_id ?? '', name: head?.name ?? '' };
  button.addEventListener('click', () => button.dispatchEvent(new CustomEvent(AGAIN_EVENT, { detail, bubbles: true })));
  return button;
}

/** Show what is found still: some of it may be left out since the output was saved. */
async function askForFound(backend: Backend, runId: string, found: FoundLine, forget: (left: readonly FoundItem[]) => void): Promise<void> {
  try {
    const { body } = await backend.ask('run.found', { run_id: runId });
    found.set(body.items);
    forget(body.items);
  } catch {
    // a server that does not know the store shows what was saved
  }
}

/** Whether curves found no room in the output; of outputs that do not say so, it is thought. */
function lacksCurves({ curves, head }: ChartView, goesOn: boolean): boolean {
  if (curves.series.length > 0) return false;
  return curves.left_out === undefined ? !goesOn && head?.step !== null : curves.left_out > 0;
}

/** Ask the store for the curves of a view. Returns whether it has any. */
async function askForCurves(backend: Backend | null, { runs, keys, cut }: ChartView, data: SeriesSet): Promise<boolean> {
  if (!backend || cut) return false;
  const ask = async (asked: readonly RunRef[], wanted: string[] | undefined): Promise<void> => {
    if (asked.length === 0) return;
    const params = { run_ids: asked.map(run => run.id), ...(wanted ? { keys: wanted } : {}) };
    const { body, buffers } = await backend.ask('chart.runs', params);
    data.add(body.series, asF64(buffers[0]), asF64(buffers[1]), asF64(buffers[2]));
  };
  try {
    await ask(runs.filter(run => !isBaseline(run)), keys);
    const shown = [...new Set([...data].map(series => series.key))];
    // of the runs behind, what there is in front of them
    if (shown.length > 0) await ask(runs.filter(isBaseline), shown);
  } catch {
    // a server that does not know the store, or a store without the runs
  }
  return [...data].length > 0;
}
