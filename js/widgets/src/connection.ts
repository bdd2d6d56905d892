import type { AnyModel } from '@anywidget/types';
import { Chart } from '@nbtrack/shared/chart';
import { errorBox } from '@nbtrack/shared/dom';
import { KERNEL_GONE } from '@nbtrack/shared/protocol';
import { SeriesSet } from '@nbtrack/shared/series';
import { systemLoader } from '@nbtrack/shared/system_curves';
import type { ChartOptions } from '@nbtrack/shared/toolbar';
import type { AppendMessage, MetricChartTraits, ViewTraits } from '@nbtrack/shared/view_data';
import { CommBackend } from './comm_backend';
import { sent } from './send';

let resyncs = 0;

/**
 * Connect a chart below `root` to its model in Python. Returns what disconnects it.
 *
 * Appended points arrive as messages; a whole content follows every few seconds, and is asked for at the
 * start (a page that was reloaded has missed messages) and when a message was lost.
 */
export function connectChart<S extends MetricChartTraits>(model: AnyModel<S>, root: HTMLElement): () => void {
  const typed = model as unknown as AnyModel<MetricChartTraits & ViewTraits>;
  const data = new SeriesSet();
  data.replace(typed.get('content'));
  const options = () => ({
    x: typed.get('x'),
    smoothing: typed.get('smoothing'),
    logX: typed.get('log_x'),
    logY: typed.get('log_y')
  });
  const backend = typed.get('store_id') ? new CommBackend(typed) : undefined;
  const save = (changed: ChartOptions): void => {
    typed.set('x', changed.x);
    typed.set('smoothing', changed.smoothing);
    typed.set('log_x', changed.logX);
    typed.set('log_y', changed.logY);
    typed.save_changes();
  };
  const chart = new Chart(root, data, options(), save, { backend, systemOpen: typed.get('system_open') });
  const resync = (): boolean => sent(typed, { type: 'resync', id: ++resyncs });
  const onMessage = (message: AppendMessage, buffers: DataView[]): void => {
    if (message?.type !== 'append') return;
    try {
      const outcome = data.append(message, buffers);
      if (outcome === 'stale') return;
      if (outcome === 'gap') resync();
      chart.touch(message.series.map(series => series.key));
    } catch (error) {
      root.append(errorBox(`New points could not be read: ${String(error)}`));
    }
  };
  // a page that slept, or lost its connection, may have missed the last message
  const onAwake = (): void => {
    if (document.visibilityState === 'visible') resync();
  };
  const onContent = (): void => {
    if (!data.replace(typed.get('content'))) return;
    chart.touch();
    onSystem();
  };
  const onSystem = (): void => {
    // a card has them among its curves
    if (typed.get('system')?.length) chart.offerSystem(systemLoader(backend, data, typed.get('system')));
  };
  const onOptions = (): void => chart.setOptions(options());
  const onRuns = (): void => chart.setRuns(typed.get('runs'));
  const onTitle = (): void => chart.setTitle(typed.get('title'));

  typed.on('msg:custom', onMessage);
  typed.on('change:content', onContent);
  typed.on('change:x change:smoothing change:log_x change:log_y', onOptions);
  typed.on('change:runs', onRuns);
  typed.on('change:system', onSystem);
  typed.on('change:title', onTitle);
  document.addEventListener('visibilitychange', onAwake);
  onTitle();
  onRuns();
  onSystem();
  if (!resync()) throw new Error(KERNEL_GONE);
  return () => {
    typed.off('msg:custom', onMessage);
    typed.off('change:content', onContent);
    typed.off('change:x change:smoothing change:log_x change:log_y', onOptions);
    typed.off('change:runs', onRuns);
    typed.off('change:system', onSystem);
    typed.off('change:title', onTitle);
    document.removeEventListener('visibilitychange', onAwake);
    backend?.dispose();
    chart.dispose();
  };
}
