import { showFinishedComparison } from '@nbtrack/shared/comparison_finished';
import { serverBackend } from '@nbtrack/shared/backend';
import { Chart } from '@nbtrack/shared/chart';
import { viewRoot } from '@nbtrack/shared/dom';
import { Follower } from '@nbtrack/shared/follow';
import { CardHead } from '@nbtrack/shared/head';
import { ModelCardView } from '@nbtrack/shared/model_card';
import type { ChartView, View } from '@nbtrack/shared/protocol';
import type { ModelView } from '@nbtrack/shared/protocol_models';
import { unpackCurves } from '@nbtrack/shared/series';
import { showFinishedTable } from '@nbtrack/shared/finished_table';
import { followTheme } from '@nbtrack/shared/theme';

const NOT_YET = 'The notebook was saved before the run ended. If its kernel is there, the curves come when the cell has ended.';

/** Show a finished output from its data. Returns what takes it away. */
export async function showFinished(host: HTMLElement, view: View): Promise<() => void> {
  if (view.kind === 'comparison') return showFinishedComparison(viewRoot(host, 'cmp'), view);
  if (view.kind === 'model') return showModel(host, view);
  return view.kind === 'table' ? showFinishedTable(viewRoot(host, 'table'), view) : showChart(host, view);
}

function showModel(host: HTMLElement, { facts }: ModelView): () => void {
  const root = viewRoot(host, 'card');
  new ModelCardView(root, null).show(facts);
  return followTheme(root, () => undefined);
}

async function showChart(host: HTMLElement, view: ChartView): Promise<() => void> {
  const data = await unpackCurves(view.curves);
  const root = viewRoot(host, view.kind);
  const backend = serverBackend(view.store_id ?? '');
  const head = view.kind === 'card' ? new CardHead(false) : null;
  if (head) {
    head.setHead(view.head ?? {});
    head.setSince(view.since ?? [], view.detail ?? {});
    root.append(head.element);
  }
  const { x, smoothing, log_x: logX = false, log_y: logY } = view.options;
  const chart = new Chart(root, data, { x, smoothing, logX, logY }, () => undefined, { backend: backend ?? undefined });
  const goesOn = view.head?.state === 'RUNNING';
  if (goesOn) chart.setEmpty(NOT_YET);
  chart.setTitle(view.title);
  chart.setRuns(view.runs);
  const { head: saved, runs } = view;
  const follower = goesOn && head && saved?.run_id && backend ? new Follower({ backend, root, chart, data, head, saved, runs }) : null;
  return () => {
    follower?.dispose();
    chart.dispose();
    head?.dispose();
  };
}
