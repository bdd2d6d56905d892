import { h } from '../dom';
import { formatBytes, formatTime } from '../format';
import { codeLine, metricText, parametersText, signatureTable } from '../model_parts';
import type { ModelFacts, VersionLink } from '../requests';
import { NoteEditor } from './note_editor';
import { facts, filteredTable, linkButton, section, textTable } from './parts';
import { Slots } from './slots';

export interface ModelHandlers {
  openRun(runId: string): void;
  openModel(ref: { name: string; version: number } | { model_id: string }, name: string): void;
  /** Store the description; whether that was done. */
  setDescription(text: string): Promise<boolean>;
  tag(before?: [string, string]): void;
  removeAlias(alias: string): void;
  addAlias(): void;
  /** Where it comes from. */
  lineage: HTMLElement;
}

/** What a model is, in one look. */
export class ModelOverview {
  private readonly main = new Slots(h('div', { class: 'nbt-overview-main' }));
  private readonly side = new Slots(h('div', { class: 'nbt-overview-side' }));
  private readonly body = h('div', { class: 'nbt-overview' }, this.main.element, this.side.element);
  private readonly page: Slots;
  private readonly note: NoteEditor;
  private readonly noted: HTMLElement;

  constructor(
    panel: HTMLElement,
    private readonly handlers: ModelHandlers
  ) {
    this.page = new Slots(panel);
    this.note = new NoteEditor({ label: 'Description', hint: 'What this version is for', save: handlers.setDescription });
    this.noted = section('Description', this.note.element);
  }

  /** Show what is new; what somebody writes stays. */
  show(model: ModelFacts): void {
    const { handlers } = this;
    const { message, load, signature, metrics, params, aliases, tags } = model;
    this.note.set(model.description ?? '');
    this.page.set([message ? { name: 'error', about: message, draw: () => failureOf(message) } : null, { name: 'parts', about: null, draw: () => this.body }]);
    const none = 'It has none. Pass an input_example to log_model, and the signature is inferred.';
    this.main.set([
      { name: 'load', about: load, draw: () => section('Load it', codeLine(load, 'Copy the line that loads the model')) },
      { name: 'signature', about: signature, draw: () => section('Signature', signature ? signatureTable(signature) : h('p', { class: 'nbt-empty' }, none)) },
      metrics.length > 0 && { name: 'metrics', about: metrics, draw: () => section('Metrics', metricTable(metrics)) },
      params.length > 0 && { name: 'params', about: params, draw: () => section('Params', filteredTable('Params', ['Param', 'Value'], params)) },
      { name: 'lineage', about: null, draw: () => handlers.lineage }
    ]);
    const isVersion = model.kind === 'version';
    this.side.set([
      isVersion && { name: 'note', about: null, draw: () => this.noted },
      isVersion && { name: 'aliases', about: [aliases, model.name], draw: () => section('Aliases', aliasList(model, handlers)) },
      isVersion && { name: 'tags', about: tags, draw: () => section('Tags', tagList(model, handlers)) },
      { name: 'model', about: { ...model, tags: null, description: null }, draw: () => section('Model', modelFacts(model)) }
    ]);
  }

  /** Save what was written last. */
  dispose(): void {
    void this.note.save();
  }
}

function failureOf(message: string): HTMLElement {
  return h('pre', { class: 'nbt-failure', tabindex: 0, 'aria-label': 'Why the model could not be written' }, message);
}

function metricTable(metrics: ModelFacts['metrics']): HTMLElement {
  const rows = metrics.map(({ key, value, step }) => [key, metricText(value), String(step ?? '')]);
  return textTable('Metrics', ['Metric', 'Value', 'Step'], rows);
}

function modelFacts(model: ModelFacts): HTMLElement {
  return facts([
    ['Flavor', model.flavors.join(', ')],
    ['Type', model.model_type],
    ['Size', [parametersText(model.parameters), formatBytes(model.size)].filter(Boolean).join(', ')],
    ['Device', model.device],
    ['Precision', model.precision],
    ['Created', formatTime(model.created_ms)],
    ['By', model.user],
    ['URI', h('code', {}, model.uri)],
    ['ID', model.model_id ? h('code', {}, model.model_id) : null]
  ]);
}

/** The packages that a model needs. */
export function showModelEnvironment(panel: HTMLElement, { requirements, python }: ModelFacts): void {
  const rows = requirements.map((line): [string, string] => {
    const at = line.search(/[=<>~!;\s]/);
    return at < 0 ? [line, ''] : [line.slice(0, at), line.slice(at).replace(/^==/, '')];
  });
  panel.replaceChildren(section('Python', h('p', {}, python ?? 'not known')));
  const none = h('p', { class: 'nbt-empty' }, 'No packages were recorded.');
  panel.append(section('Packages', rows.length > 0 ? filteredTable('Packages', ['Package', 'Version'], rows) : none));
}

function aliasList({ aliases, version, name }: ModelFacts, handlers: ModelHandlers): HTMLElement {
  const list = h('div', { class: 'nbt-chips' });
  for (const alias of aliases) {
    const remove = h('button', { type: 'button', class: 'nbt-chip', title: 'Remove this alias', 'aria-label': `Remove the alias ${alias} of ${name} v${version}` }, `@${alias}`, h('span', { 'aria-hidden': 'true' }, '×'));
    remove.addEventListener('click', () => handlers.removeAlias(alias));
    list.append(remove);
  }
  const add = h('button', { type: 'button', class: 'nbt-chip nbt-chip-add' }, '+ Add alias');
  add.addEventListener('click', () => handlers.addAlias());
  list.append(add);
  return list;
}

function tagList({ tags }: ModelFacts, handlers: ModelHandlers): HTMLElement {
  const list = h('div', { class: 'nbt-chips' });
  for (const [key, value] of tags) {
    const chip = h('button', { type: 'button', class: 'nbt-chip', title: 'Change this tag' }, h('span', {}, key), value);
    chip.addEventListener('click', () => handlers.tag([key, value]));
    list.append(chip);
  }
  const add = h('button', { type: 'button', class: 'nbt-chip nbt-chip-add' }, '+ Add tag');
  add.addEventListener('click', () => handlers.tag());
  list.append(add);
  return list;
}

/** A version as a link. */
export function versionButton({ name, version }: VersionLink, open: ModelHandlers['openModel']): HTMLElement {
  return linkButton(`${name} v${version}`, () => open({ name, version }, `${name} v${version}`));
}
