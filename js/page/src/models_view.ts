import { errorBox, h } from '@nbtrack/shared/dom';
import { problemBox } from '@nbtrack/shared/empty_states';
import { FilterTyping } from '@nbtrack/shared/filter_typing';
import { formatNumber, formatTime } from '@nbtrack/shared/format';
import { plainLine } from '@nbtrack/shared/markdown';
import { released } from '@nbtrack/shared/presses';
import type { RegistryTree, TreeModel, TreeVersion } from '@nbtrack/shared/requests';
import { metricText, modelBadge, modelChips } from '@nbtrack/shared/model_parts';
import { problemOf } from '@nbtrack/shared/problem';
import { ServerError } from '@nbtrack/shared/server';
import { addressOf } from './routes';
import type { View, ViewContext } from './view';

const TYPING_MS = 200;

/** The registered models. */
export class ModelsView implements View {
  private readonly list = h('div', { class: 'table-host' });
  private readonly find = h('input', { type: 'search', class: 'nbt-search nbt-alone', placeholder: 'Filter by name, alias, stage or run', 'aria-label': 'Filter the models' });
  private readonly problem = h('div');
  private readonly note = h('p', { class: 'nbt-empty' });
  private readonly typing: FilterTyping;
  private filter = '';
  private turn = 0;
  private drawn = '';

  constructor(
    place: HTMLElement,
    private readonly context: ViewContext
  ) {
    context.setTitle('Models');
    const backend = context.stores.backend(context.storeId);
    this.typing = new FilterTyping(this.find, TYPING_MS, {
      unfinished: async filter => (await backend.ask('table.unfinished', { filter })).body.unfinished,
      search: text => {
        this.filter = text.trim();
        void this.refresh();
      },
      typing: () => this.problem.replaceChildren()
    });
    place.append(h('header', { class: 'page-head' }, h('h1', {}, 'Models')), h('div', { class: 'page-body' }, h('div', { class: 'nbt-filterbox' }, this.find, this.typing.hint), this.problem, this.list, this.note));
    void this.refresh();
  }

  async refresh(): Promise<void> {
    const turn = ++this.turn;
    const { stores, storeId } = this.context;
    const { filter } = this;
    try {
      const { body } = await stores.backend(storeId).ask('models.tree', { filter });
      await released(this.list);
      if (turn === this.turn) this.show(body, filter);
    } catch (error) {
      if (turn === this.turn) this.showProblem(error);
    }
  }

  dispose(): void {
    this.turn++;
    this.typing.stop();
  }

  search(): void {
    this.find.focus();
  }

  private show(response: RegistryTree, filter: string): void {
    this.problem.replaceChildren();
    this.find.removeAttribute('aria-invalid');
    this.list.hidden = false;
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

  /** Say what is wrong: with the filter, whose models are not those in the list, or with the server. */
  private showProblem(error: unknown): void {
    const wrong = error instanceof ServerError && error.kind === 'refused' && this.filter !== '';
    this.find.setAttribute('aria-invalid', String(wrong));
    this.problem.replaceChildren(wrong ? errorBox(error.message) : problemBox(problemOf(error), () => void this.refresh()));
    this.list.hidden = wrong;
    this.note.hidden = true;
  }

  private row(model: TreeModel): HTMLElement {
    const [latest] = model.versions;
    const about = plainLine(model.description ?? '');
    const open = addressOf({ page: 'model', name: model.name });
    const name = h('a', { class: 'nbt-link strong', href: open, title: model.name }, model.name);
    const row = h(
      'tr',
      {},
      h('th', { scope: 'row' }, name),
      h('td', {}, ...(latest ? [versionLink(model.name, latest)] : ['–'])),
      h('td', {}, h('span', { class: 'chips' }, ...model.versions.flatMap(version => inUse(model.name, version)))),
      h('td', { class: 'number' }, metricOf(latest)),
      h('td', { class: 'number' }, formatNumber(model.total)),
      h('td', {}, formatTime(model.updated_ms)),
      h('td', { class: 'wide', title: about }, about)
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
  return version?.metric ? `${version.metric.key} ${metricText(version.metric.value)}` : '';
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
