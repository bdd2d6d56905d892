import type { RenderProps } from '@anywidget/types';
import { pageInterrupt, serverBackend } from '@nbtrack/shared/backend';
import { viewRoot } from '@nbtrack/shared/dom';
import { CardHead } from '@nbtrack/shared/head';
import { FINISHED_EVENT, KERNEL_GONE } from '@nbtrack/shared/protocol';
import type { FinishedMessage, RunCardTraits, ViewTraits } from '@nbtrack/shared/view_data';
import { CommBackend } from './comm_backend';
import { connectChart } from './connection';
import { sent } from './send';

/** How long the card of a run that has ended waits for its finished output before it asks for it. */
const GRACE_MS = 1000;

let requests = 0;

function render({ model, el }: RenderProps<RunCardTraits & ViewTraits>): () => void {
  const root = viewRoot(el, 'card');
  const stop = async (): Promise<void> => {
    const interrupt = pageInterrupt();
    if (interrupt) await interrupt(root);
    // the kernel ends a run that is open while no cell runs, and interrupts the cell where the page cannot
    if (!sent(model, { type: 'stop', interrupted: interrupt !== null })) throw new Error(KERNEL_GONE);
  };
  const backend = new CommBackend(model, () => head.setLive(false));
  // a server can do this while the kernel is busy: the grid asks the store before it starts another run
  const stopAfter = (): Promise<unknown> => backend.ask('run.stop_after', { run_id: model.get('head').run_id ?? '' });
  const head: CardHead = new CardHead(true, stop, stopAfter);
  root.append(head.element);
  let waiting: ReturnType<typeof setTimeout> | undefined;
  const onStoppable = (): void => {
    const heard = model.get('stoppable');
    head.setStoppable(pageInterrupt() !== null || heard, serverBackend(model.get('store_id')) !== null || heard);
  };
  const onHead = (): void => {
    const now = model.get('head');
    onStoppable();
    head.setHead(now);
    clearTimeout(waiting);
    if (now.state === 'RUNNING' || now.state === 'SCHEDULED') return;
    // a page that was reloaded in mid-run does not get the output that replaces this card
    waiting = setTimeout(() => sent(model, { type: 'finish', id: ++requests }), GRACE_MS);
  };
  const onMessage = ({ type, data, metadata }: FinishedMessage): void => {
    if (type !== 'finished') return;
    const detail = { data, metadata };
    root.dispatchEvent(new CustomEvent(FINISHED_EVENT, { bubbles: true, composed: true, detail }));
  };
  const onRunDiff = (): void => head.setRunDiff(model.get('since'), model.get('detail'));
  model.on('msg:custom', onMessage);
  model.on('change:head', onHead);
  model.on('change:stoppable', onStoppable);
  model.on('change:since change:detail', onRunDiff);
  onHead();
  onRunDiff();
  const disconnect = connectChart(model, root);
  return () => {
    clearTimeout(waiting);
    model.off('msg:custom', onMessage);
    model.off('change:head', onHead);
    model.off('change:stoppable', onStoppable);
    model.off('change:since change:detail', onRunDiff);
    head.dispose();
    backend.dispose();
    disconnect();
  };
}

export default { render };
