/** All views by the name of their widget's module in `nbtrack.views.widgets`. */
import comparison from './comparison';
import metric_chart from './metric_chart';
import model_card from './model_card';
import run_card from './run_card';
import run_table from './run_table';

export const views = { comparison, metric_chart, model_card, run_card, run_table };
