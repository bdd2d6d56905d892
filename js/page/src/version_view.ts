import { ModelActions } from '@nbtrack/shared/actions/model_actions';
import { ModelDetails } from '@nbtrack/shared/details/model_details';
import { h } from '@nbtrack/shared/dom';
import type { ModelRef } from '@nbtrack/shared/requests';
import { addressOf, type Route } from './routes';
import type { View, ViewContext } from './view';

type ModelRoute = Route & { page: 'version' | 'logged' };

/** The address of a model. */
export function refRoute(ref: ModelRef): ModelRoute {
  if ('model_id' in ref) return { page: 'logged', modelId: ref.model_id, tab: '' };
  return { page: 'version', name: ref.name, version: ref.version, tab: '' };
}

/** All there is to see of a version of a model, or of one that a run has logged. */
export function versionView(place: HTMLElement, context: ViewContext, route: ModelRoute): View {
  const { stores, storeId, go, keep, setTitle, registered } = context;
  const ref: ModelRef = route.page === 'logged' ? { model_id: route.modelId } : { name: route.name, version: route.version };
  const crumbs = h('nav', { class: 'crumbs', 'aria-label': 'Where this is' }, h('a', { class: 'nbt-link', href: '#/models' }, 'Models'));
  if (route.page === 'version') crumbs.append(h('a', { class: 'nbt-link', href: addressOf({ page: 'model', name: route.name }) }, route.name));
  const host = h('div', { class: 'nbt-page' });
  place.append(crumbs, host);
  const details = new ModelDetails(host, {
    nbtrack: stores,
    storeId,
    ref,
    actions: new ModelActions(stores, storeId),
    registered,
    tab: route.tab,
    openRun: runId => go({ page: 'run', runId, tab: '' }),
    openModel: other => go(refRoute(other)),
    onTitle: setTitle,
    onTab: shown => keep({ ...route, tab: shown === 'overview' ? '' : shown })
  });
  void details.refresh();
  return details;
}
