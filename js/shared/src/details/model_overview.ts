import { h } from '../dom';
import { formatBytes, formatTime } from '../format';
import { codeLine, metricText, parametersText, signatureTable } from '../model_parts';
import type { ModelFacts, VersionLink } from '../requests';
import { noteEditor } from './overview';
import { facts, filteredTable, linkButton, section, textTable } from './parts';

export interface ModelHandlers {
  openRun(runId: string): void;
  openModel(ref: { name: string; version: number } | { model_id: string }, name: string): void;
  setDescription(text: string): void;
  tag(before?: [string, string]): void;
  removeAlias(alias: string): void;
  addAlias(): void;
  /** Where it comes from. */
  lineage: HTMLElement;
}

/** What a model is, in one look. */
export function showModelOverview(panel: HTMLElement, model: ModelFacts, handlers: ModelHandlers): void {
  const main = h('div', { class: 'nbt-overview-main' });
  const side = h('div', { class: 'nbt-overview-side' });
  const parts: HTMLElement[] = [];
  if (model.message) parts.push(h('pre', { class: 'nbt-failure', tabindex: 0, 'aria-label': 'Why the model could not be written' }, model.message));
  main.append(section('Load it', codeLine(model.load, 'Copy the line that loads the model')));
  const none = 'It has none. Pass an input_example to log_model, and the signature is inferred.';
  main.append(section('Signature', model.signature ? signatureTable(model.signature) : h('p', { class: 'nbt-empty' }, none)));
  if (model.metrics.length > 0) {
    const rows = model.metrics.map(({ key, value, step }) => [key, metricText(value), String(step ?? '')]);
    main.append(section('Metrics', textTable('Metrics', ['Metric', 'Value', 'Step'], rows)));
  }
  if (model.params.length > 0) main.append(section('Params', filteredTable('Params', ['Param', 'Value'], model.params)));
  if (model.kind === 'version') {
    side.append(section('Description', noteEditor(model.description ?? '', { label: 'Description', hint: 'What this version is for', save: handlers.setDescription })));
    side.append(section('Aliases', aliasList(model, handlers)), section('Tags', tagList(model, handlers)));
  }
  main.append(handlers.lineage);
  side.append(
    section(
      'Model',
      facts([
        ['Flavor', model.flavors.join(', ')],
        ['Type', model.model_type],
        ['Size', [parametersText(model.parameters), formatBytes(model.size)].filter(Boolean).join(', ')],
        ['Device', model.device],
        ['Precision', model.precision],
        ['Created', formatTime(model.created_ms)],
        ['By', model.user],
        ['URI', h('code', {}, model.uri)],
        ['ID', model.model_id ? h('code', {}, model.model_id) : null]
      ])
    )
  );
  panel.replaceChildren(...parts, h('div', { class: 'nbt-overview' }, main, side));
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
