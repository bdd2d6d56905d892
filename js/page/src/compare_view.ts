import { ComparisonView } from '@nbtrack/shared/comparison';
import { h } from '@nbtrack/shared/dom';
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
    { stores, storeId, go, setTitle }: ViewContext,
    { runIds }: Route & { page: 'compare' }
  ) {
    const title = `Compare ${runIds.length} runs`;
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
      selected: runIds,
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
