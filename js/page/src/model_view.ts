import { askForName } from '@nbtrack/shared/actions/dialogs';
import { ModelActions } from '@nbtrack/shared/actions/model_actions';
import { NoteEditor } from '@nbtrack/shared/details/note_editor';
import { Slots } from '@nbtrack/shared/details/slots';
import { h, messageOf } from '@nbtrack/shared/dom';
import { formatNumber, formatTime } from '@nbtrack/shared/format';
import { plainLine } from '@nbtrack/shared/markdown';
import { afterPress } from '@nbtrack/shared/presses';
import type { TreeModel, TreeVersion } from '@nbtrack/shared/requests';
import { modelChips } from '@nbtrack/shared/model_parts';
import { moreButton } from './more_menu';
import { metricOf, versionLink } from './models_view';
import { addressOf } from './routes';
import type { View, ViewContext } from './view';

/** A registered model and its versions. */
export class ModelView implements View {
  private readonly actions: ModelActions;
  private readonly body = new Slots(h('div', { class: 'page-body' }));
  private readonly note: NoteEditor;
  private readonly noted: HTMLElement;
  private readonly more: HTMLElement;
  private total = 0;
  private turn = 0;

  constructor(
    place: HTMLElement,
    private readonly context: ViewContext,
    private readonly name: string
  ) {
    this.actions = new ModelActions(context.stores, context.storeId);
    context.setTitle(name);
    const save = (text: string): Promise<boolean> => this.actions.setDescription(name, null, text);
    this.note = new NoteEditor({ label: 'Description', hint: 'What this model is for', save });
    this.noted = h('div', { class: 'model-note' }, this.note.element);
    const crumbs = h('nav', { class: 'crumbs', 'aria-label': 'Where this is' }, h('a', { class: 'nbt-link', href: '#/models' }, 'Models'));
    this.more = moreButton('More about this model', () => [
      { label: 'Rename …', run: () => void this.rename() },
      { label: 'Delete …', danger: true, run: () => void this.remove() }
    ]);
    place.append(crumbs, h('header', { class: 'page-head' }, h('h1', {}, name), h('span', { class: 'nbt-push' }), this.more), this.body.element);
    this.refresh();
  }

  refresh(): void {
    const known = this.context.registered().find(model => model.name === this.name);
    if (known) afterPress(this.body.element, () => this.show(known));
    else void this.find();
  }

  /** The page knows the models that were changed last; others are asked for by name. */
  private async find(): Promise<void> {
    const turn = ++this.turn;
    const { stores, storeId } = this.context;
    try {
      const { body } = await stores.backend(storeId).ask('models.tree', { filter: this.name });
      if (turn !== this.turn) return;
      const found = body.models.find(model => model.name === this.name);
      if (found) this.show(found);
      else this.say(`There is no registered model “${this.name}”. It may have been renamed or deleted.`);
    } catch (error) {
      if (turn === this.turn) this.say(messageOf(error));
    }
  }

  private say(text: string): void {
    this.more.hidden = true;
    this.body.set([{ name: 'gone', about: text, draw: () => h('p', { class: 'nbt-empty' }, text) }]);
  }

  private show(model: TreeModel): void {
    this.turn++;
    this.total = model.total;
    this.more.hidden = false;
    this.note.set(model.description ?? '');
    const left = model.total - model.versions.length;
    const older = (): HTMLElement => h('p', { class: 'nbt-empty' }, `${formatNumber(left)} older ${left === 1 ? 'version' : 'versions'} without an alias or a stage.`);
    this.body.set([
      { name: 'note', about: null, draw: () => this.noted },
      { name: 'versions', about: model.versions, draw: () => (model.versions.length > 0 ? this.table(model.versions) : noVersions(this.name)) },
      left > 0 && { name: 'left', about: left, draw: older }
    ]);
  }

  dispose(): void {
    this.turn++;
    void this.note.save();
  }

  private table(versions: readonly TreeVersion[]): HTMLElement {
    const heads = ['Version', 'Aliases and stage', 'Metric', 'Created', 'Run', 'Description'].map(head => h('th', { scope: 'col' }, head));
    const body = h('tbody', {}, ...versions.map(version => this.row(version)));
    return h('div', { class: 'table-host' }, h('table', { class: 'listing', 'aria-label': `Versions of ${this.name}` }, h('thead', {}, h('tr', {}, ...heads)), body));
  }

  private async rename(): Promise<void> {
    const name = await askForName(this.context.stores.appHost, 'Rename the model', 'Name', this.name, []);
    if (!name || name === this.name) return;
    await this.actions.rename(this.name, name);
    this.context.go({ page: 'model', name });
  }

  private async remove(): Promise<void> {
    if (await this.actions.deleteModel(this.name, this.total)) this.context.go({ page: 'models' });
  }

  private row(version: TreeVersion): HTMLElement {
    const { run_id: runId, run_name: runName } = version;
    const about = plainLine(version.description ?? '');
    const open = addressOf({ page: 'version', name: this.name, version: version.version, tab: '' });
    const row = h(
      'tr',
      {},
      h('th', { scope: 'row' }, versionLink(this.name, version)),
      h('td', {}, h('span', { class: 'chips' }, ...modelChips(version.aliases, version.stage))),
      h('td', { class: 'number' }, metricOf(version)),
      h('td', {}, formatTime(version.created_ms)),
      h('td', {}, runId ? h('a', { class: 'nbt-link', href: addressOf({ page: 'run', runId, tab: '' }) }, runName ?? `${runId.slice(0, 8)}…`) : ''),
      h('td', { class: 'wide', title: about }, about)
    );
    row.addEventListener('click', event => {
      if (!(event.target as Element).closest('a')) location.hash = open;
    });
    return row;
  }
}

/** What stands in the place of the versions where there are none. */
function noVersions(name: string): HTMLElement {
  const code = `nbtrack.register_model(f"models:/{model.model_id}", ${JSON.stringify(name)})`;
  return h('div', { class: 'nbt-teach' }, h('h3', {}, 'No versions yet'), h('p', {}, 'Register a model that a run has logged:'), h('pre', { tabindex: 0, 'aria-label': 'The code of a first version' }, code));
}
