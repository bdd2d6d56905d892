import { RunActions } from '@nbtrack/shared/actions/run_actions';
import { RunDetails } from '@nbtrack/shared/details/run_details';
import { askForName } from '@nbtrack/shared/actions/dialogs';
import { h } from '@nbtrack/shared/dom';
import type { FullRun } from '@nbtrack/shared/requests';
import type { MenuItem } from '@nbtrack/shared/table_popup';
import { NOTHING } from './address_state';
import { moreButton } from './more_menu';
import { addressOf, type Route } from './routes';
import { refRoute } from './version_view';
import type { View, ViewContext } from './view';

/** All there is to see of a run. */
export function runView(place: HTMLElement, context: ViewContext, route: Route & { page: 'run' }): View {
  const { stores, storeId, go, keep, setTitle } = context;
  const { runId, tab, shown = NOTHING } = route;
  let now = route;
  const note = (part: Partial<typeof route>): void => keep((now = { ...now, ...part }));
  const host = h('div', { class: 'nbt-page' });
  const actions = new RunActions(stores, storeId);
  let run: FullRun['run'] | null = null;
  const more = moreButton('More about this run', () => (run ? menuOf(context, actions, run) : []));
  more.disabled = true; // until there is a run
  const home = h('a', { class: 'nbt-link', href: addressOf({ page: 'runs', experiments: [], view: 'table' }) }, 'Runs');
  place.append(h('nav', { class: 'crumbs', 'aria-label': 'Where this is' }, home, h('span', { class: 'nbt-push' }), more), host);
  const details = new RunDetails(host, {
    nbtrack: stores,
    storeId,
    runId,
    actions,
    tab,
    open: other => go({ page: 'run', runId: other, tab: '' }),
    openModel: ref => go(refRoute(ref)),
    openTable: experimentId => go({ page: 'runs', experiments: [experimentId], view: 'table' }),
    compare: runIds => go({ page: 'compare', runIds }),
    onRun: found => {
      run = found;
      more.disabled = false;
      setTitle(found.name);
    },
    chart: shown.chart,
    onChart: chart => note({ shown: { ...(now.shown ?? NOTHING), chart } }),
    imagesView: shown.images,
    onImages: images => note({ shown: { ...(now.shown ?? NOTHING), images } }),
    onTab: opened => note({ tab: opened === 'overview' ? '' : opened })
  });
  void details.refresh();
  return details;
}

function menuOf({ stores, go }: ViewContext, actions: RunActions, run: FullRun['run']): (MenuItem | '-')[] {
  const { run_id: runId, name } = run;
  const named = [{ run_id: runId, name }];
  const archive: MenuItem = run.archived ? { label: 'Unarchive', run: () => void actions.act('unarchive', named) } : { label: 'Archive', run: () => void actions.act('archive', named) };
  const deleted = run.stage === 'deleted';
  return [
    { label: 'Rename …', run: () => void rename() },
    { label: 'Add tag …', run: () => void actions.addTag(named) },
    { label: 'Copy run ID', run: () => void actions.copy(runId, 'The ID of the run is in the clipboard') },
    '-',
    ...(deleted ? [{ label: 'Restore', run: () => void actions.act('restore', named) }] : [archive, { label: 'Delete …', danger: true, run: () => void remove() }])
  ];

  async function rename(): Promise<void> {
    const given = await askForName(stores.appHost, 'Rename the run', 'Name', name, []);
    if (given && given !== name) await actions.rename(runId, given);
  }

  async function remove(): Promise<void> {
    if (await actions.act('delete', named)) go({ page: 'runs', experiments: [], view: 'table' });
  }
}
