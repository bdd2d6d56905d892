import type { RenderProps } from '@anywidget/types';
import { viewRoot } from '@nbtrack/shared/dom';
import { CardHead } from '@nbtrack/shared/head';
import type { RunCardState } from '@nbtrack/shared/protocol';
import { connectChart } from './connection';

function render({ model, el }: RenderProps<RunCardState>): () => void {
  const root = viewRoot(el, 'card');
  const head = new CardHead(true);
  root.append(head.element);
  const onHead = (): void => head.setHead(model.get('head'));
  const onSince = (): void => head.setSince(model.get('since'), model.get('detail'));
  model.on('change:head', onHead);
  model.on('change:since change:detail', onSince);
  onHead();
  onSince();
  const disconnect = connectChart(model, root);
  return () => {
    model.off('change:head', onHead);
    model.off('change:since change:detail', onSince);
    head.dispose();
    disconnect();
  };
}

export default { render };
