import { ComparisonView } from '@nbtrack/shared/comparison';
import { h } from '@nbtrack/shared/dom';
import { counted } from '@nbtrack/shared/format';
import { NOTHING, type Shown } from './address_state';
import type { Route } from './routes';
import type { View, ViewContext } from './view';

const MOST_PX = 300;
const HEAD_PX = 68;
const ROW_PX = 28;

/** Some runs side by side. */
export class CompareView implements View {
  private readonly content: ComparisonView | null;

  constructor(
    private readonly place: HTMLElement,
    { stores, storeId, go, keep, setTitle }: ViewContext,
    route: Route & { page: 'compare' }
  ) {
    const { runIds, shown = NOTHING } = route;
    let now = shown;
    const note = (part: Partial<Shown>): void => keep({ ...route, shown: (now = { ...now, ...part }) });
    const title = `Compare ${counted(runIds.length, 'run')}`;
    setTitle(title);
    const back = h('a', { class: 'nbt-link crumb', href: '#/runs' }, 'Runs');
    place.append(h('header', { class: 'page-head' }, back, h('h1', {}, title)));
    if (runIds.length === 0) {
      place.append(h('p', { class: 'nbt-empty' }, 'Select runs in the table, then compare them.'));
      this.content = null;
      return;
    }
    const host = h('div', { class: 'runs-host' });
    place.append(host);
    this.content = new ComparisonView(host, {
      backend: stores.backend(storeId),
      experimentIds: null,
      runIds,
      selected: shown.selected.length > 0 ? shown.selected : runIds,
      state: shown.plots,
      chart: shown.chart,
      images: shown.images,
      onImages: images => note({ images }),
      onState: plots => note({ plots }),
      onChart: chart => note({ chart }),
      onSelected: selected => note({ selected }),
      tableHeight: Math.min(MOST_PX, HEAD_PX + runIds.length * ROW_PX),
      onOpen: runId => go({ page: 'run', runId, tab: '' })
    });
  }

  refresh(): void {
    this.content?.refresh();
  }

  dispose(): void {
    this.content?.dispose();
  }

  search(): void {
    this.place.querySelector<HTMLInputElement>('.nbt-filter')?.focus();
  }
}
