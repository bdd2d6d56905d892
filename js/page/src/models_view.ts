import { h } from '@nbtrack/shared/dom';
import { formatNumber, formatTime } from '@nbtrack/shared/format';
import { plainLine } from '@nbtrack/shared/markdown';
import type { RegistryTree, TreeModel, TreeVersion } from '@nbtrack/shared/requests';
import { modelBadge, modelChips } from '@nbtrack/shared/model_parts';
import { addressOf } from './routes';
import type { View, ViewContext } from './view';

const TYPING_MS = 200;

/** The registered models. */
export class ModelsView implements View {
  private readonly list = h('div', { class: 'table-host' });
  private readonly find = h('input', { type: 'search', class: 'nbt-search nbt-alone', placeholder: 'Filter by name, alias, stage or run', 'aria-label': 'Filter the models' });
  private readonly note = h('p', { class: 'nbt-empty' });
  private turn = 0;
  private drawn = '';
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    place: HTMLElement,
    private readonly context: ViewContext
  ) {
    context.setTitle('Models');
    place.append(h('header', { class: 'page-head' }, h('h1', {}, 'Models')), h('div', { class: 'page-body' }, this.find, this.list, this.note));
    this.find.addEventListener('input', () => {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => void this.refresh(), TYPING_MS);
    });
    void this.refresh();
  }

  async refresh(): Promise<void> {
    const turn = ++this.turn;
    const { stores, storeId } = this.context;
    const filter = this.find.value.trim();
    try {
      const { body } = await stores.backend(storeId).ask('models.tree', { filter });
      if (turn === this.turn) this.show(body, filter);
    } catch (error) {
      if (turn === this.turn) this.note.textContent = error instanceof Error ? error.message : String(error);
    }
  }

  dispose(): void {
    this.turn++;
    clearTimeout(this.timer);
  }

  search(): void {
    this.find.focus();
  }

  private show(response: RegistryTree, filter: string): void {
    this.note.textContent = noteOf(response, filter);
    this.note.hidden = this.note.textContent === '';
    const now = JSON.stringify(response.models);
    if (now === this.drawn) return;
    this.drawn = now;
    if (response.models.length === 0) return this.list.replaceChildren();
    const heads = ['Name', 'Latest', 'In use', 'Metric', 'Versions', 'Changed', 'Description'].map(head => h('th', { scope: 'col' }, head));
    const rows = response.models.map(model => this.row(model));
    this.list.replaceChildren(h('table', { class: 'listing', 'aria-label': 'Models' }, h('thead', {}, h('tr', {}, ...heads)), h('tbody', {}, ...rows)));
  }

  private row(model: TreeModel): HTMLElement {
    const [latest] = model.versions;
    const open = addressOf({ page: 'model', name: model.name });
    const name = h('a', { class: 'nbt-link strong', href: open }, model.name);
    const row = h(
      'tr',
      {},
      h('th', { scope: 'row' }, name),
      h('td', {}, ...(latest ? [versionLink(model.name, latest)] : ['–'])),
      h('td', {}, h('span', { class: 'chips' }, ...model.versions.flatMap(version => inUse(model.name, version)))),
      h('td', { class: 'number' }, metricOf(latest)),
      h('td', { class: 'number' }, formatNumber(model.total)),
      h('td', {}, formatTime(model.updated_ms)),
      h('td', { class: 'wide', title: model.description ?? '' }, plainLine(model.description ?? ''))
    );
    row.addEventListener('click', event => {
      if (!(event.target as Element).closest('a')) location.hash = open;
    });
    return row;
  }
}

/** A version as a link, with what is wrong with it. */
export function versionLink(name: string, { version, state }: TreeVersion): HTMLElement {
  const link = h('a', { class: 'nbt-link', href: addressOf({ page: 'version', name, version, tab: '' }) }, `v${version}`);
  const badge = modelBadge(state);
  return badge ? h('span', { class: 'chips' }, link, badge) : link;
}

export function metricOf(version: TreeVersion | undefined): string {
  return version?.metric ? `${version.metric.key} ${formatNumber(version.metric.value)}` : '';
}

/** The aliases and the stage of a version, each with the version that it names. */
function inUse(name: string, version: TreeVersion): HTMLElement[] {
  const chips = modelChips(version.aliases, version.stage);
  if (chips.length === 0) return [];
  return [h('a', { class: 'nbt-link chips', href: addressOf({ page: 'version', name, version: version.version, tab: '' }) }, ...chips, `v${version.version}`)];
}

function noteOf({ models, total, logged }: RegistryTree, filter: string): string {
  if (models.length > 0) return total > models.length ? `The ${models.length} that were changed last, of ${formatNumber(total)}.` : '';
  if (filter) return 'No model matches.';
  const with_runs = logged > 0 ? ` ${formatNumber(logged)} ${logged === 1 ? 'model is' : 'models are'} with their runs; open one there to register it.` : '';
  return `No model is registered yet. log_model(…, registered_model_name="…") does it, or register_model.${with_runs}`;
}
