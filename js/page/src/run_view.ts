import { RunActions } from '@nbtrack/shared/actions/run_actions';
import { RunDetails } from '@nbtrack/shared/details/run_details';
import { h } from '@nbtrack/shared/dom';
import { addressOf, type Route } from './routes';
import { refRoute } from './version_view';
import type { View, ViewContext } from './view';

/** All there is to see of a run. */
export function runView(place: HTMLElement, context: ViewContext, route: Route & { page: 'run' }): View {
  const { stores, storeId, go, keep, setTitle } = context;
  const { runId, tab } = route;
  const host = h('div', { class: 'nbt-page' });
  place.append(h('nav', { class: 'crumbs', 'aria-label': 'Where this is' }, h('a', { class: 'nbt-link', href: addressOf({ page: 'runs', experiments: [], view: 'table' }) }, 'Runs')), host);
  const details = new RunDetails(host, {
    nbtrack: stores,
    storeId,
    runId,
    actions: new RunActions(stores, storeId),
    tab,
    open: other => go({ page: 'run', runId: other, tab: '' }),
    openModel: ref => go(refRoute(ref)),
    openTable: experimentId => go({ page: 'runs', experiments: [experimentId], view: 'table' }),
    onTitle: setTitle,
    onTab: shown => keep({ ...route, tab: shown === 'overview' ? '' : shown })
  });
  void details.refresh();
  return details;
}
