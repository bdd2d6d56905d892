import { showFinishedComparison } from '@nbtrack/shared/comparison_finished';
import { Chart } from '@nbtrack/shared/chart';
import { viewRoot } from '@nbtrack/shared/dom';
import { CardHead } from '@nbtrack/shared/head';
import type { ChartView, View } from '@nbtrack/shared/protocol';
import { unpackCurves } from '@nbtrack/shared/series';
import { showFinishedTable } from '@nbtrack/shared/finished_table';

const NOT_YET = 'The notebook was saved before the run ended. If its kernel is there, the curves come when the cell has ended.';

/** Show a finished output from its data. Returns what takes it away. */
export async function showFinished(host: HTMLElement, view: View): Promise<() => void> {
  if (view.kind === 'comparison') return showFinishedComparison(viewRoot(host, 'cmp'), view);
  return view.kind === 'table' ? showFinishedTable(viewRoot(host, 'table'), view) : showChart(host, view);
}

async function showChart(host: HTMLElement, view: ChartView): Promise<() => void> {
  const data = await unpackCurves(view.curves);
  const root = viewRoot(host, view.kind);
  let dispose = (): void => undefined;
  if (view.kind === 'card') {
    const head = new CardHead(false);
    head.setHead(view.head ?? {});
    head.setSince(view.since ?? [], view.detail ?? {});
    root.append(head.element);
    dispose = () => head.dispose();
  }
  const { x, smoothing, log_x: logX = false, log_y: logY } = view.options;
  const chart = new Chart(root, data, { x, smoothing, logX, logY }, () => undefined);
  if (view.head?.state === 'RUNNING') chart.setEmpty(NOT_YET);
  chart.setTitle(view.title);
  chart.setRuns(view.runs);
  return () => {
    chart.dispose();
    dispose();
  };
}
