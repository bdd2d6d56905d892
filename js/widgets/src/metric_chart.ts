import type { RenderProps } from '@anywidget/types';
import { viewRoot } from '@nbtrack/shared/dom';
import type { MetricChartState } from '@nbtrack/shared/protocol';
import { connectChart } from './connection';

function render({ model, el }: RenderProps<MetricChartState>): () => void {
  return connectChart(model, viewRoot(el, 'chart'));
}

export default { render };
