import type { RenderProps } from '@anywidget/types';
import { viewRoot } from '@nbtrack/shared/dom';
import type { MetricChartTraits } from '@nbtrack/shared/view_data';
import { connectChart } from './connection';

function render({ model, el }: RenderProps<MetricChartTraits>): () => void {
  return connectChart(model, viewRoot(el, 'chart'));
}

export default { render };
